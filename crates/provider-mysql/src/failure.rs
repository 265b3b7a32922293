//! What the library and the server answer, as errors. The server's own text is left out: it may quote a statement.

use std::io;

use keywheel_core::{Effect, Error, ErrorKind};
use mysql_async::{DriverError, IoError};

/// The server says no to this credential. The second number is `MariaDB`'s when the last method that it tried takes no password:
/// for an account with `unix_socket` besides a password, and for one that does not exist.
pub(crate) const ACCESS_DENIED: [u16; 2] = [1045, 1698];
/// It is locked: `MySQL`, `MariaDB`.
pub(crate) const LOCKED: [u16; 2] = [3118, 4151];
/// The password was right and has expired: in a session, at the login.
pub(crate) const EXPIRED: [u16; 2] = [1820, 1862];

/// An account could not be created or changed.
pub(crate) const REFUSED: u16 = 1396;

/// What a number of the server means here, in our words; whether nothing has changed when a change ends with it.
///
/// <https://mariadb.com/kb/en/mariadb-error-code-reference/>,
/// <https://dev.mysql.com/doc/mysql-errors/8.0/en/server-error-reference.html>
fn meaning(code: u16) -> (ErrorKind, &'static str, Effect) {
    use Effect::{MaybeApplied, NotApplied};
    use ErrorKind as Kind;
    match code {
        1045 | 1698 => (Kind::Unauthenticated, "the server refused the login", NotApplied),
        3118 | 4151 => (Kind::Unauthenticated, "the account is locked", NotApplied),
        1820 | 1862 => (Kind::Unauthenticated, "the password of the account has expired", NotApplied),
        4150 => (
            Kind::PermissionDenied,
            "the server has blocked the account after too many wrong passwords; `FLUSH PRIVILEGES` frees it",
            NotApplied,
        ),
        1130 => (Kind::PermissionDenied, "the server lets no account in from this machine", NotApplied),
        1129 => (
            Kind::PermissionDenied,
            "the server has blocked this machine after too many failed connections; `FLUSH HOSTS` frees it",
            NotApplied,
        ),
        1040 => (Kind::RateLimited, "the server has too many connections", NotApplied),
        1203 => (Kind::RateLimited, "the account has too many connections", NotApplied),
        1226 => (Kind::RateLimited, "the account has used up what it may in an hour", NotApplied),
        1044 | 1142 | 1143 | 1227 | 1370 | 1410 | 1495 => {
            (Kind::PermissionDenied, "keywheel's login has not the right to do this", NotApplied)
        }
        1290 | 1792 | 1836 => (
            Kind::Unavailable,
            "the server's options forbid it now (read-only, or passwords are checked)",
            NotApplied,
        ),
        1396 => (Kind::Conflict, "the account was created, dropped or changed meanwhile", NotApplied),
        1133 => (Kind::Conflict, "the account does not exist any more", NotApplied),
        1819 => (Kind::InvalidValue, "the server's password rules refuse this password", NotApplied),
        3638 | 3639 | 4164 => {
            (Kind::InvalidValue, "the server's password history refuses this password", NotApplied)
        }
        1524 | 1696 | 2059 => {
            (Kind::InvalidConfig, "the server has not loaded the account's plugin", NotApplied)
        }
        1251 => {
            (Kind::Unsupported, "the account wants a way of logging in that is not supported", NotApplied)
        }
        1064 | 1149 => (Kind::Internal, "the server does not understand the statement", NotApplied),
        1053 | 1077 | 1079 | 1080 | 1927 => {
            (Kind::Unavailable, "the server is shutting down, or ended it", MaybeApplied)
        }
        1205 | 1213 => (Kind::Unavailable, "the server's tables were locked for too long", MaybeApplied),
        1021 | 1037 | 1038 | 1041 | 1114 => {
            (Kind::Unavailable, "the server is out of memory or disk", MaybeApplied)
        }
        1317 | 1969 | 3024 => (Kind::Unavailable, "the statement was interrupted", MaybeApplied),
        _ => (Kind::Internal, "the server answered with an error", MaybeApplied),
    }
}

/// The error of `operation`. `effect` is what a failure on the way means; a server that says no narrows it.
pub(crate) fn failed(operation: &'static str, effect: Effect, error: &mysql_async::Error) -> Error {
    let (kind, message) = match error {
        mysql_async::Error::Server(refusal) => {
            let (kind, message, certain) = meaning(refusal.code);
            let effect = if certain == Effect::NotApplied { Effect::NotApplied } else { effect };
            return Error { effect, ..Error::not_applied(kind, operation, message) }
                .with("code", refusal.code);
        }
        mysql_async::Error::Io(IoError::Io(error)) => io_failure(error),
        mysql_async::Error::Io(IoError::Tls(_)) => (
            ErrorKind::InvalidConfig,
            "TLS could not be set up: see `tls.root-certificate` and `tls.server-name`",
        ),
        mysql_async::Error::Driver(error) => driver_failure(error),
        mysql_async::Error::Url(_) | mysql_async::Error::Other(_) => {
            (ErrorKind::Internal, "the client library failed")
        }
    };
    Error { effect, ..Error::not_applied(kind, operation, message) }
}

#[expect(clippy::wildcard_enum_match_arm, reason = "the standard library's list is open")]
fn io_failure(error: &io::Error) -> (ErrorKind, &'static str) {
    if let Some(tls) = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()) {
        return if matches!(tls, rustls::Error::InvalidCertificate(_)) {
            (
                ErrorKind::InvalidConfig,
                "the server's certificate is not trusted: see `tls.root-certificate` and `tls.server-name`",
            )
        } else {
            (ErrorKind::InvalidConfig, "the server and keywheel do not agree on TLS")
        };
    }
    match error.kind() {
        io::ErrorKind::TimedOut => (ErrorKind::TimedOut, "the server did not answer in time"),
        io::ErrorKind::NotFound => {
            (ErrorKind::InvalidConfig, "the file of `tls.root-certificate` is not there")
        }
        _ => (ErrorKind::Unavailable, "the server cannot be reached, or the connection broke"),
    }
}

#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "the library's list is its own: all others mean the same here"
)]
fn driver_failure(error: &DriverError) -> (ErrorKind, &'static str) {
    match error {
        DriverError::ConnectionClosed => (ErrorKind::Unavailable, "the connection broke"),
        DriverError::NoClientSslFlagFromServer => {
            (ErrorKind::InvalidConfig, "the server offers no TLS: `tls: { mode: disable }` would do without")
        }
        DriverError::UnknownAuthPlugin { .. }
        | DriverError::MysqlOldPasswordDisabled
        | DriverError::CleartextPluginDisabled => {
            (ErrorKind::Unsupported, "the account wants a way of logging in that is not supported")
        }
        _ => (ErrorKind::Unavailable, "the server answered something that is not understood"),
    }
}
