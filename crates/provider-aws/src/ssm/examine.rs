//! What would keep a rotation from working: the service, then each parameter. Only looks, and fetches no value in clear.

use aws_sdk_ssm::Client;
use keywheel_core::{
    ErrorKind,
    provider::{Entrusted, Finding},
};

use super::{
    parameter::Parameter,
    requests::{NOT_FOUND, history},
    store::{PENDING_ROOT, Shared},
};
use crate::{
    call::Call,
    doctor,
    looks::{Look, at_each},
    writes::Resource,
};

/// The name of no parameter, and of none where a value could be pending: no parameter's name begins with `ssm`.
const NOBODY: &str = "/keywheel-pending/ssm/no-such-parameter";

/// The number of no version: whoever may read a parameter is told so.
const NO_VERSION: i64 = 999_999_999;

const HISTORY: &str = "ssm:GetParameterHistory";
const READ: &str = "ssm:GetParameter";

/// What a rotation asks of the parameter, beyond looking, and of the one in which a value is pending.
const CURRENT: &[&str] = &["ssm:LabelParameterVersion", "ssm:PutParameter", "ssm:UnlabelParameterVersion"];
const PENDING: &[&str] = &["ssm:DeleteParameter", "ssm:GetParameterHistory", "ssm:PutParameter"];

pub(super) async fn findings(shared: &Shared, entrusted: &[Entrusted]) -> Vec<Finding> {
    let call = Call::new("examine", &*shared.access.clock, None);
    let client = match shared.client(call.operation).await {
        Ok(client) => client,
        Err(error) => return vec![doctor::no_region(&error)],
    };
    let mut findings = Vec::new();
    // Where pending values are put, whatever the names of the secrets are.
    if let Err(failure) = history(&call, client, NOBODY, false).await {
        findings.push(doctor::finding(&failure, HISTORY, "arn:aws:ssm:*:*:parameter/keywheel-pending/*"));
        if failure.error.kind != ErrorKind::PermissionDenied {
            // Whatever else is wrong is wrong for every parameter.
            return findings;
        }
    }
    findings.extend(
        at_each(&shared.access, &call, entrusted, |secret| look(&call, client, secret), resource).await,
    );
    findings
}

/// What a policy calls the parameter called `name`.
fn resource(name: &str) -> String {
    format!("arn:aws:ssm:*:*:parameter/{}", name.trim_start_matches('/'))
}

fn named(name: &str) -> Resource {
    Resource::Named("ssm", format!("parameter/{}", name.trim_start_matches('/')))
}

async fn look(call: &Call<'_>, client: &Client, entrusted: &Entrusted) -> Look {
    let mut look = Look::default();
    let name = &*entrusted.location.key;
    match history(call, client, name, false).await {
        // Its first value is yet to come.
        Ok(versions) if versions.is_empty() => {}
        Ok(versions) => {
            let parameter = Parameter::of(versions);
            let usable =
                if entrusted.rotated { parameter.writable(call, name) } else { parameter.readable(call) };
            if let Err(error) = usable {
                look.found(Finding::error(
                    error.message,
                    "until then a rotation is refused before anything is staged",
                ));
            }
        }
        Err(failure) => look.failed(&failure, HISTORY, &resource(name)),
    }
    let pending = format!("{PENDING_ROOT}/{}", name.trim_start_matches('/'));
    look.writes(named(name), CURRENT);
    look.writes(named(&pending), PENDING);
    let request = client.get_parameter().name(format!("{name}:{NO_VERSION}"));
    match call.look(Box::pin(request.send())).await {
        Ok(_) => {}
        Err(failure) if failure.is(NOT_FOUND) => {}
        Err(failure) => look.failed(&failure, READ, &resource(name)),
    }
    look
}
