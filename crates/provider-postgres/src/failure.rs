//! What a failed login or statement means. The server's own words are left out everywhere: they may quote a statement.
//! Codes are those of <https://www.postgresql.org/docs/current/errcodes-appendix.html>.

use std::error::Error as _;

use keywheel_core::{Effect, Error, ErrorKind};
use tokio_postgres::error::{DbError, Severity, SqlState};

use crate::server::{Address, NoLogin};

/// The server's function that looks up a role whose password was right. With "invalid authorization" it says that the role
/// may not log in; without it that code means that `pg_hba.conf` keeps this machine, role or database out. The server's
/// words would tell as well, but not in every language.
const ROLE_LOOKUP: &str = "InitializeSessionUserId";

/// Whether the two sides could not agree on encryption.
pub(crate) fn is_handshake(error: &tokio_postgres::Error) -> bool {
    handshake(error).is_some()
}

fn handshake(error: &tokio_postgres::Error) -> Option<&rustls::Error> {
    input_output(error)?.get_ref()?.downcast_ref()
}

fn input_output(error: &tokio_postgres::Error) -> Option<&std::io::Error> {
    error.source()?.downcast_ref()
}

/// What a failed login means. Nothing was changed by it.
pub(crate) fn of_login(
    error: &tokio_postgres::Error,
    operation: &'static str,
    address: &Address,
    role: &str,
) -> NoLogin {
    if let Some(answer) = error.as_db_error()
        && refuses_credential(answer)
    {
        return NoLogin::Refused;
    }
    let (kind, message) = match error.as_db_error() {
        Some(answer) => login_answer(answer),
        None => transport(error),
    };
    NoLogin::Failed(
        coded(Error::not_applied(kind, operation, message), error).with("server", address).with("role", role),
    )
}

fn refuses_credential(answer: &DbError) -> bool {
    let code = answer.code();
    *code == SqlState::INVALID_PASSWORD
        || *code == SqlState::INVALID_AUTHORIZATION_SPECIFICATION && answer.routine() == Some(ROLE_LOOKUP)
}

fn login_answer(answer: &DbError) -> (ErrorKind, String) {
    let code = answer.code();
    if *code == SqlState::INVALID_AUTHORIZATION_SPECIFICATION {
        let message = "the server does not let this role log in to this database from this machine with a password: add \
                       a line to pg_hba.conf, as `host DATABASE ROLE ADDRESS scram-sha-256` (or `hostssl`)";
        (ErrorKind::PermissionDenied, message.to_owned())
    } else if *code == SqlState::TOO_MANY_CONNECTIONS {
        let message = if answer.routine() == Some(ROLE_LOOKUP) {
            "the role has as many sessions as it may have (CONNECTION LIMIT): nobody can log in until one ends"
        } else {
            "the server has as many sessions as it may have (max_connections, or the database's limit)"
        };
        (ErrorKind::RateLimited, message.to_owned())
    } else if *code == SqlState::INVALID_CATALOG_NAME {
        (ErrorKind::InvalidConfig, "the database does not exist: set `database`".to_owned())
    } else if *code == SqlState::INSUFFICIENT_PRIVILEGE {
        let message = "the role may not connect to the database: GRANT CONNECT ON DATABASE … TO …";
        (ErrorKind::PermissionDenied, message.to_owned())
    } else {
        answered(answer)
    }
}

/// What a failed statement means. `sent` is what is known if no answer came.
pub(crate) fn of_statement(error: &tokio_postgres::Error, operation: &'static str, sent: Effect) -> Error {
    let Some(answer) = error.as_db_error() else {
        let (kind, message) = transport(error);
        return Error { effect: sent, ..Error::not_applied(kind, operation, message) };
    };
    let (kind, message) = answered(answer);
    // An ERROR ends the transaction without effect. Whatever ends the session may have come after the commit.
    let effect = match answer.parsed_severity() {
        Some(Severity::Error) if *answer.code() != SqlState::T_R_STATEMENT_COMPLETION_UNKNOWN => {
            Effect::NotApplied
        }
        _ => sent,
    };
    coded(Error { effect, ..Error::not_applied(kind, operation, message) }, error)
}

fn coded(error: Error, cause: &tokio_postgres::Error) -> Error {
    match cause.code() {
        Some(code) => error.with("sqlstate", code.code()),
        None => error,
    }
}

/// No answer of the server.
fn transport(error: &tokio_postgres::Error) -> (ErrorKind, String) {
    if let Some(reason) = handshake(error) {
        let kind = if matches!(reason, rustls::Error::InvalidCertificate(_)) {
            ErrorKind::InvalidConfig
        } else {
            ErrorKind::Unavailable
        };
        return (kind, format!("no encrypted connection to the server: {reason}"));
    }
    if let Some(reason) = input_output(error) {
        // The operating system's words, without what a library may have added.
        let kind = if reason.kind() == std::io::ErrorKind::TimedOut {
            ErrorKind::TimedOut
        } else {
            ErrorKind::Unavailable
        };
        return (kind, format!("{error}: {}", reason.kind()));
    }
    if error.is_closed() {
        return (ErrorKind::Unavailable, "the server closed the connection".to_owned());
    }
    // The library's own words for each of its kinds: no TLS at the server, an unknown way to authenticate, another protocol.
    (
        ErrorKind::InvalidConfig,
        format!("{error}: the server does not offer what `sslmode` or the login needs"),
    )
}

/// What a code means wherever it comes from.
fn answered(answer: &DbError) -> (ErrorKind, String) {
    let code = answer.code();
    let (kind, message) = match (code.code(), &code.code()[..2]) {
        ("25006", _) => (
            ErrorKind::Unavailable,
            "the server, or the login's default_transaction_read_only, allows no changes: this is a standby, or the \
             setting has to go",
        ),
        ("42501", _) => (
            ErrorKind::PermissionDenied,
            "the login lacks a right: CREATEROLE (ALTER ROLE … CREATEROLE), from PostgreSQL 16 on the role itself (GRANT … TO \
             … WITH ADMIN OPTION), or one of the role's settings that its clone gets too (GRANT SET ON PARAMETER … TO …); \
             `keywheel doctor` says which",
        ),
        ("42704", _) => (ErrorKind::NotFound, "a role, database or setting does not exist"),
        ("42710", _) => (ErrorKind::Conflict, "somebody else created the role at the same time"),
        ("55P03", _) => (
            ErrorKind::TimedOut,
            "another session holds the role: somebody else changes it in a transaction that has not ended",
        ),
        ("57014", _) => (ErrorKind::TimedOut, "the statement took too long and was cancelled"),
        ("57P03", _) => (ErrorKind::Unavailable, "the server is starting up, shutting down or recovering"),
        ("57P01" | "57P02" | "57P05", _) => (ErrorKind::Unavailable, "the server ended the session"),
        ("53300", _) => (ErrorKind::RateLimited, "the server has as many sessions as it may have"),
        ("53400", _) => (ErrorKind::Rejected, "a limit that the server's configuration sets was exceeded"),
        ("XX000", _) => (
            ErrorKind::Unavailable,
            "the server reports an internal error: so it does when two sessions change one role at once",
        ),
        ("28P01" | "28000", _) | (_, "22") => (
            ErrorKind::InvalidValue,
            "the server's rules for passwords refuse the new one: make the generator follow them (passwordcheck, credcheck \
             or their like)",
        ),
        (_, "08" | "40" | "53" | "57" | "58") => (ErrorKind::Unavailable, "the server cannot do this now"),
        _ => (ErrorKind::Rejected, "the server refuses"),
    };
    (kind, message.to_owned())
}
