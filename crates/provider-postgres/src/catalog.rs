//! What the server's catalogs say about roles.

use std::collections::BTreeMap;

use keywheel_core::{Effect, Error, ErrorKind, Identity, Result};
use tokio_postgres::{Row, types::FromSql};

use crate::{failure, server::Session};

/// One role.
#[expect(clippy::struct_excessive_bools, reason = "columns of pg_roles")]
pub(crate) struct Role {
    pub(crate) may_login: bool,
    /// Its password is not valid any more, whatever it is.
    pub(crate) expired: bool,
    pub(crate) superuser: bool,
    pub(crate) replication: bool,
    pub(crate) connections: i32,
    /// In the form that this session writes and reads times in.
    pub(crate) valid_until: Option<String>,
}

/// Settings that a role's sessions begin with: by database (empty: in all of them) and name.
pub(crate) type Settings = BTreeMap<(String, String), String>;

/// The role, if there is one of that name.
pub(crate) async fn role(
    session: &Session,
    operation: &'static str,
    name: &Identity,
) -> Result<Option<Role>> {
    let query = "SELECT rolcanlogin, coalesce(rolvaliduntil <= pg_catalog.now(), false), rolsuper, rolreplication, \
                 rolconnlimit, rolvaliduntil::text FROM pg_catalog.pg_roles WHERE rolname = $1";
    let rows = rows(session, operation, query, &[name.as_str()]).await?;
    rows.first()
        .map(|row| {
            Ok(Role {
                may_login: get(row, 0, operation)?,
                expired: get(row, 1, operation)?,
                superuser: get(row, 2, operation)?,
                replication: get(row, 3, operation)?,
                connections: get(row, 4, operation)?,
                valid_until: get(row, 5, operation)?,
            })
        })
        .transpose()
}

/// The role, which has to be there.
///
/// # Errors
/// `NotFound`.
pub(crate) async fn existing(session: &Session, operation: &'static str, name: &Identity) -> Result<Role> {
    role(session, operation, name).await?.ok_or_else(|| {
        let message = "the role does not exist: CREATE ROLE … LOGIN, or correct the entry's `identity`";
        Error::not_applied(ErrorKind::NotFound, operation, message).with("role", name)
    })
}

/// Whether `member` was granted `role`.
pub(crate) async fn is_member(
    session: &Session,
    operation: &'static str,
    member: &Identity,
    role: &Identity,
) -> Result<bool> {
    let query = "SELECT EXISTS (SELECT FROM pg_catalog.pg_auth_members m \
                 JOIN pg_catalog.pg_roles r ON r.oid = m.roleid JOIN pg_catalog.pg_roles c ON c.oid = m.member \
                 WHERE c.rolname = $1 AND r.rolname = $2)";
    let rows = rows(session, operation, query, &[member.as_str(), role.as_str()]).await?;
    rows.first().map_or(Ok(false), |row| get(row, 0, operation))
}

/// What the role's sessions begin with.
pub(crate) async fn settings(
    session: &Session,
    operation: &'static str,
    role: &Identity,
) -> Result<Settings> {
    let query = "SELECT coalesce(d.datname, '')::text, setting FROM pg_catalog.pg_db_role_setting s \
                 JOIN pg_catalog.pg_roles r ON r.oid = s.setrole \
                 LEFT JOIN pg_catalog.pg_database d ON d.oid = s.setdatabase, \
                 pg_catalog.unnest(s.setconfig) AS setting WHERE r.rolname = $1";
    let mut settings = Settings::new();
    for row in rows(session, operation, query, &[role.as_str()]).await? {
        let setting: String = get(&row, 1, operation)?;
        if let Some((name, value)) = setting.split_once('=') {
            settings.insert((get(&row, 0, operation)?, name.to_owned()), value.to_owned());
        }
    }
    Ok(settings)
}

/// Those of `names` that the login may not set for others.
pub(crate) async fn not_settable<'a>(
    session: &Session,
    operation: &'static str,
    names: impl Iterator<Item = &'a str>,
) -> Result<Vec<&'a str>> {
    // `role` is in no list, and everybody may set it. A setting that the server does not know belongs to an extension that is not loaded; it needs the right as well.
    let query = "SELECT $1 = 'role' OR EXISTS (SELECT FROM pg_catalog.pg_settings WHERE name = $1 AND context = 'user') \
                 OR pg_catalog.has_parameter_privilege($1, 'SET')";
    let mut refused = Vec::new();
    for name in names {
        let rows = rows(session, operation, query, &[name]).await?;
        if let Some(row) = rows.first()
            && !get::<bool>(row, 0, operation)?
        {
            refused.push(name);
        }
    }
    Ok(refused)
}

/// Runs a query that changes nothing.
pub(crate) async fn rows(
    session: &Session,
    operation: &'static str,
    query: &'static str,
    parameters: &[&str],
) -> Result<Vec<Row>> {
    let rows = session.ask(query, parameters).await;
    rows.map_err(|error| failure::of_statement(&error, operation, Effect::NotApplied))
}

/// One column of an answer.
pub(crate) fn get<'a, T: FromSql<'a>>(row: &'a Row, column: usize, operation: &'static str) -> Result<T> {
    row.try_get(column).map_err(|_| {
        let message = "the server's catalogs are not as those of PostgreSQL are";
        Error::not_applied(ErrorKind::Unsupported, operation, message).with("column", column)
    })
}
