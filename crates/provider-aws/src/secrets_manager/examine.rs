//! What would keep a rotation from working, as far as it can be seen without a secret's name.

use keywheel_core::{ErrorKind, provider::Finding};

use super::store::Shared;
use crate::call::Call;

/// The name of no secret.
const NOBODY: &str = "keywheel-doctor/no-such-secret";

pub(super) async fn findings(shared: &Shared) -> Vec<Finding> {
    let call = Call::new("examine", &*shared.access.clock, None);
    let client = match shared.client(call.operation).await {
        Ok(client) => client,
        Err(error) => {
            return vec![Finding::error(error.to_string(), "write `region` in the store's settings")];
        }
    };
    let Err(failure) = call.look(Box::pin(client.describe_secret().secret_id(NOBODY).send())).await else {
        return Vec::new();
    };
    let hint = match failure.error.kind {
        // Whoever may look at some secrets alone is refused any other.
        ErrorKind::NotFound | ErrorKind::PermissionDenied => return Vec::new(),
        ErrorKind::Unauthenticated => {
            "check `access`, and with the same environment `aws sts get-caller-identity`, and the machine's clock"
        }
        ErrorKind::Unavailable | ErrorKind::TimedOut | ErrorKind::RateLimited => {
            "check `region`, `access.endpoint` and the way to it: a proxy, a VPC endpoint"
        }
        ErrorKind::Conflict
        | ErrorKind::InvalidConfig
        | ErrorKind::Unsupported
        | ErrorKind::Fenced
        | ErrorKind::Corrupt
        | ErrorKind::InvalidValue
        | ErrorKind::DeadlinePassed
        | ErrorKind::Rejected
        | ErrorKind::Internal => "change the store's settings as it says",
    };
    vec![Finding::error(failure.error.to_string(), hint)]
}
