//! Looks at the world before a plan is made: the journal for everyone, the stores of those alone that may be due.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use jiff::Timestamp;
use keywheel_core::{
    Error, ErrorKind, Fingerprint, Fingerprinter, Result, RotationId, SecretName,
    inventory::{Inventory, SecretEntry},
    journal::{Journal, LastRotation},
    plan::{Observed, ProvidedSeen, Selection, StoreSeen, candidates},
    rotation::{History, Outcome, Record, Source, StoreIndex},
};
use tokio::task::JoinSet;

use crate::{engine::Engine, finished::finished, provided};

/// Stores are looked at this many at once: enough to hide their latency, few enough to be polite.
const LOOKS_AT_ONCE: usize = 64;

/// Folds the records of every unfinished rotation.
///
/// # Errors
/// When the journal cannot be read, or holds records that cannot follow one another.
pub(crate) async fn unfinished(journal: &dyn Journal) -> Result<BTreeMap<SecretName, History>> {
    let mut unfinished = BTreeMap::new();
    for records in journal.unfinished().await? {
        if let Some(history) = fold(&records)? {
            unfinished.insert(history.spec().secret.clone(), history);
        }
    }
    Ok(unfinished)
}

/// Folds the records of one rotation.
pub(crate) fn fold(records: &[Record]) -> Result<Option<History>> {
    History::replay(records)
        .map_err(|illegal| Error::not_applied(ErrorKind::Corrupt, "read journal", illegal.to_string()))
}

/// Everything that a plan for `selection` needs to know.
///
/// # Errors
/// When the journal cannot be read. A store that cannot be read is an observation, not an error.
pub async fn observe(engine: &Arc<Engine>, selection: &Selection, now: Timestamp) -> Result<Observed> {
    let inventory = &engine.inventory;
    let mut observed = Observed {
        unfinished: unfinished(engine.journal.as_ref()).await?,
        last: engine
            .journal
            .last_rotations()
            .await?
            .into_iter()
            .map(|last| (last.secret.clone(), last))
            .collect(),
        ..Observed::default()
    };
    let mut looks = JoinSet::new();
    for position in candidates(inventory, &observed, selection, now) {
        if looks.len() >= LOOKS_AT_ONCE {
            settle(&mut observed, looks.join_next().await);
        }
        let engine = Arc::clone(engine);
        looks.spawn(async move { look(&engine, position).await });
    }
    while let Some(look) = looks.join_next().await {
        settle(&mut observed, Some(look));
    }
    for secret in observed.provided.keys() {
        if let Some(fingerprint) = given_back(engine, observed.last.get(secret)).await? {
            observed.given_back.insert(secret.clone(), fingerprint);
        }
    }
    observed.finished = ended(engine.journal.as_ref(), &observed.stores).await?;
    Ok(observed)
}

/// Of the rotations whose marks were seen, those that this journal knows to have ended.
async fn ended(
    journal: &dyn Journal,
    stores: &BTreeMap<SecretName, Vec<StoreSeen>>,
) -> Result<BTreeSet<RotationId>> {
    let mut ended = BTreeSet::new();
    for (secret, seen) in stores {
        for seen in seen {
            let StoreSeen::Versions(versions) = seen else { continue };
            for (_, mark) in versions.under_way() {
                if finished(journal, secret, mark.rotation).await?.is_some() {
                    ended.insert(mark.rotation);
                }
            }
        }
    }
    Ok(ended)
}

/// The value that the last rotation took up and gave back.
async fn given_back(engine: &Engine, last: Option<&LastRotation>) -> Result<Option<Fingerprint>> {
    let Some(last) = last.filter(|last| last.outcome == Outcome::RolledBack) else { return Ok(None) };
    let history = fold(&engine.journal.records(last.rotation).await?)?;
    Ok(history.and_then(|history| Some(history.facts.new.get(&StoreIndex::PRIMARY)?.fingerprint)))
}

struct Look {
    secret: SecretName,
    stores: Vec<StoreSeen>,
    cautions: Vec<String>,
    provided: Option<ProvidedSeen>,
}

fn settle(observed: &mut Observed, look: Option<std::result::Result<Look, tokio::task::JoinError>>) {
    let Some(look) = look else { return };
    let look = look.unwrap_or_else(|error| std::panic::resume_unwind(error.into_panic()));
    observed.stores.insert(look.secret.clone(), look.stores);
    observed.cautions.insert(look.secret.clone(), look.cautions);
    if let Some(provided) = look.provided {
        observed.provided.insert(look.secret, provided);
    }
}

async fn look(engine: &Engine, position: usize) -> Look {
    let entry = &engine.inventory.secrets[position];
    let fingerprinter = engine.keys.fingerprinter(entry.fingerprint);
    let stores = look_at_stores(engine, entry, &fingerprinter).await;
    let cautions = cautions_of_stores(engine, entry, &fingerprinter, &stores).await;
    let provided = (entry.source == Source::Provided).then(|| provided_seen(engine, entry, &fingerprinter));
    Look { secret: entry.name.clone(), stores, cautions, provided }
}

/// What the stores that answered say of their limits.
async fn cautions_of_stores(
    engine: &Engine,
    entry: &SecretEntry,
    fingerprinter: &Fingerprinter,
    seen: &[StoreSeen],
) -> Vec<String> {
    let mut words = Vec::new();
    for (place, seen) in entry.stores.iter().zip(seen) {
        let StoreSeen::Versions(_) = seen else { continue };
        let cautions = match engine.looking().secret(place, fingerprinter.clone()) {
            Ok(secret) => secret.cautions().await,
            Err(error) => Err(error),
        };
        match cautions {
            Ok(cautions) => {
                words.extend(cautions.into_iter().map(|caution| format!("{}: {caution}", place.store)));
            }
            Err(error) => words.push(format!("{}: its limits cannot be read: {error}", place.store)),
        }
    }
    words
}

pub(crate) async fn look_at_stores(
    engine: &Engine,
    entry: &SecretEntry,
    fingerprinter: &Fingerprinter,
) -> Vec<StoreSeen> {
    let mut seen = Vec::with_capacity(entry.stores.len());
    for place in &*entry.stores {
        let versions = match engine.looking().secret(place, fingerprinter.clone()) {
            Ok(secret) => secret.versions().await,
            Err(error) => Err(error),
        };
        seen.push(match versions {
            Ok(versions) => StoreSeen::Versions(versions),
            Err(error) => StoreSeen::Failed { kind: error.kind, message: error.to_string() },
        });
    }
    seen
}

fn provided_seen(engine: &Engine, entry: &SecretEntry, fingerprinter: &Fingerprinter) -> ProvidedSeen {
    match provided::read(entry, &engine.inventory.base, engine.provided.as_ref(), &engine.stdin) {
        Ok(Ok(value)) => ProvidedSeen::Ready(fingerprinter.of(&value)),
        Ok(Err(hint)) => ProvidedSeen::Missing(hint),
        Err(error) => ProvidedSeen::Missing(error.to_string()),
    }
}

/// The inventory's entry, or words that say why the rotation of it cannot go on.
pub(crate) fn entry<'a>(inventory: &'a Inventory, secret: &SecretName) -> Result<&'a SecretEntry> {
    inventory.secret(secret).ok_or_else(|| {
        Error::not_applied(
            ErrorKind::InvalidConfig,
            "find secret",
            format!(
                "the inventory has no secret `{secret}`; put its entry back, then `keywheel resume {secret}`"
            ),
        )
    })
}
