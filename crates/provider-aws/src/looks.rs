//! A look at each secret that a store is to keep, and what of it is wrong with several in the same way.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use futures::{StreamExt, stream};
use keywheel_core::{
    ErrorKind, SecretName,
    provider::{Entrusted, Finding, listed},
};

use crate::{
    access::Access,
    call::Call,
    doctor,
    failure::Failure,
    writes::{self, Resource, Write},
};

/// How many requests are under way at once. Parameter Store takes 40 in a second unless more is paid for:
/// <https://docs.aws.amazon.com/general/latest/gr/ssm.html>.
const AT_ONCE: usize = 8;

/// Within this the looks are begun; the engine gives an examination 30 seconds.
const TIME: Duration = Duration::from_secs(20);

/// What one look found.
#[derive(Default)]
pub(crate) struct Look {
    /// What is wrong with this secret.
    findings: Vec<Finding>,
    /// Rights that were refused.
    refused: Vec<&'static str>,
    /// Why it could not be looked at.
    unseen: Option<String>,
    /// What a rotation would write.
    writes: Vec<Write>,
}

impl Look {
    pub(crate) fn found(&mut self, finding: Finding) {
        self.findings.push(finding);
    }

    /// A rotation does `actions` with `resource`.
    pub(crate) fn writes(&mut self, resource: Resource, actions: &'static [&'static str]) {
        self.writes.push(Write { resource, actions });
    }

    /// Takes note of a request that failed: `right` is what it needs.
    pub(crate) fn failed(&mut self, failure: &Failure, right: &'static str, resource: &str) {
        match failure.error.kind {
            ErrorKind::PermissionDenied => self.refused.push(right),
            kind if kind.is_transient() => self.unseen = Some(failure.error.message.clone()),
            ErrorKind::NotFound
            | ErrorKind::Unauthenticated
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
            | ErrorKind::Internal => self.findings.push(doctor::finding(failure, right, resource)),
        }
    }
}

/// Looks at each of `entrusted`, several at a time, and then whether what was found could be written. `resource` is what a
/// policy calls the one at a key.
pub(crate) async fn at_each<'e, F>(
    access: &Access,
    call: &Call<'_>,
    entrusted: &'e [Entrusted],
    look: impl Fn(&'e Entrusted) -> F,
    resource: impl Fn(&str) -> String,
) -> Vec<Finding>
where
    F: Future<Output = Look>,
{
    let clock = &*access.clock;
    let until = clock.running() + TIME;
    let looks: Vec<_> = entrusted
        .iter()
        .map(|secret| {
            let look = look(secret);
            async move {
                if clock.running() > until {
                    let late = Some("there was no time left for it".to_owned());
                    return (secret, Look { unseen: late, ..Look::default() });
                }
                (secret, look.await)
            }
        })
        .collect();
    let looks: Vec<_> = stream::iter(looks).buffered(AT_ONCE).collect().await;
    let (mut findings, mut refused, mut unseen) = (Vec::new(), Refused::default(), BTreeMap::new());
    let mut writes = Vec::new();
    for (entrusted, look) in looks {
        let Entrusted { secret, location, .. } = entrusted;
        // One that is only read is not written, and what is amiss already comes first.
        if entrusted.rotated && look.unseen.is_none() {
            writes.extend(look.writes.into_iter().map(|write| (entrusted, write)));
        }
        findings.extend(look.findings.into_iter().map(|finding| finding.about([secret])));
        refused.add(secret, &location.key, resource(&location.key), look.refused);
        if let Some(why) = look.unseen {
            unseen.entry(why).or_insert_with(Vec::new).push(secret);
        }
    }
    findings.extend(refused.findings());
    findings.extend(unseen.into_iter().map(|(why, secrets)| {
        let message =
            format!("{} of {} secrets could not be looked at: {why}", secrets.len(), entrusted.len());
        Finding::warning(message, "run `doctor` again when less is asked of the service").about(secrets)
    }));
    findings.extend(writes::denied(access, call, &writes).await);
    findings
}

/// Rights that are missing, each set of them once.
#[derive(Default)]
pub(crate) struct Refused<'e>(BTreeMap<BTreeSet<&'static str>, Lacking<'e>>);

/// What lacks the same.
#[derive(Default)]
struct Lacking<'e> {
    secrets: Vec<&'e SecretName>,
    keys: Vec<String>,
    resources: Vec<String>,
}

impl<'e> Refused<'e> {
    pub(crate) fn add(
        &mut self,
        secret: &'e SecretName,
        key: &str,
        resource: String,
        rights: impl IntoIterator<Item = &'static str>,
    ) {
        let rights: BTreeSet<_> = rights.into_iter().collect();
        if rights.is_empty() {
            return;
        }
        let lacking = self.0.entry(rights).or_default();
        lacking.secrets.push(secret);
        lacking.keys.push(key.to_owned());
        lacking.resources.push(resource);
    }

    pub(crate) fn findings(self) -> Vec<Finding> {
        self.0.into_iter().map(|(rights, lacking)| lacking.finding(&rights)).collect()
    }
}

impl Lacking<'_> {
    fn finding(self, rights: &BTreeSet<&'static str>) -> Finding {
        let (noun, verb) = if rights.len() == 1 { ("right", "is") } else { ("rights", "are") };
        let names: Vec<_> = rights.iter().map(|right| format!("`{right}`")).collect();
        let message = format!("the {noun} {} {verb} missing for {}", names.join(", "), listed(&self.keys));
        Finding::error(message, doctor::allow(rights, &doctor::resources(&self.resources)))
            .about(self.secrets)
    }
}
