//! Asks IAM what the caller's policies would say to a request that is not made:
//! <https://docs.aws.amazon.com/IAM/latest/APIReference/API_SimulatePrincipalPolicy.html>.

use std::collections::BTreeMap;

use aws_sdk_iam::types::{EvaluationResult, PolicyEvaluationDecisionType};
use keywheel_core::{
    SecretName,
    provider::{Entrusted, Finding, listed},
};

use crate::{
    access::Access,
    call::Call,
    doctor,
    failure::Failure,
    writes::{Resource, Write},
};

/// How many resources one request is about. An answer has at most a thousand results, one for each action and resource.
const AT_ONCE: usize = 100;

/// The most results of one answer.
const PAGE: i32 = 1_000;

/// The caller, and where its account is.
struct Caller {
    principal: String,
    partition: String,
    account: String,
    region: String,
}

/// How a request would be refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Denial {
    /// A policy says no, whatever others say.
    Explicit,
    /// No policy of the caller says yes. One of the secret itself still could.
    Implicit,
}

/// What is denied in the same way.
#[derive(Default)]
struct Denied<'e> {
    secrets: Vec<&'e SecretName>,
    keys: Vec<&'e str>,
    resources: Vec<String>,
}

/// # Errors
/// Why it could not be found out.
pub(crate) async fn denied(
    access: &Access,
    call: &Call<'_>,
    writes: &[(&Entrusted, Write)],
) -> Result<Vec<Finding>, String> {
    let Some(caller) = caller(access, call).await? else { return Ok(Vec::new()) };
    let config = access.config(call.operation).await.map_err(|error| error.message)?;
    let mut settings = aws_sdk_iam::config::Builder::from(config);
    settings.set_endpoint_url(access.endpoint_of_all());
    let client = aws_sdk_iam::Client::from_conf(settings.build());

    let mut alike: BTreeMap<&[&str], Vec<(String, &Entrusted)>> = BTreeMap::new();
    for (entrusted, write) in writes {
        alike.entry(write.actions).or_default().push((caller.arn(&write.resource), entrusted));
    }
    let mut all: BTreeMap<(Denial, String), Denied<'_>> = BTreeMap::new();
    for (actions, resources) in alike {
        for resources in resources.chunks(AT_ONCE) {
            let of: BTreeMap<&str, &Entrusted> =
                resources.iter().map(|(arn, entrusted)| (arn.as_str(), *entrusted)).collect();
            let arns: Vec<_> = resources.iter().map(|(arn, _)| arn.clone()).collect();
            for result in results(call, &client, &caller.principal, actions, arns).await? {
                for (denial, arn) in denials(&result) {
                    let Some(Entrusted { secret, location, .. }) = of.get(arn) else { continue };
                    let denied = all.entry((denial, result.eval_action_name.clone())).or_default();
                    denied.secrets.push(secret);
                    denied.keys.push(&location.key);
                    denied.resources.push(arn.to_owned());
                }
            }
        }
    }
    Ok(all.into_iter().map(|((denial, right), denied)| denied.finding(denial, &right, &caller)).collect())
}

async fn results(
    call: &Call<'_>,
    client: &aws_sdk_iam::Client,
    principal: &str,
    actions: &[&str],
    resources: Vec<String>,
) -> Result<Vec<EvaluationResult>, String> {
    let (mut results, mut marker) = (Vec::new(), None);
    loop {
        let request = client
            .simulate_principal_policy()
            .policy_source_arn(principal)
            .set_action_names(Some(actions.iter().map(|action| (*action).to_owned()).collect()))
            .set_resource_arns(Some(resources.clone()))
            .max_items(PAGE)
            .set_marker(marker);
        let page = call.look(Box::pin(request.send())).await.map_err(|failure| {
            why(
                &failure,
                "the caller may not ask IAM for `iam:SimulatePrincipalPolicy`, or IAM does not find it",
            )
        })?;
        results.extend(page.evaluation_results.unwrap_or_default());
        marker = page.marker.filter(|_| page.is_truncated);
        if marker.is_none() {
            return Ok(results);
        }
    }
}

/// Who asks; `None` for the account itself, which may do everything.
async fn caller(access: &Access, call: &Call<'_>) -> Result<Option<Caller>, String> {
    let config = access.config(call.operation).await.map_err(|error| error.message)?;
    let mut settings = aws_sdk_sts::config::Builder::from(config);
    settings.set_endpoint_url(access.endpoint_of_sts());
    let client = aws_sdk_sts::Client::from_conf(settings.build());
    let asked = call.look(Box::pin(client.get_caller_identity().send())).await;
    let arn = asked.map_err(|failure| why(&failure, "STS does not say who asks"))?.arn.unwrap_or_default();
    let region = config.region().map(ToString::to_string).unwrap_or_default();
    let unknown = || format!("`{arn}` is neither a user nor a role");
    let parts: Vec<_> = arn.splitn(6, ':').collect();
    let [_, partition, _, _, account, who] = *parts.as_slice() else { return Err(unknown()) };
    let principal = if who == "root" {
        return Ok(None);
    } else if who.starts_with("user/") {
        arn.clone()
    } else if let Some((role, _session)) =
        who.strip_prefix("assumed-role/").and_then(|role| role.split_once('/'))
    {
        // The session's ARN leaves out the role's path, which only the settings may say.
        let named = access.role().filter(|named| named.rsplit('/').next() == Some(role));
        named.map_or_else(|| format!("arn:{partition}:iam::{account}:role/{role}"), ToOwned::to_owned)
    } else {
        return Err(unknown());
    };
    let (partition, account) = (partition.to_owned(), account.to_owned());
    Ok(Some(Caller { principal, partition, account, region }))
}

/// The service's own words are not passed on.
fn why(failure: &Failure, refused: &str) -> String {
    match failure.error.kind {
        keywheel_core::ErrorKind::PermissionDenied | keywheel_core::ErrorKind::NotFound => refused.to_owned(),
        keywheel_core::ErrorKind::Unauthenticated
        | keywheel_core::ErrorKind::Unavailable
        | keywheel_core::ErrorKind::TimedOut
        | keywheel_core::ErrorKind::RateLimited
        | keywheel_core::ErrorKind::Conflict
        | keywheel_core::ErrorKind::InvalidConfig
        | keywheel_core::ErrorKind::Unsupported
        | keywheel_core::ErrorKind::Fenced
        | keywheel_core::ErrorKind::Corrupt
        | keywheel_core::ErrorKind::InvalidValue
        | keywheel_core::ErrorKind::DeadlinePassed
        | keywheel_core::ErrorKind::Rejected
        | keywheel_core::ErrorKind::Internal => failure.error.message.clone(),
    }
}

impl Caller {
    fn arn(&self, resource: &Resource) -> String {
        let Self { partition, account, region, .. } = self;
        match resource {
            Resource::Arn(arn) => arn.clone(),
            Resource::Named(service, name) => format!("arn:{partition}:{service}:{region}:{account}:{name}"),
        }
    }
}

/// What `result` denies. A decision that hangs on a condition whose value nobody gave says nothing.
fn denials(result: &EvaluationResult) -> Vec<(Denial, &str)> {
    let mut denials = Vec::new();
    let mut judge = |decision: &PolicyEvaluationDecisionType, missing: &[String], arn| {
        let denial = match decision.as_str() {
            "explicitDeny" => Denial::Explicit,
            "implicitDeny" if missing.is_empty() => Denial::Implicit,
            _ => return,
        };
        denials.push((denial, arn));
    };
    let each = result.resource_specific_results();
    for one in each {
        judge(one.eval_resource_decision(), one.missing_context_values(), one.eval_resource_name());
    }
    if each.is_empty() {
        let arn = result.eval_resource_name().unwrap_or_default();
        judge(result.eval_decision(), result.missing_context_values(), arn);
    }
    denials
}

impl Denied<'_> {
    fn finding(self, denial: Denial, right: &str, caller: &Caller) -> Finding {
        let (keys, principal) = (listed(&self.keys), &caller.principal);
        let finding = match denial {
            Denial::Explicit => Finding::error(
                format!("a policy denies `{right}` to {principal} for {keys}"),
                "take the `Deny` back: it goes before every `Allow`",
            ),
            Denial::Implicit => Finding::warning(
                format!(
                    "no policy of {principal} allows `{right}` for {keys}; only one of the secret itself could"
                ),
                doctor::allow(&[right].into(), &doctor::resources(&self.resources)),
            ),
        };
        finding.about(self.secrets)
    }
}
