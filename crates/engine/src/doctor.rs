//! Looks for what would make a rotation fail: settings and rights, against the world. Changes nothing.

use std::{collections::BTreeMap, sync::Arc};

use keywheel_core::{
    Identity, RotatorName, SecretName, StoreName,
    inventory::Automation,
    provider::{Entrusted, Finding, Severity, merged},
};
use serde::Serialize;

use crate::{
    engine::Engine,
    layers::{Timed, examined},
};

/// Findings about one thing.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Examined {
    /// The thing: `store app-dir`, `secret db-password`.
    pub what: String,
    /// What was found; empty when all is well.
    pub findings: Vec<Finding>,
}

impl Examined {
    fn new(what: String, findings: Vec<Finding>) -> Self {
        Self { what, findings: merged(findings) }
    }

    /// Whether a rotation would fail because of one of the findings.
    pub fn has_errors(&self) -> bool {
        self.findings.iter().any(|finding| finding.severity == Severity::Error)
    }
}

/// Checks settings and rights of every store, target, consumer and notice, before anything is rotated.
pub async fn doctor(engine: &Arc<Engine>) -> Vec<Examined> {
    let timed = Timed::new(Arc::clone(&engine.clock));
    let mut all = Vec::new();
    for (name, declared) in &engine.inventory.stores {
        let entrusted = entrusted(engine, name);
        let findings = examined(&timed, || declared.store.examine(&entrusted)).await;
        all.push(Examined::new(format!("store {name} ({})", declared.store.describe()), findings));
    }
    for (name, declared) in &engine.inventory.targets {
        for (identity, secrets) in identities(engine, name) {
            let rotator = declared.target.rotator(identity);
            let findings = examined(&timed, || rotator.examine()).await;
            let findings =
                findings.into_iter().map(|finding| finding.about(secrets.iter().copied())).collect();
            let whose = identity.map_or_else(String::new, |identity| format!(" for {identity}"));
            let what = format!("rotator {name}{whose} ({})", declared.target.describe());
            all.push(Examined::new(what, findings));
        }
    }
    for (name, declared) in &engine.inventory.consumers {
        let findings = {
            let notifier = declared.consumer.notifier();
            examined(&timed, || notifier.examine()).await
        };
        all.push(Examined::new(format!("consumer {name} ({})", declared.consumer.describe()), findings));
    }
    for (name, declared) in &engine.inventory.notices {
        let messenger = declared.channel.messenger();
        let findings = examined(&timed, || messenger.examine()).await;
        all.push(Examined::new(format!("notice {name} ({})", declared.channel.describe()), findings));
    }
    all
}

/// The secrets that the inventory keeps in a store.
fn entrusted(engine: &Engine, store: &StoreName) -> Vec<Entrusted> {
    let secrets = engine.inventory.secrets.iter();
    let kept = secrets.flat_map(|entry| entry.stores.iter().map(move |place| (entry, place)));
    kept.filter(|(_, place)| place.store == *store)
        .map(|(entry, place)| Entrusted {
            secret: entry.name.clone(),
            location: place.location.clone(),
            rotated: entry.automation != Automation::Manual && entry.frozen().is_none(),
        })
        .collect()
}

/// Whom the secrets of a target are for, each once, and which these are: rights differ from user to user. At least one.
fn identities<'a>(
    engine: &'a Engine,
    target: &RotatorName,
) -> BTreeMap<Option<&'a Identity>, Vec<&'a SecretName>> {
    let entries = engine.inventory.secrets.iter().filter(|entry| entry.target.as_ref() == Some(target));
    let mut identities: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for entry in entries {
        identities.entry(entry.identity.as_ref()).or_default().push(&entry.name);
    }
    if identities.is_empty() {
        identities.insert(None, Vec::new());
    }
    identities
}
