//! What `doctor` asks. Nothing is changed.

use keywheel_core::{Error, ErrorKind, Result, provider::Finding, rotator::Strategy};

use crate::{
    account::Account,
    admin::Session,
    flavour::{Flavour, Server},
    password::{check_unlocked, wants_clear},
    record::Record,
    rotator::MysqlRotator,
    sql::quote,
};

/// What the administrator may do by itself.
struct Rights {
    /// Itself, as it stands in a statement.
    login: String,
    /// It has rights through a role as well, and those are not looked at.
    has_role: bool,
    everywhere: Vec<String>,
    /// It may pass on what it has everywhere.
    grants_on: bool,
    updates_accounts: bool,
}

impl MysqlRotator {
    /// One finding for each thing that is missing.
    pub(crate) async fn examined(&self) -> Vec<Finding> {
        // Without an administrator nothing can be asked: whose password is to be changed is the only one to log in. And a
        // connection without a login counts against this machine (`max_connect_errors`).
        let Some(login) = &self.admin.login else { return Vec::new() };
        let mut session = match self.admin.session(login, "examine", None).await {
            Ok(session) => session,
            Err(error) => {
                let hint = "see that the server runs at `host` and `port`, that `tls` fits, and that `login` is an account of it";
                return vec![finding(&error, hint)];
            }
        };
        let mut findings = Vec::new();
        let server = match session.server().await {
            Ok(server) => server,
            Err(error) => return vec![finding(&error, "use a server that is new enough")],
        };
        self.look_at_server(&server, &mut findings);
        let rights = match session.rights().await {
            Ok(rights) => rights,
            Err(error) => return vec![finding(&error, "see what the server says about `login`")],
        };
        self.look_at_rights(&server, &rights, &mut findings);
        self.look_at_account(&mut session, &server, &rights, &mut findings).await;
        findings
    }

    fn look_at_server(&self, server: &Server, findings: &mut Vec<Finding>) {
        if self.rules.strategy == Strategy::Overlap
            && let Err(error) = server.check_dual_passwords("examine")
        {
            findings.push(Finding::error(error.message, "write `strategy: alternating`"));
        }
        if let Err(error) = server.check_writable("examine") {
            findings.push(finding(&error, "let `host` be the primary"));
        }
        if server.wants_clear && !self.rules.clear_statements {
            let hint = "write `clear-statements: true`, or turn `strict_password_validation` off";
            findings.push(Finding::error(wants_clear("examine").message, hint));
        }
        if let Some(said) = self.rules.flavour
            && said != server.flavour
        {
            let message = format!("`server` says {}, and the server is {}", said.engine(), server.name());
            findings.push(Finding::error(message, format!("write `server: {}`", server.flavour.engine())));
        }
    }

    fn look_at_rights(&self, server: &Server, rights: &Rights, findings: &mut Vec<Finding>) {
        let login = &rights.login;
        // Rights that come with a role are not seen here.
        let lacks = |message: String, hint: String| {
            if rights.has_role { Finding::warning(message, hint) } else { Finding::error(message, hint) }
        };
        if !rights.everywhere.iter().any(|right| right == "CREATE USER") {
            let alternating = self.rules.strategy == Strategy::Alternating;
            if alternating || server.flavour == Flavour::MySql || !rights.updates_accounts {
                let message = format!("{login} may not change accounts: it has not the right CREATE USER");
                findings.push(lacks(message, format!("GRANT CREATE USER ON *.* TO {login};")));
            }
        }
        if self.rules.strategy == Strategy::Alternating && !rights.grants_on {
            let message = format!(
                "{login} may not give the second account what the first has: it has not GRANT OPTION"
            );
            let hint = format!(
                "give it what the application has, with the option: GRANT SELECT, INSERT, UPDATE, DELETE ON shop.* TO {login} \
                 WITH GRANT OPTION;"
            );
            // What it has on single databases may be enough.
            findings.push(Finding::warning(message, hint));
        }
    }

    async fn look_at_account(
        &self,
        session: &mut Session<'_>,
        server: &Server,
        rights: &Rights,
        findings: &mut Vec<Finding>,
    ) {
        let Some(identity) = &self.identity else {
            let message = "the secret does not say whom it is for";
            findings.push(Finding::warning(message, "write `identity: app`, unless its store records it"));
            return;
        };
        let found = match self.account_of("examine", Some(identity)) {
            Ok(account) => {
                session.meant(server, &account, self.host_is_said()).await.map(|record| (account, record))
            }
            Err(error) => Err(error),
        };
        match found {
            Ok((account, record)) => self.look_at_record(server, &account, &record, findings),
            Err(error) if error.kind == ErrorKind::PermissionDenied => findings.push(Finding::error(
                format!("{} may not look at accounts", rights.login),
                format!("GRANT SELECT ON mysql.* TO {};", rights.login),
            )),
            Err(error) => {
                findings.push(finding(&error, "create the account, or correct `identity` or `account-host`"));
            }
        }
    }

    fn look_at_record(
        &self,
        server: &Server,
        account: &Account,
        record: &Record,
        findings: &mut Vec<Finding>,
    ) {
        let checks: [Result<()>; 3] = [
            record.check_password("examine", server.flavour == Flavour::MySql),
            self.check_reachable("examine", account, record),
            // While it is the other one's turn it is locked.
            if self.rules.strategy == Strategy::Alternating {
                Ok(())
            } else {
                check_unlocked("examine", account, record)
            },
        ];
        for error in checks.into_iter().filter_map(Result::err) {
            findings.push(finding(&error, format!("see SHOW CREATE USER {account};")));
        }
        if record.expired {
            let message = format!("the password of {account} has expired: it can log in and do nothing else");
            findings.push(Finding::warning(message, "rotate it; a rotation gives it a fresh one"));
        }
    }
}

impl Session<'_> {
    async fn rights(&mut self) -> Result<Rights> {
        let about: Option<(String, Option<String>)> =
            self.first("SELECT CURRENT_USER(), NULLIF(CURRENT_ROLE(), 'NONE')").await?;
        let (login, role) = about.unwrap_or_default();
        let account = Account::of(&login, "%");
        // It is written without escapes there.
        let grantee = quote(&format!("'{}'@'{}'", account.user, account.host));
        let rows: Vec<(String, String)> = self
            .all(&format!(
                "SELECT PRIVILEGE_TYPE, IS_GRANTABLE FROM information_schema.USER_PRIVILEGES WHERE GRANTEE = {grantee}"
            ))
            .await?;
        let updates: Option<u64> = self
            .first(&format!(
                "SELECT COUNT(*) FROM information_schema.SCHEMA_PRIVILEGES WHERE GRANTEE = {grantee} \
                 AND TABLE_SCHEMA = 'mysql' AND PRIVILEGE_TYPE = 'UPDATE'"
            ))
            .await?;
        Ok(Rights {
            login: account.quoted(),
            has_role: role.is_some(),
            grants_on: rows.iter().any(|(_, grantable)| grantable == "YES"),
            updates_accounts: updates.is_some_and(|count| count > 0)
                || rows.iter().any(|(right, _)| right == "UPDATE"),
            everywhere: rows.into_iter().map(|(right, _)| right).collect(),
        })
    }
}

/// What may pass by itself is worth a look, not a failed check.
fn finding(error: &Error, hint: impl Into<String>) -> Finding {
    if error.kind.is_transient() {
        Finding::warning(error.to_string(), hint)
    } else {
        Finding::error(error.to_string(), hint)
    }
}
