//! Two accounts that take turns.

use keywheel_core::{CallContext, Error, ErrorKind, Identity, Result, SecretValue};

use crate::{
    account::{Account, clone_of},
    admin::Session,
    flavour::{Flavour, Server},
    grants::default_role,
    password::check_unlocked,
    record::Record,
    rotator::MysqlRotator,
    sql,
};

/// The accounts of a pair.
pub(crate) struct Pair {
    pub(crate) original: Identity,
    pub(crate) clone: Identity,
}

impl MysqlRotator {
    /// The pair that this rotator manages.
    pub(crate) fn pair(&self, operation: &'static str) -> Result<Pair> {
        let original = self.identity.clone().ok_or_else(|| {
            let message = "the secret does not say whom it is for: write `identity: app`";
            Error::not_applied(ErrorKind::InvalidConfig, operation, message)
        })?;
        let longest = self.rules.flavour.unwrap_or(Flavour::MySql).longest_name();
        let clone = clone_of(&original, longest);
        Ok(Pair { original, clone })
    }

    /// `account`, whose turn it is, has `value` and may log in.
    pub(crate) async fn take_turn(
        &self,
        context: &CallContext,
        account: &Account,
        value: &SecretValue,
    ) -> Result<()> {
        let operation = "apply";
        let pair = self.pair(operation)?;
        let (original, clone) = (
            self.account_of(operation, Some(&pair.original))?,
            self.account_of(operation, Some(&pair.clone))?,
        );
        crate::place::text(operation, value)?;
        let mut session = self.admin_session(operation, Some(context)).await?;
        let server = session.server().await?;
        server.check_writable(operation)?;
        let model = session.meant(&server, &original, self.host_is_said()).await?;
        let found = if *account == original { None } else { session.record(&server, &clone).await? };
        let exists = if *account == original { Some(&model) } else { found.as_ref() };
        if let Some(record) = exists
            && !record.locked
            && !record.expired
            && self.has(&server, account, record, value).await?
        {
            return Ok(());
        }
        let record = exists.unwrap_or(&model);
        self.check_reachable(operation, &original, &model)?;
        let identified = self.identified(&session, &server, record, value)?;
        if *account == original {
            return session.change(&sql::alter(account, &identified, " ACCOUNT UNLOCK")).await;
        }
        check_unlocked(operation, &original, &model)?;
        match &found {
            Some(found) if !found.locked => {
                let message = "the second account exists and may log in, and keywheel did not leave it like that: if \
                     nobody uses it, lock it (`ALTER USER … ACCOUNT LOCK`)";
                let error = Error::not_applied(ErrorKind::Conflict, operation, message);
                return Err(error.with("account", account));
            }
            Some(_) => {}
            None => {
                // Locked until it has everything: half a copy never serves anybody.
                let nobody = self.identified_by_nobody(&session, &server, &model)?;
                session.change(&sql::create(account, &nobody, " ACCOUNT LOCK")).await?;
            }
        }
        session.copy_grants(&original, &model, account).await?;
        self.copy_default_role(&mut session, &server, &original, &model, account).await?;
        let more = format!("{}{}{} ACCOUNT UNLOCK", model.require, model.limits, model.lifetime);
        session.change(&sql::alter(account, &identified, &more)).await
    }

    /// `account` is refused from now on, whatever anybody knows.
    pub(crate) async fn end_turn(
        &self,
        context: &CallContext,
        account: &Account,
        value: &SecretValue,
    ) -> Result<()> {
        let operation = "revoke";
        let mut session = self.admin_session(operation, Some(context)).await?;
        let server = session.server().await?;
        let Some(record) = session.record(&server, account).await? else { return Ok(()) };
        if record.locked && server.flavour == Flavour::MariaDb && !record.has(value) {
            return Ok(());
        }
        server.check_writable(operation)?;
        let nobody = self.identified_by_nobody(&session, &server, &record)?;
        session.change(&sql::alter(account, &nobody, " ACCOUNT LOCK")).await
    }

    async fn copy_default_role(
        &self,
        session: &mut Session<'_>,
        server: &Server,
        original: &Account,
        model: &Record,
        clone: &Account,
    ) -> Result<()> {
        match server.flavour {
            Flavour::MariaDb => match &model.default_role {
                Some(role) => session.change(&default_role(role, clone)).await,
                None => Ok(()),
            },
            Flavour::MySql => {
                let asked = format!(
                    "SELECT DEFAULT_ROLE_USER, DEFAULT_ROLE_HOST FROM mysql.default_roles WHERE USER = {} AND HOST = {}",
                    sql::quote(&original.user),
                    sql::quote(&original.host)
                );
                let roles: Vec<(String, String)> = session.all(&asked).await?;
                if roles.is_empty() {
                    return Ok(());
                }
                let roles: Vec<_> =
                    roles.into_iter().map(|(user, host)| Account { user, host }.quoted()).collect();
                session
                    .change(&format!("ALTER USER {} DEFAULT ROLE {}", clone.quoted(), roles.join(", ")))
                    .await
            }
        }
    }
}
