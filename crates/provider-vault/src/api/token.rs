//! The token that requests go out with: read, held, renewed, or given by a login.

use bytes::Bytes;
use keywheel_core::{Effect, Error, ErrorKind, Result};
use reqwest::{Method, StatusCode, header::HeaderValue};

use super::{
    Session,
    reply::{Reply, Said},
    send::{Again, Request},
};
use crate::auth::{Auth, Due, Held, Issued, Login, header};

impl Session<'_> {
    /// Sends with a token, and once more with another one if the server no longer knows the one that a login gave.
    pub(super) async fn authorised(&mut self, request: &Request<'_>) -> Result<Reply> {
        let token = self.token().await.map_err(not_sent)?;
        let reply = self.send(request, Some(&token)).await?;
        if reply.status != StatusCode::FORBIDDEN || self.fresh || self.knows(&token).await? {
            return Ok(reply);
        }
        let Auth::Login(login) = &self.shared.auth else {
            let message = "the server refused the token: it has expired, was revoked, or lacks both the right to this and \
                           the policy `default`";
            return Err(Error::not_applied(ErrorKind::Unauthenticated, self.operation, message));
        };
        tracing::debug!(operation = self.operation, "the token is not known any more: logging in again");
        // A refused request changed nothing, so that it may be sent again.
        let token = self.log_in_again(login, &token).await.map_err(not_sent)?;
        self.send(request, Some(&token)).await
    }

    /// Whether the server still knows the token, so that a refusal was about rights.
    async fn knows(&mut self, token: &HeaderValue) -> Result<bool> {
        let path = &["auth", "token", "lookup-self"];
        let request = Request { method: Method::GET, path, query: None, body: None, again: Again::Freely };
        let reply = self.send(&request, Some(token)).await.map_err(not_sent)?;
        Ok(reply.status != StatusCode::FORBIDDEN)
    }

    /// The token that requests go out with: read, held, renewed, or given by a login.
    async fn token(&mut self) -> Result<HeaderValue> {
        let login = match &self.shared.auth {
            Auth::Token(reference) => return header(self.operation, reference.read()?.expose_secret()),
            Auth::Login(login) => login,
        };
        // While one operation logs in, the others wait for its token.
        let shared = self.shared;
        let mut slot = shared.held.lock().await;
        if let Some(held) = slot.take() {
            let kept = match held.due(shared.clock.running()) {
                Due::Nothing => Some(held),
                Due::Renewal => self.renew(held).await,
                Due::Login => None,
            };
            if let Some(held) = kept {
                let token = held.token.clone();
                *slot = Some(held);
                return Ok(token);
            }
        }
        let held = self.log_in(login).await?;
        let token = held.token.clone();
        *slot = Some(held);
        Ok(token)
    }

    async fn log_in_again(&mut self, login: &Login, refused: &HeaderValue) -> Result<HeaderValue> {
        let shared = self.shared;
        let mut slot = shared.held.lock().await;
        // Another operation may have done so already.
        if let Some(held) = slot.as_ref().filter(|held| held.token != *refused) {
            return Ok(held.token.clone());
        }
        *slot = None;
        let held = self.log_in(login).await?;
        let token = held.token.clone();
        *slot = Some(held);
        Ok(token)
    }

    async fn log_in(&mut self, login: &Login) -> Result<Held> {
        let (path, body) = login.request()?;
        let body = Some(Bytes::from_owner(body));
        let request =
            Request { method: Method::POST, path: &path, query: None, body, again: Again::IfRefused };
        let reply = self.send(&request, None).await?;
        if reply.status == StatusCode::OK {
            self.fresh = true;
            let issued: Issued = reply.json(self.operation)?;
            return Held::new(self.operation, issued, self.shared.clock.running());
        }
        let error = reply.refusal(self.operation);
        let refused = matches!(reply.status.as_u16(), 400 | 401 | 403)
            && matches!(
                error.kind,
                ErrorKind::Unauthenticated | ErrorKind::PermissionDenied | ErrorKind::InvalidConfig
            );
        if refused && reply.said() != Said::NoMount {
            let message = format!("the server refused the login: {}", login.hint());
            let status = reply.status.as_u16();
            return Err(Error::not_applied(ErrorKind::Unauthenticated, self.operation, message)
                .with("status", status)
                .with("auth", &login.mount));
        }
        Err(error)
    }

    /// The same token with more time; `None` if the server does not give it.
    async fn renew(&mut self, held: Held) -> Option<Held> {
        let path = &["auth", "token", "renew-self"];
        let request = Request {
            method: Method::POST,
            path,
            query: None,
            body: Some(Bytes::from_static(b"{}")),
            again: Again::Freely,
        };
        let token = held.token.clone();
        let reply = self.send(&request, Some(&token)).await.ok()?;
        let issued: Issued = (reply.status == StatusCode::OK).then(|| reply.json(self.operation).ok())??;
        held.renewed(&issued, self.shared.clock.running())
    }
}

/// What was to come before the request itself failed.
fn not_sent(error: Error) -> Error {
    Error { effect: Effect::NotApplied, ..error }
}
