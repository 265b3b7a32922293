//! Changes what one user, or a pair of them, accepts.

use std::sync::Arc;

use async_trait::async_trait;
use keywheel_core::{
    CallContext, Error, ErrorKind, Identity, Result, SecretValue,
    provider::Finding,
    rotator::{Credential, Probe, Rotator, Strategy},
};
use serde_json::json;

use crate::{
    amqp,
    api::{Session, User},
    hash,
    target::Shared,
};

pub(crate) const APPLY: &str = "apply";
pub(crate) const REVOKE: &str = "revoke";
const PROBE: &str = "probe";

/// With which nobody can log in: <https://www.rabbitmq.com/docs/passwords#passwordless-users>.
const NOBODY: &str = "";

/// The rotator of one secret.
pub(crate) struct RabbitmqRotator {
    pub(crate) shared: Arc<Shared>,
    identity: Option<Identity>,
}

/// Users that take turns.
pub(crate) struct Pair {
    pub(crate) original: String,
    pub(crate) clone: String,
}

impl RabbitmqRotator {
    pub(crate) fn new(shared: Arc<Shared>, identity: Option<Identity>) -> Self {
        Self { shared, identity }
    }

    pub(crate) fn pair(&self, operation: &'static str) -> Result<Pair> {
        let original = self.identity.as_ref().map(Identity::as_str).ok_or_else(|| {
            let message = "the secret does not say whom it is for: write `identity: app`";
            Error::not_applied(ErrorKind::InvalidConfig, operation, message)
        })?;
        Ok(Pair { original: original.to_owned(), clone: format!("{original}_clone") })
    }

    /// The user that `identity` means; without one, that of the secret.
    fn user(&self, operation: &'static str, identity: Option<&Identity>) -> Result<String> {
        let pair = self.pair(operation)?;
        let Some(identity) = identity else { return Ok(pair.original) };
        let known = identity.as_str() == pair.original
            || (self.shared.strategy == Strategy::Alternating && identity.as_str() == pair.clone);
        if known {
            return Ok(identity.as_str().to_owned());
        }
        let message = "the identity is none of those that this secret's entry means";
        Err(Error::not_applied(ErrorKind::InvalidConfig, operation, message).with("identity", identity))
    }

    /// The password in the user's place.
    async fn replace(&self, context: &CallContext, name: &str, value: &SecretValue) -> Result<()> {
        let mut session = Session::new(&self.shared, APPLY, Some(context))?;
        let user = existing(&session, name).await?;
        if user.accepts(value) == Some(true) {
            return Ok(());
        }
        set_password(&mut session, APPLY, name, &user, value).await
    }
}

/// The user, which must be there.
pub(crate) async fn existing(session: &Session<'_>, name: &str) -> Result<User> {
    let found = session.user(name).await?;
    found.ok_or_else(|| {
        let message = "the server has no such user, and keywheel creates none: run `rabbitmqctl add_user`";
        session.error(ErrorKind::NotFound, message).with("user", name)
    })
}

/// Gives `user` a password. What else it has stays: limits are kept by the server, tags are sent as they came.
pub(crate) async fn set_password(
    session: &mut Session<'_>,
    operation: &'static str,
    name: &str,
    user: &User,
    value: &SecretValue,
) -> Result<()> {
    let body = json!({
        "password_hash": hash::of(operation, value)?,
        "hashing_algorithm": hash::ALGORITHM,
        "tags": user.tags,
    });
    session.put(&["users", name], &body).await
}

/// What the server and the protocol take as a password.
fn check_value(operation: &'static str, value: &SecretValue) -> Result<()> {
    let message = match value.expose_secret() {
        b"" => "RabbitMQ takes no empty password",
        bytes if bytes.contains(&0) => "a password with a zero byte cannot be sent to RabbitMQ",
        bytes if std::str::from_utf8(bytes).is_err() => "a password of RabbitMQ is text in UTF-8",
        _ => return Ok(()),
    };
    Err(Error::not_applied(ErrorKind::InvalidValue, operation, message))
}

#[async_trait]
impl Rotator for RabbitmqRotator {
    fn strategy(&self) -> Strategy {
        self.shared.strategy
    }

    fn next_identity(&self, current: Option<&Identity>) -> Result<Option<Identity>> {
        let operation = "next identity";
        let pair = self.pair(operation)?;
        let user = self.user(operation, current)?;
        let next = match self.shared.strategy {
            Strategy::Alternating if current.is_some() && user == pair.original => pair.clone,
            Strategy::Alternating
            | Strategy::InPlace
            | Strategy::Overlap
            | Strategy::Minted
            | Strategy::Reissued
            | Strategy::Versioned => pair.original,
        };
        Ok(Some(Identity::from(next.as_str())))
    }

    async fn probe(&self, credential: Credential<'_>) -> Result<Probe> {
        let user = self.user(PROBE, credential.identity)?;
        check_value(PROBE, credential.value)?;
        amqp::log_in(&self.shared, &user, credential.value).await.map_err(|error| error.with("user", user))
    }

    async fn apply(
        &self,
        context: &CallContext,
        new: Credential<'_>,
        current: Option<Credential<'_>>,
    ) -> Result<()> {
        let user = self.user(APPLY, new.identity)?;
        self.user(APPLY, current.and_then(|current| current.identity))?;
        check_value(APPLY, new.value)?;
        let outcome = if self.shared.strategy == Strategy::Alternating && user == self.pair(APPLY)?.clone {
            self.take_turn(context, new.value).await
        } else {
            self.replace(context, &user, new.value).await
        };
        outcome.map_err(|error| error.with("server", &self.shared.host))
    }

    async fn revoke(
        &self,
        context: &CallContext,
        old: Credential<'_>,
        remaining: Option<Credential<'_>>,
    ) -> Result<()> {
        let name = self.user(REVOKE, old.identity)?;
        let kept = match remaining {
            Some(remaining) if self.user(REVOKE, remaining.identity)? == name => Some(remaining.value),
            Some(_) | None => None,
        };
        if kept.is_some_and(|kept| kept.same_as(old.value)) {
            let message = "the credential is the one that remains";
            return Err(Error::not_applied(ErrorKind::Conflict, REVOKE, message));
        }
        let mut session = Session::new(&self.shared, REVOKE, Some(context))?;
        let Some(user) = session.user(&name).await? else { return Ok(()) };
        // Another password than the old one is not ours to end. Where the hash cannot tell, a login does.
        let accepts_old = match user.accepts(old.value) {
            Some(accepts) => accepts,
            None => amqp::log_in(&self.shared, &name, old.value).await? == Probe::Accepted,
        };
        if !accepts_old {
            return Ok(());
        }
        if let Some(kept) = kept {
            check_value(REVOKE, kept)?;
            return set_password(&mut session, REVOKE, &name, &user, kept).await;
        }
        let body =
            json!({ "password_hash": NOBODY, "hashing_algorithm": hash::ALGORITHM, "tags": user.tags });
        session.put(&["users", &name], &body).await
    }

    async fn examine(&self) -> Vec<Finding> {
        self.findings().await
    }
}
