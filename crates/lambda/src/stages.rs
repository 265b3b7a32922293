//! Whether a step may run at all: what the published functions check before anything else.

use keywheel_core::{Error, ErrorKind, Result};
use keywheel_provider_aws::RotationLabels;

const CHECK: &str = "check stages";

/// Where the version is that a step was called for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Standing<'a> {
    /// It is current: the rotation is over, and every step of it done.
    Current,
    /// It is pending, and this version is current.
    PendingAfter(&'a str),
}

/// # Errors
/// `InvalidConfig` when no rotation of the secret to this version is under way.
pub(crate) fn standing<'a>(labels: &'a RotationLabels, token: &str) -> Result<Standing<'a>> {
    let refused = |why: &str| Err(Error::not_applied(ErrorKind::InvalidConfig, CHECK, why));
    if !labels.rotation_enabled {
        return refused(
            "rotation is not turned on for the secret: turn it on with `aws secretsmanager rotate-secret`",
        );
    }
    if !labels.versions.iter().any(|version| version == token) {
        return refused(
            "the secret has no such version with a label: its rotation was given up, or the token is of another secret; \
             begin a rotation with `aws secretsmanager rotate-secret`",
        );
    }
    if labels.current.as_deref() == Some(token) {
        return Ok(Standing::Current);
    }
    if labels.pending.as_deref() != Some(token) {
        return refused(
            "the version has not the label AWSPENDING: another rotation has begun since, or this one was given up",
        );
    }
    match &labels.current {
        Some(current) => Ok(Standing::PendingAfter(current)),
        None => refused(
            "the secret has no current version: put one with `aws secretsmanager put-secret-value`, with a credential that \
             works",
        ),
    }
}
