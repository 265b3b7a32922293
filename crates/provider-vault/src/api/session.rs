//! The requests of one operation.

use std::time::Duration;

use bytes::Bytes;
use keywheel_core::{CallContext, Effect, Error, ErrorKind, Result};
use reqwest::{
    Client, Method, Response, StatusCode, Url,
    header::{CONTENT_TYPE, HeaderValue, LOCATION, RETRY_AFTER},
};
use zeroize::Zeroizing;

use super::{
    failure::unanswered,
    reply::Reply,
    shared::{PATIENCE, Shared},
};
use crate::auth::{Auth, Due, Held, Issued, Login, header};

/// The largest answer that is looked at: more than the largest request that a server takes.
const LARGEST_BYTES: usize = 64 * 1024 * 1024;

/// What one request is, apart from who sends it.
struct Request<'r> {
    method: Method,
    path: &'r [&'r str],
    query: Option<(&'static str, String)>,
    body: Option<Bytes>,
}

/// Requests, one after the other. Once one of them may have changed something, every failure is `MaybeApplied`.
pub(crate) struct Session<'a> {
    shared: &'a Shared,
    operation: &'static str,
    deadline: Option<Duration>,
    client: Client,
    /// Where the active node is, as a standby said.
    base: Url,
    /// The token was given in this operation: nobody revoked it meanwhile.
    fresh: bool,
    changed: bool,
}

impl<'a> Session<'a> {
    /// Reads the certificates anew: whoever renews them need not restart anything. Sends nothing.
    pub(crate) fn new(
        shared: &'a Shared,
        operation: &'static str,
        context: Option<&CallContext>,
    ) -> Result<Self> {
        Ok(Self {
            shared,
            operation,
            deadline: context.map(|context| context.deadline),
            client: shared.client(operation)?,
            base: shared.address.clone(),
            fresh: false,
            changed: false,
        })
    }

    pub(crate) fn operation(&self) -> &'static str {
        self.operation
    }

    /// Whether the token is one that somebody else issued.
    pub(crate) fn uses_given_token(&self) -> bool {
        match self.shared.auth {
            Auth::Token(_) => true,
            Auth::Login(_) => false,
        }
    }

    pub(crate) fn shared(&self) -> &'a Shared {
        self.shared
    }

    /// What is at `path`. Not found is an answer; every other refusal is an error.
    pub(crate) async fn get(
        &mut self,
        path: &[&str],
        query: Option<(&'static str, String)>,
    ) -> Result<Reply> {
        let request = Request { method: Method::GET, path, query, body: None };
        self.look(request).await
    }

    /// A question that is asked with a body.
    pub(crate) async fn ask(&mut self, path: &[&str], body: Vec<u8>) -> Result<Reply> {
        let request = Request { method: Method::POST, path, query: None, body: Some(body.into()) };
        self.look(request).await
    }

    async fn look(&mut self, request: Request<'_>) -> Result<Reply> {
        let reply = self.authorised(&request).await.and_then(|reply| match reply.status {
            StatusCode::OK | StatusCode::NOT_FOUND => Ok(reply),
            _ => Err(reply.refusal(self.operation)),
        });
        // What only looks has changed nothing; an earlier request may have.
        reply.map_err(|error| self.seal(Error { effect: Effect::NotApplied, ..error }))
    }

    /// Changes what is at `path`. Every refusal is an error; what was certainly not applied leaves the session as it was.
    pub(crate) async fn post(&mut self, path: &[&str], body: Zeroizing<Vec<u8>>) -> Result<Reply> {
        // Wiped when the last copy that the client makes of the handle is gone.
        let body = Some(Bytes::from_owner(body));
        let request = Request { method: Method::POST, path, query: None, body };
        let outcome = match self.authorised(&request).await {
            Ok(reply) if reply.status.is_success() => Ok(reply),
            Ok(reply) => Err(reply.refusal(self.operation)),
            Err(error) => Err(error),
        };
        let outcome = outcome.map_err(|error| self.seal(error));
        self.changed |= outcome.as_ref().err().is_none_or(|error| error.effect == Effect::MaybeApplied);
        outcome
    }

    /// Sends with a token, and once more with another one if the server no longer knows the one that a login gave.
    async fn authorised(&mut self, request: &Request<'_>) -> Result<Reply> {
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
        let request = Request { method: Method::GET, path, query: None, body: None };
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
        let request = Request { method: Method::POST, path: &path, query: None, body };
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
        if refused && reply.said() != super::Said::NoMount {
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
        let request =
            Request { method: Method::POST, path, query: None, body: Some(Bytes::from_static(b"{}")) };
        let token = held.token.clone();
        let reply = self.send(&request, Some(&token)).await.ok()?;
        let issued: Issued = (reply.status == StatusCode::OK).then(|| reply.json(self.operation).ok())??;
        held.renewed(&issued, self.shared.clock.running())
    }

    /// Sends to the active node: a standby that does not forward requests says where that is.
    async fn send(&mut self, request: &Request<'_>, token: Option<&HeaderValue>) -> Result<Reply> {
        let response = self.send_once(request, token).await?;
        let redirected = matches!(response.status().as_u16(), 307 | 308);
        let active = response.headers().get(LOCATION).filter(|_| redirected).and_then(|to| self.active(to));
        let response = match active {
            Some(active) => {
                self.base = active;
                self.send_once(request, token).await?
            }
            None => response,
        };
        self.received(response).await
    }

    /// The node that a standby names. Of its answer only the origin counts, and TLS is not given up for it.
    fn active(&self, location: &HeaderValue) -> Option<Url> {
        let named = Url::parse(location.to_str().ok()?).ok()?;
        let safe = named.scheme() == self.base.scheme() && named.host_str().is_some();
        let mut active = self.base.clone();
        active.set_host(named.host_str().filter(|_| safe)).ok()?;
        active.set_port(named.port()).ok()?;
        (safe && active != self.base).then_some(active)
    }

    async fn send_once(&self, request: &Request<'_>, token: Option<&HeaderValue>) -> Result<Response> {
        let limit = match self.deadline {
            Some(deadline) => deadline.saturating_sub(self.shared.clock.running()).min(PATIENCE),
            None => PATIENCE,
        };
        if limit.is_zero() {
            let message = "there was no time left to begin it";
            return Err(Error::not_applied(ErrorKind::TimedOut, self.operation, message));
        }
        let mut url = self.address(request.path)?;
        if let Some((name, value)) = &request.query {
            url.query_pairs_mut().append_pair(name, value);
        }
        // An agent that adds a token of its own may want to see that no browser was talked into the request.
        let mut made =
            self.client.request(request.method.clone(), url).header("X-Vault-Request", "true").timeout(limit);
        if let Some(token) = token {
            made = made.header("X-Vault-Token", token.clone());
        }
        if let Some(namespace) = &self.shared.namespace {
            made = made.header("X-Vault-Namespace", namespace.clone());
        }
        if let Some(body) = &request.body {
            made = made.header(CONTENT_TYPE, "application/json").body(body.clone());
        }
        made.send().await.map_err(|error| unanswered(self.operation, &error))
    }

    fn address(&self, path: &[&str]) -> Result<Url> {
        let mut url = self.base.clone();
        url.path_segments_mut()
            .map_err(|()| {
                let message = "no address can have this path in it";
                Error::not_applied(ErrorKind::InvalidConfig, self.operation, message)
            })?
            .pop_if_empty()
            .push("v1")
            .extend(path.iter().flat_map(|part| part.split('/')));
        Ok(url)
    }

    async fn received(&self, mut response: Response) -> Result<Reply> {
        let status = response.status();
        let retry_after =
            response.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok()?.parse().ok());
        let mut body = Zeroizing::new(Vec::new());
        // Who waits for the end of an answer has sent the request.
        let cut = |error: &reqwest::Error| Error {
            effect: Effect::MaybeApplied,
            ..unanswered(self.operation, error)
        };
        while let Some(chunk) = response.chunk().await.map_err(|error| cut(&error))? {
            if body.len() + chunk.len() > LARGEST_BYTES {
                let message = "the server's answer is larger than 64 MiB";
                return Err(Error::maybe_applied(ErrorKind::Unsupported, self.operation, message));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(Reply { status, body, retry_after })
    }

    fn seal(&self, error: Error) -> Error {
        if self.changed { Error { effect: Effect::MaybeApplied, ..error } } else { error }
    }

    /// Marks what comes of an earlier change.
    pub(crate) fn sealed<T>(&self, result: Result<T>) -> Result<T> {
        result.map_err(|error| self.seal(error))
    }

    /// An error about what was found.
    pub(crate) fn error(&self, kind: ErrorKind, message: impl Into<String>) -> Error {
        self.seal(Error::not_applied(kind, self.operation, message))
    }
}

/// What was to come before the request itself failed.
fn not_sent(error: Error) -> Error {
    Error { effect: Effect::NotApplied, ..error }
}
