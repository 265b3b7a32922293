//! What would keep a rotation from working, as far as it can be seen without a parameter's name.

use keywheel_core::provider::Finding;

use super::{requests::NOT_FOUND, store::Shared};
use crate::{call::Call, doctor};

/// The name of no parameter.
const NOBODY: &str = "/keywheel-pending/doctor/no-such-parameter";

pub(super) async fn findings(shared: &Shared) -> Vec<Finding> {
    let call = Call::new("examine", &*shared.access.clock, None);
    let client = match shared.client(call.operation).await {
        Ok(client) => client,
        Err(error) => return vec![doctor::no_region(&error)],
    };
    let mut findings = Vec::new();
    // Where pending values are put, whatever the names of the secrets are.
    for (right, outcome) in [
        ("ssm:GetParameterHistory", {
            let request = client.get_parameter_history().name(NOBODY);
            call.look(Box::pin(request.send())).await.map(|_| ())
        }),
        ("ssm:GetParameter", {
            let request = client.get_parameter().name(NOBODY).with_decryption(true);
            call.look(Box::pin(request.send())).await.map(|_| ())
        }),
    ] {
        let Err(failure) = outcome else { continue };
        if failure.is(NOT_FOUND) {
            continue;
        }
        let finding = doctor::finding(&failure, right, "arn:aws:ssm:*:*:parameter/keywheel-pending/*");
        let is_right = failure.error.kind == keywheel_core::ErrorKind::PermissionDenied;
        findings.push(finding);
        // Whatever else is wrong is wrong for the next one, too.
        if !is_right {
            break;
        }
    }
    findings
}
