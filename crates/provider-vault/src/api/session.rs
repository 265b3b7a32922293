//! The requests of one operation.

use std::time::Duration;

use bytes::Bytes;
use keywheel_core::{CallContext, Effect, Error, ErrorKind, Result};
use reqwest::{Method, StatusCode, Url};
use zeroize::Zeroizing;

use super::{
    reply::Reply,
    send::{Again, Request},
    shared::{Clients, Shared},
};
use crate::auth::Auth;

/// Requests, one after the other. Once one of them may have changed something, every failure is `MaybeApplied`.
pub(crate) struct Session<'a> {
    pub(super) shared: &'a Shared,
    pub(super) operation: &'static str,
    pub(super) deadline: Option<Duration>,
    pub(super) clients: Clients,
    /// Where the active node is, as a standby said.
    pub(super) base: Url,
    /// The token was given in this operation: nobody revoked it meanwhile.
    pub(super) fresh: bool,
    pub(super) changed: bool,
}

impl<'a> Session<'a> {
    /// Sends nothing.
    pub(crate) fn new(
        shared: &'a Shared,
        operation: &'static str,
        context: Option<&CallContext>,
    ) -> Result<Self> {
        Ok(Self {
            shared,
            operation,
            deadline: context.map(|context| context.deadline),
            clients: shared.clients(operation)?,
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
        let request = Request { method: Method::GET, path, query, body: None, again: Again::Freely };
        self.look(request).await
    }

    /// A question that is asked with a body, and may be answered with no.
    pub(crate) async fn try_out(&mut self, path: &[&str], body: Vec<u8>) -> Result<Reply> {
        let body = Some(body.into());
        let request = Request { method: Method::POST, path, query: None, body, again: Again::Freely };
        let reply = self.authorised(&request).await.and_then(|reply| match reply.status {
            StatusCode::OK | StatusCode::NO_CONTENT | StatusCode::BAD_REQUEST => Ok(reply),
            _ => Err(reply.refusal(self.operation)),
        });
        reply.map_err(|error| self.seal(Error { effect: Effect::NotApplied, ..error }))
    }

    /// A question that is asked with a body.
    pub(crate) async fn ask(&mut self, path: &[&str], body: Vec<u8>) -> Result<Reply> {
        let request = Request {
            method: Method::POST,
            path,
            query: None,
            body: Some(body.into()),
            again: Again::Freely,
        };
        self.look(request).await
    }

    async fn look(&mut self, request: Request<'_>) -> Result<Reply> {
        let reply = self.authorised(&request).await.and_then(|reply| match reply.status {
            StatusCode::OK | StatusCode::NO_CONTENT | StatusCode::NOT_FOUND => Ok(reply),
            _ => Err(reply.refusal(self.operation)),
        });
        // What only looks has changed nothing; an earlier request may have.
        reply.map_err(|error| self.seal(Error { effect: Effect::NotApplied, ..error }))
    }

    /// Changes what is at `path`, under check-and-set or to what it is already. Every refusal is an error; what was certainly
    /// not applied leaves the session as it was.
    pub(crate) async fn post(&mut self, path: &[&str], body: Zeroizing<Vec<u8>>) -> Result<Reply> {
        self.change(path, body, Again::AsAChange).await
    }

    /// Has the server do something that is another thing each time.
    pub(crate) async fn post_once(&mut self, path: &[&str]) -> Result<Reply> {
        self.change(path, Zeroizing::new(b"{}".to_vec()), Again::IfRefused).await
    }

    async fn change(&mut self, path: &[&str], body: Zeroizing<Vec<u8>>, again: Again) -> Result<Reply> {
        // Wiped when the last copy that the client makes of the handle is gone.
        let body = Some(Bytes::from_owner(body));
        let request = Request { method: Method::POST, path, query: None, body, again };
        let outcome = match self.authorised(&request).await {
            Ok(reply) if reply.status.is_success() => Ok(reply),
            Ok(reply) => Err(reply.refusal(self.operation)),
            Err(error) => Err(error),
        };
        let outcome = outcome.map_err(|error| self.seal(error));
        self.changed |= outcome.as_ref().err().is_none_or(|error| error.effect == Effect::MaybeApplied);
        outcome
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
