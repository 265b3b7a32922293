//! What a failed request means. The server's own words are never passed on: they may quote a request.

use std::io;

use keywheel_core::{Effect, Error, ErrorKind};
use redis::RedisError;

/// The error of `operation`. `effect` is the caller's knowledge if the server did not answer; what it answered with an
/// error it did not do.
pub(crate) fn classify(operation: &'static str, effect: Effect, error: &RedisError) -> Error {
    if let Some(code) = error.code() {
        return refused(operation, code, error.detail().unwrap_or_default());
    }
    let failed = |kind, message: &str| Error { effect, ..Error::not_applied(kind, operation, message) };
    let Some(io) = io_error(error) else {
        return failed(
            ErrorKind::Unavailable,
            "the connection ended, or what answers does not speak Redis's protocol",
        );
    };
    from_io(operation, effect, io)
}

/// A connection that broke, or was never made.
pub(super) fn from_io(operation: &'static str, effect: Effect, error: &io::Error) -> Error {
    let failed = |kind, message: String| Error { effect, ..Error::not_applied(kind, operation, message) };
    if let Some(tls) = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()) {
        return failed(ErrorKind::InvalidConfig, format!("TLS could not be agreed on: {tls}"));
    }
    let kind =
        if error.kind() == io::ErrorKind::TimedOut { ErrorKind::TimedOut } else { ErrorKind::Unavailable };
    failed(kind, format!("no connection to the server: {error}"))
}

/// The server answered with an error: nothing was done.
fn refused(operation: &'static str, code: &str, words: &str) -> Error {
    let (kind, message) = match code {
        "NOPERM" => (ErrorKind::PermissionDenied, "the login lacks a right; `keywheel doctor` names it"),
        "WRONGPASS" | "NOAUTH" => (ErrorKind::Unauthenticated, "the server refused the login"),
        "LOADING" => (ErrorKind::Unavailable, "the server is still loading its data"),
        "MASTERDOWN" => (ErrorKind::Unavailable, "this is a replica that has lost its master"),
        "BUSY" | "TRYAGAIN" | "CLUSTERDOWN" | "OOM" | "MISCONF" => {
            (ErrorKind::Unavailable, "the server cannot do this now")
        }
        "READONLY" => (ErrorKind::InvalidConfig, "this is a replica: name the master"),
        "DENIED" => (
            ErrorKind::InvalidConfig,
            "the server is in protected mode and takes connections from its own machine only",
        ),
        "ERR" if words.starts_with("max number of clients") => {
            (ErrorKind::Unavailable, "the server has as many clients as it allows")
        }
        "ERR" if words.starts_with("unknown command") || words.starts_with("unknown subcommand") => (
            ErrorKind::Unsupported,
            "the server does not know this command: Redis 6 or newer is needed, with it enabled",
        ),
        "ERR" if words.starts_with("wrong number of arguments for 'auth'") => {
            (ErrorKind::Unsupported, "the server has no users: Redis 6 or newer is needed")
        }
        _ => (ErrorKind::Internal, "the server refused the request"),
    };
    Error::not_applied(kind, operation, message).with("code", code)
}

fn io_error(error: &RedisError) -> Option<&io::Error> {
    std::error::Error::source(error).and_then(|source| {
        // The library keeps it behind an `Arc`.
        source.downcast_ref::<io::Error>().or_else(|| {
            source.downcast_ref::<std::sync::Arc<dyn std::error::Error + Send + Sync>>()?.downcast_ref()
        })
    })
}
