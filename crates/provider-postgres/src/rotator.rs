//! Changes passwords of login roles.

use std::sync::Arc;

use async_trait::async_trait;
use keywheel_core::{
    CallContext, Clock, Error, ErrorKind, Identity, Result,
    provider::Finding,
    rotator::{Credential, Probe, Rotator, Strategy},
};
use postgres_protocol::escape::escape_identifier;

use crate::{
    admin::{Admin, Limits},
    catalog::{self, Role},
    clone, examine, password,
    server::{Address, NoLogin, Session},
    turns::Turns,
};

const APPLY: &str = "apply";
const REVOKE: &str = "revoke";
const PROBE: &str = "probe";

/// What the rotators of one target share.
pub(crate) struct Shared {
    pub(crate) address: Arc<Address>,
    /// `None`: a role changes its own password.
    pub(crate) admin: Option<Admin>,
    pub(crate) strategy: Strategy,
    pub(crate) clock: Arc<dyn Clock>,
}

/// Changes the password of one role, or of the two that take turns.
///
/// Statements hold SCRAM verifiers, never passwords. A change is one transaction, sent as one message. Sessions of a role
/// whose password was replaced go on: they are the consumers', and evidence of who has not moved.
pub struct PostgresRotator {
    shared: Arc<Shared>,
    identity: Option<Identity>,
}

impl PostgresRotator {
    pub(crate) fn new(shared: Arc<Shared>, identity: Option<Identity>) -> Self {
        Self { shared, identity }
    }

    fn turns(&self, operation: &'static str) -> Result<Turns> {
        Turns::of(self.identity.as_ref(), self.shared.strategy, operation)
    }

    async fn login(
        &self,
        operation: &'static str,
        role: &Identity,
        of: Credential<'_>,
    ) -> Result<Session, NoLogin> {
        self.shared.address.login(operation, role.as_str(), of.value).await
    }

    async fn accepts(&self, operation: &'static str, role: &Identity, of: Credential<'_>) -> Result<Probe> {
        match self.login(operation, role, of).await {
            Ok(session) => {
                session.close().await;
                Ok(Probe::Accepted)
            }
            Err(NoLogin::Refused) => Ok(Probe::Rejected),
            Err(NoLogin::Failed(error)) => Err(error),
        }
    }

    /// Has a session of the administrator make a change.
    async fn with_admin(
        &self,
        admin: &Admin,
        context: &CallContext,
        operation: &'static str,
        change: Change<'_>,
    ) -> Result<()> {
        let session = admin.borrow(operation).await?;
        let statements = match self.prepare(admin, session.session(), operation, change).await {
            Ok(statements) => statements,
            Err(error) => {
                // Nothing but questions were sent, and all were answered, unless the session is broken: that shows.
                session.give_back();
                return Err(error);
            }
        };
        // Asking took time.
        let limits = Limits::until(context, &*self.shared.clock, operation)?;
        let done = limits.run(session.session(), operation, &statements).await;
        if done.is_ok() {
            session.give_back();
        }
        done.map_err(|error| error.with("server", &self.shared.address))
    }

    async fn prepare(
        &self,
        admin: &Admin,
        session: &Session,
        operation: &'static str,
        change: Change<'_>,
    ) -> Result<Vec<String>> {
        let Change { turns, role, verifier } = change;
        let quoted = escape_identifier(role.as_str());
        let Some(clone) = &turns.clone else {
            let known = catalog::existing(session, operation, role).await?;
            let Some(verifier) = verifier else {
                return Ok(vec![format!("ALTER ROLE {quoted} PASSWORD NULL")]);
            };
            usable(&known, role, operation)?;
            if !known.may_login {
                return Err(Error::not_applied(
                    ErrorKind::InvalidConfig,
                    operation,
                    format!("the role may not log in: ALTER ROLE {quoted} LOGIN"),
                )
                .with("role", role));
            }
            return Ok(vec![format!("ALTER ROLE {quoted} PASSWORD '{verifier}'")]);
        };
        refuse_itself(admin, turns, operation)?;
        let Some(verifier) = verifier else {
            return Ok(match catalog::role(session, operation, role).await? {
                // Dropped since: nobody can log in as it.
                None => Vec::new(),
                Some(_) => vec![format!("ALTER ROLE {quoted} NOLOGIN PASSWORD NULL")],
            });
        };
        let original = catalog::existing(session, operation, &turns.role).await?;
        usable(&original, &turns.role, operation)?;
        let mut statements = Vec::new();
        if role == clone {
            statements = clone::statements(session, operation, &turns.role, clone, &original).await?;
        }
        statements.push(format!("ALTER ROLE {quoted} LOGIN PASSWORD '{verifier}'"));
        Ok(statements)
    }

    /// Has the role change its own password, logged in with `with`. `None`: it is refused.
    async fn by_itself(
        &self,
        context: &CallContext,
        operation: &'static str,
        change: Change<'_>,
        with: Credential<'_>,
    ) -> Result<Option<()>> {
        let Change { role, verifier, .. } = change;
        let session = match self.login(operation, role, with).await {
            Ok(session) => session,
            Err(NoLogin::Refused) => return Ok(None),
            Err(NoLogin::Failed(error)) => return Err(error),
        };
        let known = catalog::existing(&session, operation, role).await?;
        usable(&known, role, operation)?;
        let quoted = escape_identifier(role.as_str());
        let statement = match verifier {
            Some(verifier) => format!("ALTER ROLE {quoted} PASSWORD '{verifier}'"),
            None => format!("ALTER ROLE {quoted} PASSWORD NULL"),
        };
        let limits = Limits::until(context, &*self.shared.clock, operation)?;
        limits.run(&session, operation, &[statement]).await?;
        session.close().await;
        Ok(Some(()))
    }
}

/// What becomes of one role.
#[derive(Clone, Copy)]
struct Change<'a> {
    turns: &'a Turns,
    role: &'a Identity,
    /// The new password's; `None` ends the role's logins.
    verifier: Option<&'a str>,
}

#[async_trait]
impl Rotator for PostgresRotator {
    fn strategy(&self) -> Strategy {
        self.shared.strategy
    }

    fn next_identity(&self, current: Option<&Identity>) -> Result<Option<Identity>> {
        self.turns("next identity")?.next(current).map(Some)
    }

    async fn probe(&self, credential: Credential<'_>) -> Result<Probe> {
        let turns = self.turns(PROBE)?;
        let role = credential.identity.unwrap_or(&turns.role);
        self.accepts(PROBE, role, credential).await
    }

    async fn apply(
        &self,
        context: &CallContext,
        new: Credential<'_>,
        current: Option<Credential<'_>>,
    ) -> Result<()> {
        let turns = self.turns(APPLY)?;
        let role = turns.managed(new.identity, APPLY)?;
        Limits::until(context, &*self.shared.clock, APPLY)?;
        let verifier = password::verifier(APPLY, new.value).await?;
        let change = Change { turns: &turns, role, verifier: Some(&verifier) };
        if let Some(admin) = &self.shared.admin {
            return self.with_admin(admin, context, APPLY, change).await;
        }
        if let Some(current) = current
            && self.by_itself(context, APPLY, change, current).await?.is_some()
        {
            return Ok(());
        }
        match self.accepts(APPLY, role, new).await? {
            Probe::Accepted => Ok(()),
            Probe::Rejected => Err(Error::not_applied(
                ErrorKind::Unauthenticated,
                APPLY,
                "the role changes its own password, and the server refuses the value that is current: set the role's \
                 password to it, or give the rotator a `login`",
            )
            .with("role", role)),
        }
    }

    async fn revoke(
        &self,
        context: &CallContext,
        old: Credential<'_>,
        remaining: Option<Credential<'_>>,
    ) -> Result<()> {
        let turns = self.turns(REVOKE)?;
        let role = turns.managed(old.identity, REVOKE)?;
        let remaining = match remaining {
            Some(remaining) if turns.managed(remaining.identity, REVOKE)? == role => Some(remaining.value),
            Some(_) | None => None,
        };
        if remaining.is_some_and(|remaining| remaining.same_as(old.value)) {
            let message = "the credential is the one that remains";
            return Err(Error::not_applied(ErrorKind::Conflict, REVOKE, message));
        }
        // Whatever the role accepts by now besides the old value is somebody's: without the old value it stays.
        let accepted = self.accepts(REVOKE, role, old).await? == Probe::Accepted;
        if !accepted && (remaining.is_some() || !self.sleeps(role).await?) {
            return Ok(());
        }
        Limits::until(context, &*self.shared.clock, REVOKE)?;
        let verifier = match remaining {
            Some(remaining) => Some(password::verifier(REVOKE, remaining).await?),
            None => None,
        };
        let change = Change { turns: &turns, role, verifier: verifier.as_deref() };
        match &self.shared.admin {
            Some(admin) => self.with_admin(admin, context, REVOKE, change).await,
            // Refused by now: that is what was wanted.
            None => self.by_itself(context, REVOKE, change, old).await.map(drop),
        }
    }

    async fn examine(&self) -> Vec<Finding> {
        match self.turns("examine") {
            Ok(turns) => examine::target(&self.shared, &turns).await,
            Err(error) => vec![Finding::error(error.message, "set `identity` in the secret's entry")],
        }
    }
}

impl PostgresRotator {
    /// Whether a password of a role that takes turns is refused only for being out of date: it would come back with a
    /// later VALID UNTIL.
    async fn sleeps(&self, role: &Identity) -> Result<bool> {
        let Some(admin) = &self.shared.admin else { return Ok(false) };
        if self.shared.strategy != Strategy::Alternating {
            return Ok(false);
        }
        let session = admin.borrow(REVOKE).await?;
        let known = catalog::role(session.session(), REVOKE, role).await;
        session.give_back();
        Ok(known?.is_some_and(|role| role.may_login && role.expired))
    }
}

fn usable(role: &Role, name: &Identity, operation: &'static str) -> Result<()> {
    if !role.expired {
        return Ok(());
    }
    let message = format!(
        "the role's passwords are not valid any more (VALID UNTIL has passed), the new one would not be either: ALTER ROLE \
         {} VALID UNTIL 'infinity'",
        escape_identifier(name.as_str())
    );
    Err(Error::not_applied(ErrorKind::InvalidConfig, operation, message).with("role", name))
}

/// Retiring the role with which keywheel logs in would lock keywheel out.
fn refuse_itself(admin: &Admin, turns: &Turns, operation: &'static str) -> Result<()> {
    let is_login = |role: &Identity| role.as_str() == admin.login.user;
    if is_login(&turns.role) || turns.clone.as_ref().is_some_and(is_login) {
        let message = "the role is the one with which keywheel logs in: roles that take turns are kept from logging in while \
                       it is not theirs. Give keywheel a role of its own, or write `strategy: in-place`";
        return Err(
            Error::not_applied(ErrorKind::InvalidConfig, operation, message).with("role", &turns.role)
        );
    }
    Ok(())
}
