//! What could go wrong with a rotation, told before it begins.

use crate::{
    inventory::{Inventory, SecretEntry},
    plan::{observed::StoreSeen, select::Options},
    rotation::{ConsumerSpec, Flow, RotationSpec, TargetSpec},
    rotator::Strategy,
    secret::Stage,
};

pub(super) fn of(
    inventory: &Inventory,
    entry: &SecretEntry,
    spec: &RotationSpec,
    seen: &[StoreSeen],
    options: Options,
) -> Vec<String> {
    let mut warnings = Vec::new();
    warnings.extend(spec.target.iter().flat_map(at_the_target));
    if spec.stores.len() > 1 {
        let names: Vec<_> = spec.stores.iter().map(|store| store.store.as_str()).collect();
        warnings.push(format!("the stores change one after another: {}", names.join(", then ")));
    }
    if options.no_notify && !entry.consumers.is_empty() {
        warnings.push(
            "no consumer is told or watched, because you asked for that: see to it yourself".to_owned(),
        );
    } else if spec.consumers.is_empty() {
        warnings.push(
            "no consumer is declared: nobody is told, and the old value goes when the overlap is over"
                .to_owned(),
        );
    }
    for ConsumerSpec { name, .. } in &spec.consumers {
        let Some(consumer) = inventory.consumers.get(name).map(|declared| &declared.consumer) else {
            continue;
        };
        if consumer.notifier().wants_value() {
            warnings.push(format!("{name} is handed the value itself ({})", consumer.describe()));
        }
        if let Some(reason) = consumer.trusted() {
            warnings.push(format!("nothing shows whether {name} moved; the inventory says: {reason}"));
        }
    }
    if spec.overlap.is_zero() {
        warnings.push(match spec.flow {
            Flow::SigningKey => {
                "no overlap: whatever was signed with the old key is refused at once".to_owned()
            }
            Flow::Credential => {
                "no overlap: the old value goes as soon as the consumers have moved, and with it the \
                                 way back"
                    .to_owned()
            }
        });
    }
    warnings.extend(drift(spec, seen));
    warnings
}

/// What the target's own way of changing does to those who use it.
fn at_the_target(target: &TargetSpec) -> Vec<String> {
    let name = &target.rotator;
    let mut warnings = Vec::new();
    match target.strategy {
        Strategy::InPlace => warnings.push(format!(
            "{name} knows one password at a time: from `apply` to `promote` (and until each consumer has reloaded) \
             logins with the value that consumers hold are refused"
        )),
        Strategy::Reissued => warnings.push(format!(
            "{name} makes the new value itself, in the place of the old one: from `mint` to `promote` (and until each \
             consumer has reloaded) logins with the value that consumers hold are refused, and there is no way back"
        )),
        Strategy::Versioned => warnings.push(format!(
            "{name} adds a version that stays: from `mint` on it is used by whoever asks for the latest, and what only an \
             older version can read is lost to everybody from `revoke` on"
        )),
        Strategy::Overlap | Strategy::Alternating | Strategy::Minted => {}
    }
    if !target.confirms {
        warnings
            .push(format!("nobody is told what {name} makes, so no login can show that the old one is dead"));
    }
    warnings
}

/// Stores that do not hold what the primary one holds, and stores that cannot be read.
fn drift(spec: &RotationSpec, seen: &[StoreSeen]) -> Vec<String> {
    let current = |seen: &StoreSeen| match seen {
        StoreSeen::Versions(versions) => versions.at(Stage::Current).map(|version| version.fingerprint),
        StoreSeen::Failed { .. } => None,
    };
    let Some(primary) = seen.first().and_then(current) else { return Vec::new() };
    spec.stores
        .iter()
        .zip(seen)
        .skip(1)
        .filter_map(|(store, seen)| match seen {
            StoreSeen::Failed { message, .. } => Some(format!("{} cannot be read now: {message}", store.store)),
            StoreSeen::Versions(_) => match current(seen) {
                Some(fingerprint) if fingerprint == primary => None,
                Some(fingerprint) => Some(format!(
                    "{} holds {fingerprint} while the primary store holds {primary}; both end up with the new value",
                    store.store
                )),
                None => Some(format!("{} has no value yet; it gets the new one", store.store)),
            },
        })
        .collect()
}
