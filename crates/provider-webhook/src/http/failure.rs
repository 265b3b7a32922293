//! What a failed call means: which kind, and whether the request may have arrived.

use std::error::Error as _;

use keywheel_core::{Effect, Error, ErrorKind};
use reqwest::StatusCode;

use super::{Address, Answer};

/// The call brought no answer.
pub(super) fn unanswered(operation: &'static str, address: &Address, error: &reqwest::Error) -> Error {
    let cause = cause(error);
    if error.is_builder() {
        let message = format!("the call to {address} cannot be made: {cause}");
        return Error::not_applied(ErrorKind::InvalidConfig, operation, message);
    }
    if error.is_connect() {
        // Refused, unknown, or given up before a byte of the request went out.
        let kind = if is_distrust(error) { ErrorKind::InvalidConfig } else { ErrorKind::Unavailable };
        return Error::not_applied(kind, operation, format!("{address} cannot be reached: {cause}"));
    }
    if error.is_timeout() {
        return Error::maybe_applied(
            ErrorKind::TimedOut,
            operation,
            format!("{address} gave no answer in time"),
        );
    }
    Error::maybe_applied(ErrorKind::Unavailable, operation, format!("{address} gave no answer: {cause}"))
}

/// The innermost cause, which is the system's or the TLS library's: no URL, no body.
fn cause(error: &reqwest::Error) -> String {
    let mut innermost: Option<&(dyn std::error::Error + 'static)> = error.source();
    while let Some(inner) = innermost.and_then(std::error::Error::source) {
        innermost = Some(inner);
    }
    innermost.map_or_else(|| "the client does not say why".to_owned(), ToString::to_string)
}

/// Whether the server showed a certificate that is not believed: time does not mend that.
fn is_distrust(error: &reqwest::Error) -> bool {
    let mut next: Option<&(dyn std::error::Error + 'static)> = error.source();
    while let Some(current) = next {
        if let Some(rustls::Error::InvalidCertificate(_)) = current.downcast_ref::<rustls::Error>() {
            return true;
        }
        // An I/O error hides what it was made of from `source`.
        let inner = current.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
        next = match inner {
            Some(inner) => Some(inner),
            None => current.source(),
        };
    }
    false
}

/// What an answer other than the expected one means, and what to do about it.
fn meaning(status: StatusCode) -> (ErrorKind, Effect, &'static str) {
    use Effect::{MaybeApplied, NotApplied};
    match status {
        StatusCode::UNAUTHORIZED => {
            (ErrorKind::Unauthenticated, NotApplied, "look at the credential under `token` or `headers`")
        }
        StatusCode::FORBIDDEN => (
            ErrorKind::PermissionDenied,
            NotApplied,
            "grant the credential under `token` or `headers` this call",
        ),
        StatusCode::TOO_MANY_REQUESTS => (ErrorKind::RateLimited, NotApplied, "it asks to be called later"),
        StatusCode::TOO_EARLY => (ErrorKind::Unavailable, NotApplied, "it asks to be called later"),
        StatusCode::REQUEST_TIMEOUT => {
            (ErrorKind::Unavailable, MaybeApplied, "it did not get the request in time")
        }
        // A server that fails, or a gateway before it, may have worked on the request all the same.
        status if status.is_server_error() => {
            (ErrorKind::Unavailable, MaybeApplied, "look at the server's log")
        }
        status if status.is_redirection() => (
            ErrorKind::InvalidConfig,
            NotApplied,
            "redirects are not followed: write the URL that it leads to",
        ),
        status if status.is_client_error() => {
            (ErrorKind::Rejected, NotApplied, "look at the URL, the method, and what the server expects")
        }
        _ => (
            ErrorKind::Rejected,
            MaybeApplied,
            "look at what the server answers, and at the statuses under `ok`",
        ),
    }
}

/// The error for an answer that is not the expected one. The body stays out: it may quote what was sent.
pub(crate) fn refused(operation: &'static str, address: &Address, answer: &Answer) -> Error {
    let (kind, effect, hint) = meaning(answer.status);
    let message = format!("{address} answered {}; {hint}", answer.status.as_u16());
    let error = Error { effect, ..Error::not_applied(kind, operation, message) };
    match answer.retry_after {
        Some(seconds) => error.with("retry after", format_args!("{seconds} s")),
        None => error,
    }
}
