//! What would keep a rotation from working, as far as it can be seen without a secret's name.

use keywheel_core::{ErrorKind, provider::Finding};

use super::store::Shared;
use crate::{call::Call, doctor};

/// The name of no secret.
const NOBODY: &str = "keywheel-doctor/no-such-secret";

pub(super) async fn findings(shared: &Shared) -> Vec<Finding> {
    let call = Call::new("examine", &*shared.access.clock, None);
    let client = match shared.client(call.operation).await {
        Ok(client) => client,
        Err(error) => return vec![doctor::no_region(&error)],
    };
    let Err(failure) = call.look(Box::pin(client.describe_secret().secret_id(NOBODY).send())).await else {
        return Vec::new();
    };
    match failure.error.kind {
        // Whoever may look at some secrets alone is refused any other.
        ErrorKind::NotFound | ErrorKind::PermissionDenied => Vec::new(),
        ErrorKind::Unauthenticated
        | ErrorKind::Unavailable
        | ErrorKind::TimedOut
        | ErrorKind::RateLimited
        | ErrorKind::Conflict
        | ErrorKind::InvalidConfig
        | ErrorKind::Unsupported
        | ErrorKind::Fenced
        | ErrorKind::Corrupt
        | ErrorKind::InvalidValue
        | ErrorKind::DeadlinePassed
        | ErrorKind::Rejected
        | ErrorKind::Internal => vec![doctor::finding(&failure, "secretsmanager:DescribeSecret", "*")],
    }
}
