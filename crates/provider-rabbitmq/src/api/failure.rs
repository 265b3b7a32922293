//! What a failed request means. The server's own words are never passed on: they may quote a request.

use keywheel_core::{Effect, Error, ErrorKind};
use reqwest::StatusCode;

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
        let message = format!("the management API cannot be reached: {}", cause(error));
        return Error::not_applied(kind, operation, message);
    }
    if error.is_timeout() {
        let message = "the management API gave no answer in time";
        return Error::maybe_applied(ErrorKind::TimedOut, operation, message);
    }
    let message = format!("the management API gave no answer: {}", cause(error));
    Error::maybe_applied(ErrorKind::Unavailable, operation, message)
}

/// The innermost cause, which is the system's or the TLS library's: no address, no body.
fn cause(error: &reqwest::Error) -> String {
    let mut innermost: Option<&(dyn std::error::Error + 'static)> = std::error::Error::source(error);
    while let Some(inner) = innermost.and_then(std::error::Error::source) {
        innermost = Some(inner);
    }
    innermost.map_or_else(|| "the client does not say why".to_owned(), ToString::to_string)
}

/// The answer is not the expected one.
pub(super) fn refused(operation: &'static str, status: StatusCode) -> Error {
    use Effect::{MaybeApplied, NotApplied};
    let (kind, effect, message) = match status {
        StatusCode::UNAUTHORIZED => (
            ErrorKind::Unauthenticated,
            NotApplied,
            "the server refused the administrator's login, or it lacks the tag `administrator`; `keywheel doctor` \
             tells which",
        ),
        StatusCode::FORBIDDEN => {
            (ErrorKind::PermissionDenied, NotApplied, "the administrator may not do this")
        }
        StatusCode::NOT_FOUND => (ErrorKind::NotFound, NotApplied, "there is no such thing on this server"),
        StatusCode::TOO_MANY_REQUESTS => (ErrorKind::RateLimited, NotApplied, "it asks to be called later"),
        StatusCode::REQUEST_TIMEOUT => {
            (ErrorKind::Unavailable, MaybeApplied, "it did not get the request in time")
        }
        // A server that fails, or a gateway before it, may have worked on the request all the same.
        status if status.is_server_error() => {
            (ErrorKind::Unavailable, MaybeApplied, "the server failed: see its log")
        }
        status if status.is_redirection() => (
            ErrorKind::InvalidConfig,
            NotApplied,
            "something else than RabbitMQ's management API answers: check `host`, `port` and `tls`",
        ),
        status if status.is_client_error() => (
            ErrorKind::Conflict,
            NotApplied,
            "the server refused the change: a user or virtual host that it names may be gone",
        ),
        _ => (ErrorKind::Unsupported, MaybeApplied, "this is no answer of RabbitMQ's management API"),
    };
    Error { effect, ..Error::not_applied(kind, operation, message) }.with("status", status.as_u16())
}
