//! What a failed request means. The server's own words are never passed on: they may quote a request.

use keywheel_core::{Effect, Error, ErrorKind};
use reqwest::StatusCode;

use super::reply::{Reply, Said};
use crate::tls::is_distrust;

/// The request brought no answer.
pub(super) fn unanswered(operation: &'static str, error: &reqwest::Error) -> Error {
    if error.is_builder() {
        let message = "the request cannot be made from these settings";
        return Error::not_applied(ErrorKind::InvalidConfig, operation, message);
    }
    if error.is_connect() {
        // Refused, unknown, or given up before a byte of the request went out.
        let kind = if is_distrust(error) { ErrorKind::InvalidConfig } else { ErrorKind::Unavailable };
        return Error::not_applied(kind, operation, format!("Vault cannot be reached: {}", cause(error)));
    }
    if error.is_timeout() {
        return Error::maybe_applied(ErrorKind::TimedOut, operation, "Vault gave no answer in time");
    }
    // With TLS 1.3 a server that wants another certificate of ours says so after the handshake.
    let kind = if is_distrust(error) { ErrorKind::InvalidConfig } else { ErrorKind::Unavailable };
    Error::maybe_applied(kind, operation, format!("Vault gave no answer: {}", cause(error)))
}

/// The innermost cause, which is the system's or the TLS library's: no address, no body.
fn cause(error: &reqwest::Error) -> String {
    let mut innermost: Option<&(dyn std::error::Error + 'static)> = std::error::Error::source(error);
    while let Some(inner) = innermost.and_then(std::error::Error::source) {
        innermost = Some(inner);
    }
    innermost.map_or_else(|| "the client does not say why".to_owned(), ToString::to_string)
}

impl Reply {
    /// The error of an answer that is not the expected one.
    /// <https://developer.hashicorp.com/vault/api-docs#http-status-codes>
    pub(crate) fn refusal(&self, operation: &'static str) -> Error {
        let (kind, effect, message) = meaning(self.status, self.said());
        let error = Error { effect, ..Error::not_applied(kind, operation, message) }
            .with("status", self.status.as_u16());
        match self.retry_after {
            Some(seconds) => error.with("retry after", format_args!("{seconds} s")),
            None => error,
        }
    }
}

fn meaning(status: StatusCode, said: Said) -> (ErrorKind, Effect, &'static str) {
    use Effect::{MaybeApplied, NotApplied};
    match said {
        Said::OtherVersion => {
            return (ErrorKind::Conflict, NotApplied, "somebody else wrote at the same moment");
        }
        Said::CheckRequired => {
            return (ErrorKind::Internal, NotApplied, "a write came without check-and-set");
        }
        Said::NoToken => return (ErrorKind::Unauthenticated, NotApplied, "no token came with the request"),
        Said::BadLogin => return (ErrorKind::Unauthenticated, NotApplied, "the server refused the login"),
        Said::NoMount => {
            let message = "nothing is mounted there: check `mount` and `namespace` (`vault secrets list`)";
            return (ErrorKind::InvalidConfig, NotApplied, message);
        }
        Said::Sealed => {
            return (ErrorKind::Unavailable, NotApplied, "Vault is sealed: `vault operator unseal`");
        }
        Said::NoSuchName => {
            let message = "the engine has nothing of that name: check `identity` and `mount`";
            return (ErrorKind::InvalidConfig, NotApplied, message);
        }
        Said::TooOld => {
            return (ErrorKind::Rejected, NotApplied, "the key refuses this version by now");
        }
        Said::Upgrading => {
            return (ErrorKind::Unavailable, NotApplied, "the mount is just being made version 2");
        }
        Said::Other => {}
    }
    match status.as_u16() {
        401 => (ErrorKind::Unauthenticated, NotApplied, "the server refused the token"),
        403 => (ErrorKind::PermissionDenied, NotApplied, "the token's policies do not allow this"),
        // Vault says that nothing is mounted, or that a version is not there; who says neither is a gateway before it, or
        // another server. What is there must not be taken for absent because of that.
        404 => (
            ErrorKind::Unavailable,
            NotApplied,
            "this is not how Vault says that something is not there: check `address`, and what is before it",
        ),
        405 => (ErrorKind::Unsupported, NotApplied, "this server is too old for the request"),
        408 => (ErrorKind::Unavailable, MaybeApplied, "it did not get the request in time"),
        412 => (ErrorKind::Unavailable, NotApplied, "this node has not seen the latest writes yet"),
        413 => (ErrorKind::InvalidValue, NotApplied, "the document is larger than the server takes"),
        429 => (ErrorKind::RateLimited, NotApplied, "it asks to be called later"),
        472 | 473 => (ErrorKind::Unavailable, NotApplied, "this node is a standby, and does not serve this"),
        300..400 => (
            ErrorKind::Unavailable,
            NotApplied,
            "this node is a standby, and where it points to is no active node that can be asked",
        ),
        400..500 => (
            ErrorKind::InvalidConfig,
            NotApplied,
            "the server refused the request; its audit log (`vault audit`) has it",
        ),
        // A server that fails, or a gateway before it, may have worked on the request all the same.
        500..600 => (ErrorKind::Unavailable, MaybeApplied, "the server failed: see its log"),
        _ => (ErrorKind::Unsupported, MaybeApplied, "this is no answer of Vault's API"),
    }
}
