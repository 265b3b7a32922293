//! Changes the passwords of one user.

use std::sync::Arc;

use async_trait::async_trait;
use keywheel_core::{
    CallContext, Error, ErrorKind, Identity, Result, SecretValue,
    provider::Finding,
    rotator::{Credential, Probe, Rotator, Strategy},
};

use crate::{
    changes::{Change, Changes},
    examine::examine,
    server::{Hash, Link, Session, User, log_in, try_login},
    target::{DEFAULT_USER, Shared},
};

const PROBE: &str = "probe";
const APPLY: &str = "apply";
const REVOKE: &str = "revoke";

/// The rotator of one secret.
pub(crate) struct RedisRotator {
    shared: Arc<Shared>,
    identity: Option<Identity>,
}

impl RedisRotator {
    pub(crate) fn new(shared: Arc<Shared>, identity: Option<Identity>) -> Self {
        Self { shared, identity }
    }

    fn user(&self) -> &str {
        self.identity.as_ref().map_or(DEFAULT_USER, Identity::as_str)
    }

    /// Refuses a credential that is for somebody else.
    fn check(&self, operation: &'static str, identity: Option<&Identity>) -> Result<()> {
        match identity {
            Some(other) if other.as_str() != self.user() => {
                let message = "the credential is for another user than the secret's entry names";
                Err(self.error(ErrorKind::InvalidConfig, operation, message).with("identity", other))
            }
            Some(_) | None => Ok(()),
        }
    }

    fn error(&self, kind: ErrorKind, operation: &'static str, message: &str) -> Error {
        Error::not_applied(kind, operation, message).with("user", self.user())
    }

    /// A session that may change the user: the administrator's, or the user's own with the first of `credentials` that
    /// is accepted. `None` if none is.
    async fn enter(
        &self,
        operation: &'static str,
        credentials: &[Option<&SecretValue>],
    ) -> Result<Option<Session>> {
        if let Some(login) = &self.shared.login {
            return self.shared.session(operation, login).await.map(Some);
        }
        for password in credentials.iter().flatten() {
            let link = Link::open(&self.shared.address).await?;
            if log_in(&link, self.user(), password).await? {
                return Session::begin(operation, link, self.shared.persists).await.map(Some);
            }
        }
        Ok(None)
    }

    async fn make(&self, session: &Session, context: &CallContext, change: Change) -> Result<()> {
        let clock = &*self.shared.clock;
        if self.shared.login.is_some() {
            return self.shared.changes.make(session, context, clock, change).await;
        }
        // Nobody else may use this login.
        Changes::default().make(session, context, clock, change).await
    }

    /// Where something went wrong, the next call connects anew.
    async fn kept_if_ok<T>(&self, session: &Session, outcome: Result<T>) -> Result<T> {
        if outcome.is_err() {
            self.shared.forget(session).await;
        }
        outcome
    }

    async fn user_with_password(&self, operation: &'static str, session: &Session) -> Result<Option<User>> {
        let user = session.user(operation, self.user()).await?;
        if user.as_ref().is_some_and(|user| user.nopass) {
            // Any rule about a password would end that, and lock out whoever relies on it.
            let message = "the user needs no password (`nopass`): give it one before keywheel rotates it";
            return Err(self.error(ErrorKind::InvalidConfig, operation, message));
        }
        Ok(user)
    }

    async fn apply_in(
        &self,
        session: &Session,
        context: &CallContext,
        new: &SecretValue,
        current: Option<&SecretValue>,
    ) -> Result<()> {
        // `ACL SETUSER` would create it.
        let user = self.user_with_password(APPLY, session).await?.ok_or_else(|| {
            self.error(
                ErrorKind::NotFound,
                APPLY,
                "the server has no such user; keywheel does not create users",
            )
        })?;
        if !user.on {
            let message = "the user is off, so no password of it is accepted";
            return Err(self.error(ErrorKind::InvalidConfig, APPLY, message));
        }
        let (new, old) = (Hash::of(new), current.map(Hash::of));
        let remove = old.filter(|old| !self.strategy().keeps_old() && *old != new && user.accepts(old));
        let add = (!user.accepts(&new)).then_some(new);
        let change = Change { operation: APPLY, user: self.user().to_owned(), add, remove, undo: true };
        self.make(session, context, change).await
    }

    async fn revoke_in(
        &self,
        session: &Session,
        context: &CallContext,
        old: &SecretValue,
        remaining: Option<&SecretValue>,
    ) -> Result<()> {
        let Some(user) = self.user_with_password(REVOKE, session).await? else {
            return match remaining {
                Some(_) => {
                    Err(self.error(ErrorKind::NotFound, REVOKE, "the server has no such user any more"))
                }
                None => Ok(()),
            };
        };
        let (old, remaining) = (Hash::of(old), remaining.map(Hash::of));
        let remove = user.accepts(&old).then_some(old);
        if remove.is_some() && remaining.is_some_and(|remaining| !user.accepts(&remaining)) {
            let message = "the credential that should remain is not accepted, so the old one was left";
            return Err(self.error(ErrorKind::Conflict, REVOKE, message));
        }
        let change =
            Change { operation: REVOKE, user: self.user().to_owned(), add: None, remove, undo: false };
        self.make(session, context, change).await?;
        if self.shared.flush_sessions {
            session.close_connections(REVOKE, self.user()).await?;
        }
        Ok(())
    }
}

#[async_trait]
impl Rotator for RedisRotator {
    fn strategy(&self) -> Strategy {
        self.shared.strategy
    }

    fn next_identity(&self, current: Option<&Identity>) -> Result<Option<Identity>> {
        self.check("next identity", current)?;
        Ok(self.identity.clone())
    }

    async fn probe(&self, credential: Credential<'_>) -> Result<Probe> {
        self.check(PROBE, credential.identity)?;
        let accepted = try_login(PROBE, &self.shared.address, self.user(), credential.value).await?;
        Ok(if accepted { Probe::Accepted } else { Probe::Rejected })
    }

    async fn apply(
        &self,
        context: &CallContext,
        new: Credential<'_>,
        current: Option<Credential<'_>>,
    ) -> Result<()> {
        self.check(APPLY, new.identity)?;
        self.check(APPLY, current.and_then(|current| current.identity))?;
        self.shared.check_time(APPLY, context.deadline)?;
        let current = current.map(|current| current.value);
        let Some(session) = self.enter(APPLY, &[current, Some(new.value)]).await? else {
            let message =
                "the user changes its own password, and neither its current nor its new one is accepted";
            return Err(self.error(ErrorKind::Unauthenticated, APPLY, message));
        };
        let outcome = self.apply_in(&session, context, new.value, current).await;
        self.kept_if_ok(&session, outcome).await
    }

    async fn revoke(
        &self,
        context: &CallContext,
        old: Credential<'_>,
        remaining: Option<Credential<'_>>,
    ) -> Result<()> {
        self.check(REVOKE, old.identity)?;
        self.check(REVOKE, remaining.and_then(|remaining| remaining.identity))?;
        self.shared.check_time(REVOKE, context.deadline)?;
        let remaining = remaining.map(|remaining| remaining.value);
        if remaining.is_some_and(|remaining| remaining.same_as(old.value)) {
            return Err(self.error(ErrorKind::Conflict, REVOKE, "the credential is the one that remains"));
        }
        let Some(session) = self.enter(REVOKE, &[remaining, Some(old.value)]).await? else {
            if remaining.is_none() {
                return Ok(());
            }
            let message =
                "the user changes its own password, and no password of it that is known is accepted";
            return Err(self.error(ErrorKind::Unauthenticated, REVOKE, message));
        };
        let outcome = self.revoke_in(&session, context, old.value, remaining).await;
        self.kept_if_ok(&session, outcome).await
    }

    async fn examine(&self) -> Vec<Finding> {
        examine(&self.shared, self.user()).await
    }
}
