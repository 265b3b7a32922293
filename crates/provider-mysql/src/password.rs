//! One account and its password: `in-place` and `overlap`.

use keywheel_core::{
    CallContext, Error, ErrorKind, Result, SecretValue,
    rotator::{Probe, Strategy},
};
use zeroize::Zeroizing;

use crate::{
    account::Account,
    admin::Session,
    failure::ACCESS_DENIED,
    flavour::{Flavour, Server},
    hash::{self, Scheme},
    place::text,
    record::{Method, Record},
    rotator::{MysqlRotator, check_account},
    sql::{self, Password},
};

impl MysqlRotator {
    /// `IDENTIFIED …` for `value`.
    pub(crate) fn identified(
        &self,
        session: &Session<'_>,
        server: &Server,
        record: &Record,
        value: &SecretValue,
    ) -> Result<Zeroizing<String>> {
        let operation = session.operation();
        let mysql = server.flavour == Flavour::MySql;
        record.check_password(operation, mysql).map_err(|error| session.after(error))?;
        let clear = text(operation, value).map_err(|error| session.after(error))?;
        if mysql {
            return Ok(sql::identified(server.flavour, record, Password::Clear(clear)));
        }
        if server.wants_clear {
            if !self.rules.clear_statements {
                return Err(session.after(wants_clear(operation)));
            }
            return Ok(sql::identified(server.flavour, record, Password::Clear(clear)));
        }
        let hashed = |method: &Method| method.scheme().map(|scheme| scheme.hash(value));
        Ok(sql::identified(server.flavour, record, Password::Hashed(&hashed)))
    }

    /// As [`MysqlRotator::identified`], for a password that nobody knows.
    pub(crate) fn identified_by_nobody(
        &self,
        session: &Session<'_>,
        server: &Server,
        record: &Record,
    ) -> Result<Zeroizing<String>> {
        let value = hash::unknown(session.operation()).map_err(|error| session.after(error))?;
        if server.wants_clear {
            // It may be seen: nobody has it, and it is replaced before it counts.
            let clear = text(session.operation(), &value)?;
            return Ok(sql::identified(server.flavour, record, Password::Clear(clear)));
        }
        self.identified(session, server, record, &value)
    }

    /// The account has `value` from now on.
    pub(crate) async fn set_password(
        &self,
        context: &CallContext,
        account: &Account,
        value: &SecretValue,
        current: Option<&SecretValue>,
        operation: &'static str,
    ) -> Result<()> {
        text(operation, value)?;
        let Some(login) = &self.admin.login else {
            return self.set_own_password(context, account, value, current, operation).await;
        };
        let mut session = self.admin.session(login, operation, Some(context)).await?;
        let server = session.server().await?;
        let keeps_old = self.rules.strategy == Strategy::Overlap;
        if keeps_old {
            server.check_dual_passwords(operation)?;
        }
        server.check_writable(operation)?;
        let record = session.meant(&server, account, self.host_is_said()).await?;
        check_unlocked(operation, account, &record)?;
        self.check_reachable(operation, account, &record)?;
        if !record.expired && self.has(&server, account, &record, value).await? {
            return Ok(());
        }
        let identified = self.identified(&session, &server, &record, value)?;
        let retain = if keeps_old { " RETAIN CURRENT PASSWORD" } else { "" };
        session.change(&sql::alter(account, &identified, retain)).await
    }

    /// Whether the account has `value` already. A changed salt would be a change.
    pub(crate) async fn has(
        &self,
        server: &Server,
        account: &Account,
        record: &Record,
        value: &SecretValue,
    ) -> Result<bool> {
        match server.flavour {
            Flavour::MariaDb => Ok(record.has(value)),
            Flavour::MySql => Ok(self.probe_account(account, value).await? == Probe::Accepted),
        }
    }

    /// Whether a login could work once the password is right.
    pub(crate) fn check_reachable(
        &self,
        operation: &'static str,
        account: &Account,
        record: &Record,
    ) -> Result<()> {
        let refused = |message: &str| {
            Err(Error::not_applied(ErrorKind::InvalidConfig, operation, message).with("account", account))
        };
        if record.wants_certificate {
            return refused(
                "the account wants a certificate of its client, and keywheel has none to try a login with",
            );
        }
        if record.wants_tls && self.admin.place.tls.is_none() {
            return refused("the account requires TLS, and `tls` is `disable`: a login could not be tried");
        }
        Ok(())
    }

    /// The account changes its own password, which needs no right.
    async fn set_own_password(
        &self,
        context: &CallContext,
        account: &Account,
        value: &SecretValue,
        current: Option<&SecretValue>,
        operation: &'static str,
    ) -> Result<()> {
        let Some(current) = current else {
            if self.probe_account(account, value).await? == Probe::Accepted {
                return Ok(());
            }
            let message = "nothing is known that could log in: there is no `login`, and no current value";
            return Err(Error::not_applied(ErrorKind::InvalidConfig, operation, message));
        };
        let opened = self.admin.own_session(&account.user, current, operation, Some(context)).await;
        let mut session = match opened {
            Ok(session) => session,
            Err((Some(code), error)) if ACCESS_DENIED.contains(&code) => {
                // An earlier attempt may have succeeded.
                return match self.probe_account(account, value).await? {
                    Probe::Accepted => Ok(()),
                    Probe::Rejected => Err(error),
                };
            }
            Err((_, error)) => return Err(error),
        };
        if current.same_as(value) {
            return Ok(());
        }
        let server = session.server().await?;
        if self.rules.strategy == Strategy::Overlap {
            server.check_dual_passwords(operation)?;
        }
        server.check_writable(operation)?;
        let found: Option<String> = session.first("SELECT CURRENT_USER()").await?;
        check_account(operation, account, found.as_deref().unwrap_or_default())?;
        let clear = text(operation, value)?;
        let statement = match server.flavour {
            Flavour::MySql => {
                let retain =
                    if self.rules.strategy == Strategy::Overlap { " RETAIN CURRENT PASSWORD" } else { "" };
                let clear = Zeroizing::new(sql::quote(clear));
                Zeroizing::new(format!("ALTER USER CURRENT_USER() IDENTIFIED BY {}{retain}", *clear))
            }
            Flavour::MariaDb if server.wants_clear && self.rules.clear_statements => {
                let clear = Zeroizing::new(sql::quote(clear));
                Zeroizing::new(format!("SET PASSWORD = PASSWORD({})", *clear))
            }
            Flavour::MariaDb if server.wants_clear => return Err(wants_clear(operation)),
            Flavour::MariaDb => {
                let scheme = own_scheme(&mut session, account).await?;
                let hash = Zeroizing::new(sql::quote(&scheme.hash(value)));
                Zeroizing::new(format!("SET PASSWORD = {}", *hash))
            }
        };
        session.change(&statement).await
    }
}

/// A locked account would refuse its new password too.
pub(crate) fn check_unlocked(operation: &'static str, account: &Account, record: &Record) -> Result<()> {
    if !record.locked {
        return Ok(());
    }
    let message =
        "the account is locked: whoever locked it must unlock it first (`ALTER USER … ACCOUNT UNLOCK`)";
    Err(Error::not_applied(ErrorKind::InvalidConfig, operation, message).with("account", account))
}

/// How the account of this session checks its password. What the server prints is compared, not read: one method, and one
/// that is known.
async fn own_scheme(session: &mut Session<'_>, account: &Account) -> Result<Scheme> {
    let shown: Option<Zeroized> = session.first("SHOW CREATE USER CURRENT_USER()").await?;
    let shown = shown.map(|shown| shown.0).unwrap_or_default();
    let operation = session.operation();
    let ident = |text: &str| format!("`{}`", text.replace('`', "``"));
    let begin = format!("CREATE USER {}@{} IDENTIFIED ", ident(&account.user), ident(&account.host));
    let rest = shown.strip_prefix(&begin).unwrap_or_default();
    let one = !rest.contains(" OR ");
    if one && rest.starts_with("BY PASSWORD '*") {
        Ok(Scheme::Native)
    } else if one && rest.starts_with("VIA ed25519 USING '") {
        Ok(Scheme::Ed25519)
    } else {
        let message =
            "the account does not log in with one password of a known kind: write a `login` that changes it";
        Err(session
            .after(Error::not_applied(ErrorKind::InvalidConfig, operation, message))
            .with("account", account))
    }
}

/// An answer that holds a hash.
struct Zeroized(Zeroizing<String>);

impl mysql_async::prelude::FromValue for Zeroized {
    type Intermediate = String;
}

impl From<String> for Zeroized {
    fn from(text: String) -> Self {
        Self(Zeroizing::new(text))
    }
}

/// A plugin has to see the password.
pub(crate) fn wants_clear(operation: &'static str) -> Error {
    let message = "the server checks passwords by a plugin and takes no hash (`strict_password_validation`); \
         its logs would show the password: `clear-statements: true` accepts that";
    Error::not_applied(ErrorKind::InvalidConfig, operation, message)
}
