//! Whether the caller may write: nothing but a write shows it for certain, and `doctor` writes nothing. IAM's simulation knows
//! the caller's own policies, and only those (ADR 20).

use keywheel_core::{
    SecretName,
    provider::{Entrusted, Finding},
};

use crate::{access::Access, call::Call};

/// What a rotation does with one resource, beyond what a look has shown already.
#[cfg_attr(not(feature = "iam"), expect(dead_code, reason = "only IAM is asked about resources"))]
pub(crate) struct Write {
    /// Its ARN, or what stands behind account and region in it, where nothing is there yet.
    pub(crate) resource: Resource,
    pub(crate) actions: &'static [&'static str],
}

/// What a policy calls something.
#[cfg_attr(not(feature = "iam"), expect(dead_code, reason = "only IAM is asked about resources"))]
pub(crate) enum Resource {
    /// All of it.
    Arn(String),
    /// `service` and the last part of it.
    Named(&'static str, String),
}

/// What is denied of `writes`, or that it could not be found out.
#[cfg(feature = "iam")]
pub(crate) async fn denied(access: &Access, call: &Call<'_>, writes: &[(&Entrusted, Write)]) -> Vec<Finding> {
    if writes.is_empty() {
        return Vec::new();
    }
    let outcome = crate::simulate::denied(access, call, writes).await;
    outcome.unwrap_or_else(|why: String| vec![unknown(&why, writes)])
}

/// That it could not be found out.
#[cfg(not(feature = "iam"))]
#[expect(clippy::unused_async, reason = "asked as where there is somebody to ask")]
pub(crate) async fn denied(_: &Access, _: &Call<'_>, writes: &[(&Entrusted, Write)]) -> Vec<Finding> {
    if writes.is_empty() {
        return Vec::new();
    }
    vec![unknown("this keywheel was built without `aws-iam`", writes)]
}

fn unknown(why: &str, writes: &[(&Entrusted, Write)]) -> Finding {
    let mut actions: Vec<_> = writes.iter().flat_map(|(_, write)| write.actions).collect();
    actions.sort();
    actions.dedup();
    let actions: Vec<_> = actions.into_iter().map(|action| format!("`{action}`")).collect();
    let secrets: Vec<&SecretName> = writes.iter().map(|(entrusted, _)| &entrusted.secret).collect();
    Finding::warning(
        format!("whether the caller has {} could not be checked: {why}", actions.join(", ")),
        "allow `iam:SimulatePrincipalPolicy` for the caller itself, or rotate one secret first that nobody needs",
    )
    .about(secrets)
}
