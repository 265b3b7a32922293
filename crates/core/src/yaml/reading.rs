//! Reading a node as a type, again and again until every mistake in it has been found.
//!
//! A derived `Deserialize` gives up at the first mistake, and its visitor cannot be used twice. So the mistake is
//! reported, the value is marked, and the whole is read again with a [stand-in](super::stand_in) for it; what was
//! read with a stand-in is thrown away. Each pass finds one more mistake. A value that is one of many, such as an
//! entry of the inventory, is best read as [`Checked`](super::Checked), which confines the passes to that entry.

use std::{
    cell::RefCell,
    collections::{HashMap, HashSet},
    marker::PhantomData,
    sync::Arc,
};

use serde::de::{DeserializeOwned, DeserializeSeed};

use super::{
    describe::describe,
    diagnostic::{Diagnostic, Diagnostics},
    document::Document,
    failure::{Failure, Mistake},
    node::Node,
    place::Place,
    stand_in::{self, StandIn},
};

/// Passes over one value. Who made more mistakes than this in one value learns of the rest after mending these.
pub(super) const PASSES: usize = 200;

/// Reads `node` as `T` and adds every mistake found to `diagnostics`.
///
/// `None` where no `T` could be made of it. `Some` does not mean that nothing was reported: unknown keys and keys
/// written twice are passed over, so that the caller can go on to look for mistakes of meaning.
pub fn read<T: DeserializeOwned>(node: Node<'_>, diagnostics: &mut Diagnostics) -> Option<T> {
    read_under(None, node, diagnostics)
}

/// The same for the value of a key.
pub(super) fn read_under<T: DeserializeOwned>(
    key: Option<u32>,
    node: Node<'_>,
    diagnostics: &mut Diagnostics,
) -> Option<T> {
    let reading = Reading::new(node.document());
    let value = read_in_passes(&reading, Place::new(&reading, key, node.at()));
    reading.state.into_inner().found.into_iter().for_each(|mistake| diagnostics.push(mistake));
    value
}

fn read_in_passes<T: DeserializeOwned>(reading: &Reading<'_>, place: Place<'_>) -> Option<T> {
    for _ in 0..PASSES {
        let before = reading.stand_ins();
        match place.read_with(PhantomData::<T>) {
            Ok(value) => return (reading.stand_ins() == before).then_some(value),
            Err(Failure::Reported) => {}
            Err(Failure::NoStandIn | Failure::Unplaced(_)) => return None,
        }
    }
    None
}

/// What is known of the values being read, across passes.
pub(super) struct Reading<'r> {
    pub(super) document: &'r Arc<Document>,
    state: RefCell<State>,
}

#[derive(Default)]
struct State {
    found: Vec<Diagnostic>,
    /// Values that could not be read, and which stand-in is tried for each.
    wrong: HashMap<u32, usize>,
    /// Keys that a mapping lacks, and which stand-in is tried for each.
    missing: HashMap<u32, Vec<(&'static str, usize)>>,
    /// Mappings whose unknown keys have been reported.
    keys_checked: HashSet<u32>,
    stand_ins: u64,
}

impl<'r> Reading<'r> {
    fn new(document: &'r Arc<Document>) -> Self {
        Self { document, state: RefCell::default() }
    }

    /// How many stand-ins have been used: a value is sound if the number stays the same while it is read.
    pub(super) fn stand_ins(&self) -> u64 {
        self.state.borrow().stand_ins
    }

    /// Forgets the stand-ins used since, for a value that says itself that it is not sound.
    pub(super) fn confine_stand_ins(&self, before: u64) {
        self.state.borrow_mut().stand_ins = before;
    }

    /// Reads `place`, or a stand-in if it was found wrong before.
    pub(super) fn read_with<'de, S: DeserializeSeed<'de>>(
        &self,
        place: Place<'_>,
        seed: S,
    ) -> Result<S::Value, Failure> {
        let target = place.target();
        let Some(attempt) = self.stand_in_for(target) else {
            let before = self.stand_ins();
            return seed.deserialize(place).map_err(|failure| match failure {
                // A check of the whole that fails over a stand-in in it is no mistake of the operator's.
                Failure::Unplaced(_) if self.stand_ins() != before => self.settle(Failure::NoStandIn, place),
                Failure::Unplaced(_) | Failure::Reported | Failure::NoStandIn => self.settle(failure, place),
            });
        };
        seed.deserialize(StandIn::new(self, target, attempt)).map_err(|_| {
            let mut state = self.state.borrow_mut();
            next_attempt(state.wrong.entry(target).or_insert(attempt))
        })
    }

    fn stand_in_for(&self, target: u32) -> Option<usize> {
        let mut state = self.state.borrow_mut();
        let attempt = state.wrong.get(&target).copied()?;
        state.stand_ins += 1;
        Some(attempt)
    }

    /// Whether the value at `at` was found wrong before.
    pub(super) fn is_wrong(&self, at: u32) -> bool {
        self.state.borrow().wrong.contains_key(&self.document.target(at))
    }

    /// Whether anything was found wrong yet.
    pub(super) fn has_wrong(&self) -> bool {
        !self.state.borrow().wrong.is_empty()
    }

    fn settle(&self, failure: Failure, place: Place<'_>) -> Failure {
        match failure {
            Failure::Reported => return Failure::Reported,
            Failure::NoStandIn => {}
            Failure::Unplaced(mistake) => {
                let diagnostic = describe(mistake, place);
                self.report(diagnostic);
            }
        }
        self.state.borrow_mut().wrong.insert(place.target(), 0);
        Failure::Reported
    }

    /// Adds a mistake that the reader of a value found by itself.
    pub(super) fn report(&self, diagnostic: Diagnostic) {
        self.state.borrow_mut().found.push(diagnostic);
    }

    /// Whether the keys of this mapping are looked at for the first time.
    pub(super) fn first_look_at_keys(&self, mapping: u32) -> bool {
        self.state.borrow_mut().keys_checked.insert(mapping)
    }

    /// Keys to be stood in for in this mapping.
    pub(super) fn missing_from(&self, mapping: u32) -> Vec<(&'static str, usize)> {
        self.state.borrow().missing.get(&mapping).cloned().unwrap_or_default()
    }

    /// Reads a stand-in for a missing key.
    pub(super) fn read_missing<'de, S: DeserializeSeed<'de>>(
        &self,
        mapping: u32,
        key: &'static str,
        attempt: usize,
        seed: S,
    ) -> Result<S::Value, Failure> {
        self.state.borrow_mut().stand_ins += 1;
        seed.deserialize(StandIn::new(self, mapping, attempt)).map_err(|_| {
            let mut state = self.state.borrow_mut();
            let keys = state.missing.entry(mapping).or_default();
            match keys.iter_mut().find(|(name, _)| *name == key) {
                Some((_, attempt)) => next_attempt(attempt),
                None => Failure::NoStandIn,
            }
        })
    }

    /// Deals with what a mapping's visitor said at its end: a missing key belongs to this mapping.
    pub(super) fn settle_missing(&self, failure: Failure, place: Place<'_>) -> Failure {
        let Failure::Unplaced(Mistake::Missing(key)) = failure else { return failure };
        let mapping = place.target();
        {
            let mut state = self.state.borrow_mut();
            let keys = state.missing.entry(mapping).or_default();
            if keys.iter().any(|(name, _)| *name == key) {
                return Failure::NoStandIn;
            }
            keys.push((key, 0));
        }
        self.report(describe(Mistake::Missing(key), place));
        Failure::Reported
    }
}

fn next_attempt(attempt: &mut usize) -> Failure {
    *attempt += 1;
    if *attempt < stand_in::ATTEMPTS { Failure::Reported } else { Failure::NoStandIn }
}
