//! What keeps a rotation from working, found without changing anything.

use keywheel_core::{Error, Identity, Result, SecretValue, provider::Finding, rotator::Strategy};
use postgres_protocol::escape::escape_identifier;

use crate::{
    admin::Admin,
    catalog::{self, Role, get, rows},
    clone,
    rotator::Shared,
    server::{Address, NoLogin, Session},
    turns::Turns,
};

const OPERATION: &str = "examine";

/// From here on single settings may be granted: <https://www.postgresql.org/docs/15/release-15.html>.
const SETTINGS_GRANTED_SINCE: i32 = 150_000;

/// From here on CREATEROLE alone changes nobody: <https://www.postgresql.org/docs/16/release-16.html>.
const ADMIN_OPTION_SINCE: i32 = 160_000;

/// No generator makes it, and whoever sets it by hand deserves the finding.
const WRONG: &[u8] = b"keywheel-doctor-tries-a-wrong-password";

/// Everything that a rotation of `turns` needs.
pub(crate) async fn target(shared: &Shared, turns: &Turns) -> Vec<Finding> {
    let mut findings = encryption(&shared.address);
    let roles = std::iter::once(&turns.role).chain(&turns.clone);
    for role in roles {
        let (found, reached) = passwords(&shared.address, role).await;
        findings.extend(found);
        if !reached {
            return findings;
        }
    }
    if let Some(admin) = &shared.admin {
        match asked(admin, turns, shared.strategy).await {
            Ok(found) => findings.extend(found),
            Err(error) => findings.push(failed(&error, "see that keywheel can log in, as `login` says")),
        }
    }
    findings
}

/// Whether the connection can be overheard or redirected.
pub(crate) fn encryption(address: &Address) -> Vec<Finding> {
    let mut findings = Vec::new();
    if let Err(error) = address.tls.connector() {
        findings.push(failed(&error, "correct the files that the connection settings name"));
    }
    if address.tls.trusts_anybody() && !address.is_local() {
        findings.push(Finding::warning(
            format!("nothing proves that {address} is the server that it should be"),
            "write `sslmode: verify-full`, with `root-certificate` if the authority is your own",
        ));
    }
    findings
}

/// Whether the server asks for a password: one that nobody has must be refused.
async fn passwords(address: &Address, role: &Identity) -> (Vec<Finding>, bool) {
    match address.login(OPERATION, role.as_str(), &SecretValue::copy_from(WRONG)).await {
        Err(NoLogin::Refused) => (Vec::new(), true),
        Err(NoLogin::Failed(error)) => {
            let reached = error.context.iter().any(|(key, _)| *key == "sqlstate");
            (vec![failed(&error, "rotations prove each password by a login from this machine")], reached)
        }
        Ok(session) => {
            session.close().await;
            let finding = Finding::error(
                format!(
                    "{address} lets `{role}` in with a wrong password: passwords protect nothing, and no login proves that \
                     an old one is dead"
                ),
                "replace `trust`, `peer` or `cert` in pg_hba.conf by `scram-sha-256` for this role",
            );
            (vec![finding], true)
        }
    }
}

async fn asked(admin: &Admin, turns: &Turns, strategy: Strategy) -> Result<Vec<Finding>> {
    let session = admin.borrow(OPERATION).await?;
    let findings = ask(session.session(), admin, turns, strategy).await;
    session.give_back();
    findings
}

async fn ask(session: &Session, admin: &Admin, turns: &Turns, strategy: Strategy) -> Result<Vec<Finding>> {
    let mut findings = Vec::new();
    let query = "SELECT pg_catalog.pg_is_in_recovery(), pg_catalog.current_setting('transaction_read_only') = 'on', \
                 pg_catalog.current_setting('server_version_num')::int4, rolsuper, rolcreaterole \
                 FROM pg_catalog.pg_roles WHERE rolname = current_user";
    let rows = rows(session, OPERATION, query, &[]).await?;
    let Some(row) = rows.first() else { return Ok(findings) };
    let (standby, read_only): (bool, bool) = (get(row, 0, OPERATION)?, get(row, 1, OPERATION)?);
    let rights = Rights {
        login: &admin.login.user,
        version: get(row, 2, OPERATION)?,
        superuser: get(row, 3, OPERATION)?,
        create_role: get(row, 4, OPERATION)?,
    };
    if standby {
        findings.push(Finding::error(
            "the server is a standby, which takes no changes",
            "name the primary in `host`",
        ));
    } else if read_only {
        findings.push(Finding::error(
            format!("transactions of `{}` are read-only", rights.login),
            format!("ALTER ROLE {} RESET default_transaction_read_only", escape_identifier(rights.login)),
        ));
    }
    let Some(role) = catalog::role(session, OPERATION, &turns.role).await? else {
        findings.push(Finding::error(
            format!("the role `{}` does not exist", turns.role),
            format!(
                "CREATE ROLE {} LOGIN, or correct the entry's `identity`",
                escape_identifier(turns.role.as_str())
            ),
        ));
        return Ok(findings);
    };
    findings.extend(rights.missing(session, turns, &role).await?);
    findings.extend(state(&turns.role, &role));
    let clone = match &turns.clone {
        Some(clone) => catalog::role(session, OPERATION, clone).await?.map(|role| (clone, role)),
        None => None,
    };
    if let Some((name, _)) = &clone
        && !catalog::is_member(session, OPERATION, name, &turns.role).await?
    {
        let error = clone::stranger(OPERATION, &turns.role, name);
        findings.push(Finding::error(error.message, "drop or rename the role if nobody needs it"));
    }
    if !role.may_login && !clone.is_some_and(|(_, clone)| clone.may_login) {
        let hint = format!("ALTER ROLE {} LOGIN", escape_identifier(turns.role.as_str()));
        findings.push(match strategy {
            Strategy::Alternating => Finding::warning(
                format!(
                    "neither `{}` nor its clone may log in: nobody can use the current value",
                    turns.role
                ),
                hint,
            ),
            Strategy::InPlace
            | Strategy::Overlap
            | Strategy::Minted
            | Strategy::Reissued
            | Strategy::Versioned => Finding::error(format!("`{}` may not log in", turns.role), hint),
        });
    }
    let itself = |role: &Identity| role.as_str() == rights.login;
    if turns.clone.as_ref().is_some_and(|clone| itself(clone) || itself(&turns.role)) {
        findings.push(Finding::error(
            format!("`{}` is the role with which keywheel logs in, and would lock itself out", rights.login),
            "give keywheel a role of its own, or write `strategy: in-place`",
        ));
    }
    Ok(findings)
}

fn state(name: &Identity, role: &Role) -> Option<Finding> {
    role.expired.then(|| {
        Finding::error(
            format!("passwords of `{name}` are not valid any more: VALID UNTIL has passed"),
            format!("ALTER ROLE {} VALID UNTIL 'infinity'", escape_identifier(name.as_str())),
        )
    })
}

/// What the administrator's role may do.
struct Rights<'a> {
    login: &'a str,
    version: i32,
    superuser: bool,
    create_role: bool,
}

impl Rights<'_> {
    /// What it would have to be granted as well.
    async fn missing(&self, session: &Session, turns: &Turns, role: &Role) -> Result<Vec<Finding>> {
        let mut findings = Vec::new();
        if self.superuser {
            return Ok(findings);
        }
        let Self { login, .. } = self;
        let (by, of) = (escape_identifier(login), escape_identifier(turns.role.as_str()));
        // Before 16 whoever replicates is a superuser's business.
        if role.superuser || role.replication && self.version < ADMIN_OPTION_SINCE {
            findings.push(Finding::error(
                format!("`{}` is a superuser or replicates: only a superuser may change it, and `{login}` is none", turns.role),
                format!("ALTER ROLE {by} SUPERUSER, or take the attribute from {of}"),
            ));
        }
        let own = turns.clone.is_none() && turns.role.as_str() == *login;
        if !self.create_role && !own {
            findings.push(Finding::error(
                format!("`{login}` may not change roles: it lacks CREATEROLE"),
                format!("ALTER ROLE {by} CREATEROLE"),
            ));
        }
        if self.version >= ADMIN_OPTION_SINCE && !own {
            let query = "SELECT pg_catalog.pg_has_role(current_user, oid, 'MEMBER WITH ADMIN OPTION') \
                         FROM pg_catalog.pg_roles WHERE rolname = $1";
            for role in std::iter::once(&turns.role).chain(&turns.clone) {
                let rows = rows(session, OPERATION, query, &[role.as_str()]).await?;
                let Some(row) = rows.first() else { continue };
                if !get::<bool>(row, 0, OPERATION)? {
                    findings.push(Finding::error(
                        format!("`{login}` may not change `{role}`: it lacks ADMIN OPTION on it"),
                        format!("GRANT {} TO {by} WITH ADMIN OPTION", escape_identifier(role.as_str())),
                    ));
                }
            }
        }
        if let Some(clone) = &turns.clone
            && self.version >= SETTINGS_GRANTED_SINCE
        {
            for setting in clone::withheld(session, OPERATION, &turns.role, clone).await? {
                findings.push(Finding::error(
                    format!(
                        "`{login}` may not give `{clone}` the setting `{setting}` that `{}` has",
                        turns.role
                    ),
                    format!("GRANT SET ON PARAMETER {} TO {by}", clone::quoted(&setting)),
                ));
            }
        }
        Ok(findings)
    }
}

/// A finding of what went wrong; what may pass by itself is worth a look, not a failed check.
pub(crate) fn failed(error: &Error, hint: &str) -> Finding {
    if error.kind.is_transient() {
        Finding::warning(error.to_string(), hint)
    } else {
        Finding::error(error.to_string(), hint)
    }
}
