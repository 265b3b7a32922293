//! Changes what one account, or a pair of them, accepts.

use std::sync::Arc;

use async_trait::async_trait;
use keywheel_core::{
    CallContext, Effect, Error, ErrorKind, Identity, Result, SecretValue,
    provider::Finding,
    rotator::{Credential, Probe, Rotator, Strategy},
};
use mysql_async::prelude::Queryable;

use crate::{
    account::Account,
    admin::{Admin, Session},
    failure::{ACCESS_DENIED, EXPIRED, LOCKED, failed},
    hash,
    place::text,
    sql,
    target::Rules,
};

/// The rotator of one secret.
pub(crate) struct MysqlRotator {
    pub(crate) admin: Arc<Admin>,
    pub(crate) rules: Arc<Rules>,
    pub(crate) identity: Option<Identity>,
}

impl MysqlRotator {
    pub(crate) fn new(admin: Arc<Admin>, rules: Arc<Rules>, identity: Option<Identity>) -> Self {
        Self { admin, rules, identity }
    }

    /// The account that `identity` means; without one, that of the secret.
    pub(crate) fn account_of(&self, operation: &'static str, identity: Option<&Identity>) -> Result<Account> {
        let identity = identity.or(self.identity.as_ref()).ok_or_else(|| {
            let message = "the secret does not say whom it is for: write `identity: app`";
            Error::not_applied(ErrorKind::InvalidConfig, operation, message)
        })?;
        // What a store recorded may be the name alone, while the inventory says the host.
        let written =
            self.identity.as_ref().and_then(|own| own.as_str().rsplit_once('@')).map(|(_, host)| host);
        let host = written.or(self.rules.account_host.as_deref()).unwrap_or("%");
        Ok(Account::of(identity.as_str(), host))
    }

    /// Whether somebody wrote down which host is meant.
    pub(crate) fn host_is_said(&self) -> bool {
        self.rules.account_host.is_some()
            || self.identity.as_ref().is_some_and(|identity| identity.as_str().contains('@'))
    }

    pub(crate) async fn admin_session(
        &self,
        operation: &'static str,
        context: Option<&CallContext>,
    ) -> Result<Session<'_>> {
        let login = self.admin.login.as_ref().ok_or_else(|| {
            Error::not_applied(
                ErrorKind::InvalidConfig,
                operation,
                "this needs a `login` that changes accounts",
            )
        })?;
        self.admin.session(login, operation, context).await
    }

    /// A login.
    pub(crate) async fn probe_account(&self, account: &Account, value: &SecretValue) -> Result<Probe> {
        let password = text("probe", value)?;
        let failure = match self.admin.place.login(&account.user, password, None).await {
            Ok(mut conn) => {
                let current = conn.query_first::<String, _>("SELECT CURRENT_USER()").await;
                // The answer is what counts.
                let _closed = conn.disconnect().await;
                match current {
                    Ok(current) => {
                        check_account("probe", account, &current.unwrap_or_default())?;
                        return Ok(Probe::Accepted);
                    }
                    Err(error) => error,
                }
            }
            Err(error) => error,
        };
        if let mysql_async::Error::Server(refusal) = &failure {
            // The password was right. Whoever has it gets as far as choosing the next one: it is not dead.
            if EXPIRED.contains(&refusal.code) {
                return Ok(Probe::Accepted);
            }
            let retired = self.rules.strategy == Strategy::Alternating && LOCKED.contains(&refusal.code);
            if retired {
                return Ok(Probe::Rejected);
            }
            if ACCESS_DENIED.contains(&refusal.code) {
                self.check_refusal(account).await?;
                return Ok(Probe::Rejected);
            }
        }
        Err(failed("probe", Effect::NotApplied, &failure).with("account", account))
    }

    /// The same number is given for a login that lacks TLS, or a certificate, whatever its password.
    async fn check_refusal(&self, account: &Account) -> Result<()> {
        let operation = "probe";
        if self.admin.login.is_none() {
            return Ok(());
        }
        let mut session = self.admin_session(operation, None).await?;
        let server = session.server().await?;
        match session.record(&server, account).await? {
            Some(record) => self.check_reachable(operation, account, &record),
            None => Ok(()),
        }
    }

    /// The account with two passwords, or with one: `old` ends.
    async fn end_password(
        &self,
        context: &CallContext,
        account: &Account,
        old: &SecretValue,
        remaining: Option<&SecretValue>,
    ) -> Result<()> {
        let operation = "revoke";
        if self.probe_account(account, old).await? == Probe::Rejected {
            return Ok(());
        }
        if self.rules.strategy == Strategy::InPlace {
            let nobody = hash::unknown(operation)?;
            return self
                .set_password(context, account, remaining.unwrap_or(&nobody), Some(old), operation)
                .await;
        }
        let nobody = hash::unknown(operation)?;
        let kept = remaining.unwrap_or(&nobody);
        let mut session = if let Some(login) = &self.admin.login {
            self.admin.session(login, operation, Some(context)).await?
        } else {
            let with = remaining.unwrap_or(old);
            let opened = self.admin.own_session(&account.user, with, operation, Some(context)).await;
            opened.map_err(|(_, error)| error)?
        };
        let server = session.server().await?;
        server.check_dual_passwords(operation)?;
        server.check_writable(operation)?;
        let statements = if self.admin.login.is_none() {
            sql::keep_one(None, &sql::identified_by(text(operation, kept)?))
        } else {
            let record = session.meant(&server, account, self.host_is_said()).await?;
            sql::keep_one(Some(account), &self.identified(&session, &server, &record, kept)?)
        };
        for statement in statements {
            session.change(&statement).await?;
        }
        Ok(())
    }
}

/// Whether the server took a login of `account` for another account.
pub(crate) fn check_account(operation: &'static str, account: &Account, current: &str) -> Result<()> {
    if account.is(current) {
        return Ok(());
    }
    let message = format!(
        "from this machine the server takes the login for another account, `{current}`: write it as the secret's \
         `identity`, or run keywheel where the account is let in"
    );
    Err(Error::not_applied(ErrorKind::InvalidConfig, operation, message).with("account", account))
}

#[async_trait]
impl Rotator for MysqlRotator {
    fn strategy(&self) -> Strategy {
        self.rules.strategy
    }

    fn next_identity(&self, current: Option<&Identity>) -> Result<Option<Identity>> {
        let operation = "next identity";
        let unmanaged = |current: &Identity| {
            let message = "the current identity is none of those that this secret's entry means";
            Error::not_applied(ErrorKind::InvalidConfig, operation, message).with("identity", current)
        };
        if self.rules.strategy == Strategy::Alternating {
            let pair = self.pair(operation)?;
            let Some(current) = current else { return Ok(Some(pair.original)) };
            let account = self.account_of(operation, Some(current))?;
            return if account == self.account_of(operation, Some(&pair.original))? {
                Ok(Some(pair.clone))
            } else if account == self.account_of(operation, Some(&pair.clone))? {
                Ok(Some(pair.original))
            } else {
                Err(unmanaged(current))
            };
        }
        match (current, &self.identity) {
            (Some(current), Some(own)) => {
                let same =
                    self.account_of(operation, Some(current))? == self.account_of(operation, Some(own))?;
                if same { Ok(Some(current.clone())) } else { Err(unmanaged(current)) }
            }
            (Some(identity), None) => Ok(Some(identity.clone())),
            (None, own) => Ok(own.clone()),
        }
    }

    async fn probe(&self, credential: Credential<'_>) -> Result<Probe> {
        let account = self.account_of("probe", credential.identity)?;
        self.probe_account(&account, credential.value).await
    }

    async fn apply(
        &self,
        context: &CallContext,
        new: Credential<'_>,
        current: Option<Credential<'_>>,
    ) -> Result<()> {
        let operation = "apply";
        // Whose it may be is the inventory's to say.
        self.next_identity(new.identity).map_err(|error| Error { operation, ..error })?;
        let account = self.account_of(operation, new.identity)?;
        match self.rules.strategy {
            Strategy::Alternating => self.take_turn(context, &account, new.value).await,
            Strategy::InPlace
            | Strategy::Overlap
            | Strategy::Minted
            | Strategy::Reissued
            | Strategy::Versioned => {
                // A second change would push the old password out of the place where it is kept.
                if self.rules.strategy == Strategy::Overlap
                    && self.probe_account(&account, new.value).await? == Probe::Accepted
                {
                    return Ok(());
                }
                let current = current.map(|current| current.value);
                self.set_password(context, &account, new.value, current, operation).await
            }
        }
    }

    async fn revoke(
        &self,
        context: &CallContext,
        old: Credential<'_>,
        remaining: Option<Credential<'_>>,
    ) -> Result<()> {
        let operation = "revoke";
        self.next_identity(old.identity).map_err(|error| Error { operation, ..error })?;
        let account = self.account_of(operation, old.identity)?;
        let same = match remaining {
            Some(remaining) => self.account_of(operation, remaining.identity)? == account,
            None => false,
        };
        if same && remaining.is_some_and(|remaining| remaining.value.same_as(old.value)) {
            let message = "the credential is the one that remains";
            return Err(Error::not_applied(ErrorKind::Conflict, operation, message));
        }
        if self.rules.strategy == Strategy::Alternating && !same {
            return self.end_turn(context, &account, old.value).await;
        }
        if self.rules.strategy == Strategy::Alternating {
            // One account, two values: the later one has taken the place of the earlier.
            let Some(remaining) = remaining else { return Ok(()) };
            if self.probe_account(&account, old.value).await? == Probe::Rejected {
                return Ok(());
            }
            return self.set_password(context, &account, remaining.value, None, operation).await;
        }
        let remaining = remaining.map(|remaining| remaining.value);
        self.end_password(context, &account, old.value, remaining).await
    }

    async fn examine(&self) -> Vec<Finding> {
        self.examined().await
    }
}
