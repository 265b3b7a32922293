//! The clone that takes turns with a role: what it is made of, and how it is kept like the role.
//!
//! The clone is a member of the role, and its sessions begin as the role (`SET role`): so it may what the role may, and
//! what it makes belongs to the role. What a role hands on to no member is copied: the connection limit, the end of its
//! password's validity, REPLICATION, and the settings that its sessions begin with.

use std::collections::BTreeSet;

use keywheel_core::{Error, ErrorKind, Identity, Result};
use postgres_protocol::escape::{escape_identifier, escape_literal};

use crate::{
    catalog::{self, Role, Settings},
    server::Session,
};

/// Settings whose value is a list of quoted names. As one literal the list would be a single name; `pg_dump` makes the
/// same exception (`variable_is_guc_list_quote`).
const LISTS: [&str; 4] =
    ["local_preload_libraries", "search_path", "session_preload_libraries", "temp_tablespaces"];

/// The statements that make `clone` what it should be, besides its password.
///
/// # Errors
/// `Conflict` when there is a role of that name that is not the role's clone.
pub(crate) async fn statements(
    session: &Session,
    operation: &'static str,
    role: &Identity,
    clone: &Identity,
    original: &Role,
) -> Result<Vec<String>> {
    let (name, owner) = (escape_identifier(clone.as_str()), escape_identifier(role.as_str()));
    let mut statements = Vec::new();
    let existing = catalog::role(session, operation, clone).await?;
    let is_new = existing.is_none();
    if is_new {
        statements.push(format!("CREATE ROLE {name} NOLOGIN INHERIT"));
        statements.push(format!("GRANT {owner} TO {name}"));
    } else if !catalog::is_member(session, operation, clone, role).await? {
        return Err(stranger(operation, role, clone));
    }
    let have = existing.unwrap_or(Role {
        may_login: false,
        expired: false,
        superuser: false,
        replication: false,
        connections: -1,
        valid_until: None,
    });
    if have.connections != original.connections {
        statements.push(format!("ALTER ROLE {name} CONNECTION LIMIT {}", original.connections));
    }
    if have.valid_until != original.valid_until {
        let until = original.valid_until.as_deref().unwrap_or("infinity");
        statements.push(format!("ALTER ROLE {name} VALID UNTIL {}", escape_literal(until)));
    }
    if have.replication != original.replication {
        let word = if original.replication { "REPLICATION" } else { "NOREPLICATION" };
        statements.push(format!("ALTER ROLE {name} {word}"));
    }
    let wanted = wanted(session, operation, role).await?;
    let current = if is_new { Settings::new() } else { catalog::settings(session, operation, clone).await? };
    statements.extend(settings(&name, &wanted, &current));
    Ok(statements)
}

/// The settings that the clone should have.
async fn wanted(session: &Session, operation: &'static str, role: &Identity) -> Result<Settings> {
    let mut wanted = catalog::settings(session, operation, role).await?;
    wanted.entry((String::new(), "role".to_owned())).or_insert_with(|| role.as_str().to_owned());
    Ok(wanted)
}

/// The names of settings that the clone lacks and that the login may not give it.
pub(crate) async fn withheld(
    session: &Session,
    operation: &'static str,
    role: &Identity,
    clone: &Identity,
) -> Result<Vec<String>> {
    let current = catalog::settings(session, operation, clone).await?;
    let wanted = wanted(session, operation, role).await?;
    let lacking: BTreeSet<_> = wanted
        .iter()
        .filter(|(key, value)| current.get(*key) != Some(value))
        .map(|((_, name), _)| name)
        .collect();
    let names = lacking.into_iter().map(String::as_str);
    let withheld = catalog::not_settable(session, operation, names).await?;
    Ok(withheld.into_iter().map(str::to_owned).collect())
}

/// A setting's name as statements write it. Those of extensions have a dot in them.
pub(crate) fn quoted(setting: &str) -> String {
    setting.split('.').map(escape_identifier).collect::<Vec<_>>().join(".")
}

/// That a role has the clone's name and is not the clone.
pub(crate) fn stranger(operation: &'static str, role: &Identity, clone: &Identity) -> Error {
    let message = format!(
        "a role `{clone}` exists that is not a member of `{role}`, so that it may be somebody else's: if it is to take turns \
         with `{role}`, GRANT {} TO {}",
        escape_identifier(role.as_str()),
        escape_identifier(clone.as_str())
    );
    Error::not_applied(ErrorKind::Conflict, operation, message)
}

fn settings(role: &str, wanted: &Settings, current: &Settings) -> Vec<String> {
    let mut statements = Vec::new();
    for ((database, name), value) in wanted {
        let key = (database.clone(), name.clone());
        if current.get(&key) == Some(value) {
            continue;
        }
        let (of, name) = (place(role, database), quoted(name));
        if LISTS.contains(&key.1.as_str()) {
            let (setting, value) = (escape_literal(&key.1), escape_literal(value));
            statements.push(format!("SELECT pg_catalog.set_config({setting}, {value}, true)"));
            statements.push(format!("{of} SET {name} FROM CURRENT"));
        } else {
            statements.push(format!("{of} SET {name} TO {}", escape_literal(value)));
        }
    }
    let gone = current.keys().filter(|key| !wanted.contains_key(*key));
    statements
        .extend(gone.map(|(database, name)| format!("{} RESET {}", place(role, database), quoted(name))));
    statements
}

fn place(role: &str, database: &str) -> String {
    if database.is_empty() {
        return format!("ALTER ROLE {role}");
    }
    format!("ALTER ROLE {role} IN DATABASE {}", escape_identifier(database))
}
