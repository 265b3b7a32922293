//! The inventory: any bytes are read or refused, mistakes have a place, and what is accepted is consistent.

use std::{collections::HashSet, path::Path, sync::Arc};

use jiff::Timestamp;
use keywheel::table;
use keywheel_core::{
    Clock,
    inventory::{self, Inventory, SecretEntry},
    journal::LastRotation,
    plan::{Observed, Options, Selection, StoreSeen, candidates, describe, plan},
    rotation::{Outcome, Source, forward},
    secret::Versions,
    yaml::{Diagnostics, Style},
};
use keywheel_testkit::{ManualClock, SeededEntropy};

/// The file itself.
///
/// Nothing panics: reading, showing what is wrong, making a plan of what is right. Each mistake lies within the file. In
/// an accepted inventory every name leads somewhere, no place is used twice, no dependency runs in a circle, and every
/// recipe makes a value.
pub fn check(input: &[u8]) {
    let clock: Arc<dyn Clock> = Arc::new(ManualClock::at(Timestamp::UNIX_EPOCH));
    match inventory::read(Path::new("somewhere/keywheel.yaml"), input.to_vec(), &table::kinds(), &clock) {
        Ok(inventory) => consistent(&inventory),
        Err(mistakes) => placed(&mistakes),
    }
}

fn placed(mistakes: &Diagnostics) {
    assert!(mistakes.has_errors(), "refused without a reason");
    let source = mistakes.source();
    for mistake in mistakes.sorted() {
        let span =
            mistake.span().unwrap_or_else(|| panic!("a mistake without a place: {}", mistake.message()));
        assert!(
            source.text().get(span.range()).is_some(),
            "{span:?} is no part of the file: {}",
            mistake.message()
        );
        let position = source.position(span.start);
        assert!(position.line >= 1 && position.column >= 1);
        assert!(!mistake.message().is_empty());
    }
    let plain = mistakes.render(Style::Plain);
    assert!(
        plain.chars().all(|letter| letter == '\n' || !letter.is_control()),
        "the file's text could move the cursor: {plain:?}"
    );
    let _ = mistakes.render(Style::Coloured);
    serde_json::to_string(mistakes).expect("mistakes are shown as JSON");
}

fn consistent(inventory: &Inventory) {
    assert!(inventory.concurrency > 0);
    assert_eq!(inventory.index.len(), inventory.secrets.len(), "two secrets of one name");
    let mut places = HashSet::new();
    for (position, entry) in inventory.secrets.iter().enumerate() {
        assert_eq!(inventory.index.get(&entry.name), Some(&position));
        leads_somewhere(inventory, entry);
        for store in &entry.stores {
            let location = &store.location;
            for place in [Some(&location.key), location.next.as_ref(), location.previous.as_ref()]
                .into_iter()
                .flatten()
            {
                assert!(places.insert((store.store.clone(), place.clone())), "{place} is used twice");
            }
        }
        if let Source::Generated(recipe) = &entry.source {
            assert!(recipe.validate().is_empty());
            if !matches!(recipe, keywheel_core::generate::Recipe::KeyPair(_)) {
                recipe.generate(&SeededEntropy::new(1)).expect("an accepted recipe makes a value");
            }
        }
        assert!(!forward(&inventory.spec(entry)).is_empty(), "a rotation without a step");
    }
    for start in &inventory.secrets {
        without_circle(inventory, start);
    }
    plans(inventory);
}

fn leads_somewhere(inventory: &Inventory, entry: &SecretEntry) {
    assert!(!entry.stores.is_empty(), "{} is kept nowhere", entry.name);
    assert!(entry.line >= 1);
    for store in &entry.stores {
        let declared = inventory.stores.get(&store.store).expect("a store that is declared");
        declared.store.check_location(&store.location).expect("a place that the store has");
        assert!(declared.concurrency > 0);
    }
    assert!(entry.target.iter().all(|target| inventory.targets.contains_key(target)));
    assert!(entry.consumers.iter().all(|consumer| inventory.consumers.contains_key(consumer)));
    assert!(
        entry.depends_on.iter().all(|other| inventory.secret(other).is_some()),
        "a dependency on nothing"
    );
    assert!(entry.environment.iter().all(|one| inventory.environments.contains_key(&one.name)));
    assert!(entry.tier.iter().all(|one| inventory.tiers.contains_key(&one.name)));
}

fn without_circle(inventory: &Inventory, start: &SecretEntry) {
    let mut seen = HashSet::new();
    let mut left: Vec<_> = start.depends_on.iter().collect();
    while let Some(name) = left.pop() {
        assert_ne!(*name, start.name, "a circle of dependencies");
        if seen.insert(name) {
            left.extend(inventory.secret(name).into_iter().flat_map(|entry| entry.depends_on.iter()));
        }
    }
}

/// Policies of any length, in the first and the last year that a clock can show.
fn plans(inventory: &Inventory) {
    for now in [Timestamp::MIN, Timestamp::UNIX_EPOCH, Timestamp::MAX] {
        for rotated_at in [None, Some(Timestamp::UNIX_EPOCH), Some(Timestamp::MAX)] {
            let last = |entry: &SecretEntry| LastRotation {
                secret: entry.name.clone(),
                rotation: keywheel_core::RotationId::from_bytes([7; 16]),
                outcome: Outcome::Succeeded,
                finished_at: Timestamp::UNIX_EPOCH,
                rotated_at,
                current: None,
            };
            let each = || inventory.secrets.iter();
            let observed = Observed {
                last: each().map(|entry| (entry.name.clone(), last(entry))).collect(),
                stores: each()
                    .map(|entry| {
                        let empty = entry.stores.iter().map(|_| StoreSeen::Versions(Versions::default()));
                        (entry.name.clone(), empty.collect())
                    })
                    .collect(),
                ..Observed::default()
            };
            for selection in [Selection::Due, Selection::All] {
                let _ = candidates(inventory, &observed, &selection, now);
                let made = plan(inventory, &observed, &selection, Options::default(), now);
                let _ = describe(&made, now);
                serde_json::to_string(&made).expect("a plan is shown as JSON");
            }
        }
    }
}
