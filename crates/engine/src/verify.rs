//! Looks without changing: stores against each other and against targets, values against the policy.

use std::sync::Arc;

use keywheel_core::{
    Fingerprint, Result, SecretName, StoreName,
    generate::examine_provided,
    inventory::SecretEntry,
    plan::StoreSeen,
    provider::Finding,
    rotation::Source,
    rotator::{Probe, Strategy},
    secret::{Stage, Versions},
};
use serde::Serialize;

use crate::{
    doctor::Examined,
    engine::Engine,
    finished::{finished, last_identity},
    observe,
};

/// What the stores of one secret hold, and what its target says.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Verified {
    /// The secret.
    pub secret: SecretName,
    /// Store by store: the fingerprint that is current there, if any.
    pub stores: Vec<(StoreName, Option<Fingerprint>)>,
    /// Whether a login at the target works with the current value; absent without a target.
    pub accepted: Option<bool>,
    /// What is wrong.
    pub problems: Vec<String>,
}

/// Compares the stores of each of `names` with one another and asks their targets.
///
/// # Errors
/// When the journal or the audit cannot be written: reads of values are audited.
pub async fn verify(engine: &Arc<Engine>, names: &[SecretName]) -> Result<Vec<Verified>> {
    let mut verified = Vec::with_capacity(names.len());
    for name in names {
        verified.push(verify_one(engine, observe::entry(&engine.inventory, name)?).await?);
    }
    Ok(verified)
}

async fn verify_one(engine: &Arc<Engine>, entry: &SecretEntry) -> Result<Verified> {
    let fingerprinter = engine.keys.fingerprinter(entry.fingerprint);
    let seen = observe::look_at_stores(engine, entry, &fingerprinter).await;
    let unfinished = observe::fold(&engine.journal.unfinished_of(&entry.name).await?)?.is_some();
    let mut verified =
        Verified { secret: entry.name.clone(), stores: Vec::new(), accepted: None, problems: Vec::new() };
    for (place, seen) in entry.stores.iter().zip(&seen) {
        match seen {
            StoreSeen::Versions(versions) => {
                let current = versions.at(Stage::Current).map(|version| version.fingerprint);
                if current.is_none() {
                    verified.problems.push(format!("{} has no value", place.store));
                }
                if !unfinished {
                    verified.problems.extend(leftovers(engine, entry, &place.store, versions).await?);
                }
                verified.stores.push((place.store.clone(), current));
            }
            StoreSeen::Failed { message, .. } => {
                verified.problems.push(format!("{} cannot be read: {message}", place.store));
                verified.stores.push((place.store.clone(), None));
            }
        }
    }
    let mut held = verified.stores.iter().filter_map(|(_, fingerprint)| *fingerprint);
    if let Some(first) = held.next()
        && held.any(|other| other != first)
    {
        verified.problems.push("the stores hold different values".to_owned());
    }
    ask_target(engine, entry, &seen, &mut verified).await?;
    Ok(verified)
}

/// Staged versions that no unfinished rotation of this journal accounts for.
async fn leftovers(
    engine: &Engine,
    entry: &SecretEntry,
    store: &StoreName,
    versions: &Versions,
) -> Result<Vec<String>> {
    let mut words = Vec::new();
    for (version, mark) in versions.under_way() {
        let known = finished(engine.journal.as_ref(), &entry.name, mark.rotation).await?.is_some();
        let what_of_it = if known {
            "which has finished: the next rotation drops it"
        } else {
            "which this journal does not know"
        };
        words.push(format!(
            "{store} holds a {} version of rotation {} by {}, {what_of_it}",
            version.stage, mark.rotation, mark.initiator
        ));
    }
    Ok(words)
}

async fn ask_target(
    engine: &Arc<Engine>,
    entry: &SecretEntry,
    seen: &[StoreSeen],
    verified: &mut Verified,
) -> Result<()> {
    let Some(rotator) = &entry.target else { return Ok(()) };
    let Some(StoreSeen::Versions(versions)) = seen.first() else { return Ok(()) };
    let Some(current) = versions.at(Stage::Current) else { return Ok(()) };
    let looking = engine.looking();
    let secret = looking.secret(&entry.stores[0], engine.keys.fingerprinter(entry.fingerprint))?;
    let value = match secret.read(Stage::Current).await {
        Ok(value) => value,
        Err(error) => {
            verified.problems.push(error.to_string());
            return Ok(());
        }
    };
    let why = "verify against the target";
    engine
        .audit
        .append_read(engine.journal.as_ref(), &entry.name, why, &engine.initiator, Some(current.fingerprint))
        .await?;
    let last = match &current.identity {
        Some(identity) => Some(identity.clone()),
        None => last_identity(engine.journal.as_ref(), &entry.name, current.fingerprint).await?,
    };
    let identity = last.as_ref().or(entry.identity.as_ref());
    let presented = match entry.layout.present(&value, identity) {
        Ok(presented) => presented,
        Err(error) => {
            verified.problems.push(error.to_string());
            return Ok(());
        }
    };
    let target = looking.rotator(rotator, entry.login.as_ref(), entry.identity.as_ref())?;
    match target.probe(presented.lend()).await {
        Ok(Probe::Accepted) => verified.accepted = Some(true),
        Ok(Probe::Rejected) => {
            verified.accepted = Some(false);
            let whose = entry.login.as_ref().unwrap_or(rotator);
            verified.problems.push(format!("{whose} refuses a login with the current value"));
        }
        Err(error) => verified.problems.push(format!("{rotator} could not be asked: {error}")),
    }
    Ok(())
}

/// Holds the current values of `names` against the policy. Nothing of a value is in a finding.
///
/// # Errors
/// When the journal or the audit cannot be written: reads of values are audited.
pub async fn check_values(engine: &Arc<Engine>, names: &[SecretName]) -> Result<Vec<Examined>> {
    let mut checked = Vec::with_capacity(names.len());
    for name in names {
        let entry = observe::entry(&engine.inventory, name)?;
        let mut findings = Vec::new();
        for place in &*entry.stores {
            findings.extend(check_value(engine, entry, place).await?);
        }
        checked.push(Examined { what: format!("secret {name}"), findings });
    }
    Ok(checked)
}

async fn check_value(
    engine: &Arc<Engine>,
    entry: &SecretEntry,
    place: &keywheel_core::rotation::StoreRef,
) -> Result<Vec<Finding>> {
    let fingerprinter = engine.keys.fingerprinter(entry.fingerprint);
    let secret = engine.looking().secret(place, fingerprinter.clone())?;
    let value = match secret.read(Stage::Current).await {
        Ok(value) => value,
        Err(error) if error.kind == keywheel_core::ErrorKind::NotFound => {
            let hint = format!("`keywheel rotate {}` creates one", entry.name);
            return Ok(vec![Finding::warning(format!("{}: no value yet", place.store), hint)]);
        }
        Err(error) => return Ok(vec![Finding::error(error.to_string(), "`keywheel doctor` tells more")]),
    };
    let fingerprint = fingerprinter.of(&value);
    engine
        .audit
        .append_read(
            engine.journal.as_ref(),
            &entry.name,
            "check against the policy",
            &engine.initiator,
            Some(fingerprint),
        )
        .await?;
    let presented = match entry.layout.present(&value, None) {
        Ok(presented) => presented.secret,
        Err(error) => {
            let hint = "put a document there, or remove `layout:`";
            return Ok(vec![Finding::error(format!("{}: {error}", place.store), hint)]);
        }
    };
    let versioned = entry.target.as_ref().is_some_and(|target| {
        let declared = engine.inventory.targets.get(target);
        declared.is_some_and(|declared| declared.target.strategy() == Strategy::Versioned)
    });
    if versioned {
        // The number of a version is no secret.
        return Ok(Vec::new());
    }
    let weaknesses = match &entry.source {
        Source::Generated(recipe) => recipe.examine(&presented),
        Source::Provided | Source::Minted => examine_provided(&presented),
    };
    let hint = match entry.source {
        Source::Generated(_) | Source::Minted => format!("`keywheel rotate {}` replaces it", entry.name),
        Source::Provided => "have a new one issued, and provide it".to_owned(),
    };
    Ok(weaknesses
        .into_iter()
        .map(|weakness| {
            let message = format!("{}: {weakness}", place.store);
            // What anybody could guess is no secret at all; the rest is merely not what the policy asks for.
            if weakness.is_guessable() {
                Finding::error(message, hint.clone())
            } else {
                Finding::warning(message, hint.clone())
            }
        })
        .collect())
}
