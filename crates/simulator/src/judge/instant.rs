//! What must hold at every instant.

use std::collections::BTreeSet;

use keywheel_core::{
    Fingerprint, Identity,
    rotation::{Event, Outcome},
    secret::Stage,
};
use keywheel_testkit::memory::{MemoryConsumer, Readable};

use super::{Judge, print, unfinished};
use crate::{invariant::Invariant, models::Shelf, scenario::TargetModel};

impl Judge {
    /// Looks at everything, in the middle of whatever happens.
    pub(crate) fn look(&self) {
        if !self.is_content() {
            return;
        }
        let keeps_old = self.scenario.target.keeps_old();
        // A target that makes its one credential itself hands it out, and is what durably keeps it.
        let keeps_it_itself = self.scenario.target == TargetModel::Reissued;
        let accepted = self.accepted();
        for (index, shelf) in self.shelves.iter().enumerate() {
            let works = self.logging_in(shelf);
            if index == 0 && works.is_empty() && !keeps_it_itself {
                self.object(Invariant::NoLockout, "no durable version is accepted");
            }
            let has_current = shelf.places().current.is_some();
            if has_current
                && !works.contains(&Stage::Current)
                && (keeps_old || !(self.in_the_window() || self.given_up()))
            {
                self.object(Invariant::NoLockout, format!("what is current in store {index} is refused"));
            }
        }
        if keeps_old
            && let Some(accepted) = &accepted
            && self.used().iter().any(|used| !accepted.contains(&print(used)))
        {
            self.object(Invariant::NoLockout, "a consumer uses a value that is refused");
        }
        if self.scenario.goal.is_signing() {
            let mut signs = self.used();
            signs.extend(self.shelves.iter().filter_map(|shelf| shelf.bytes_at(Stage::Current)));
            let blind = |key: &Vec<u8>| {
                let key = print(key);
                self.consumers.iter().flat_map(MemoryConsumer::accepts).any(|accepts| !accepts.contains(&key))
            };
            if signs.iter().any(blind) {
                self.object(Invariant::VerifiersFirst, "somebody signs with a key that a verifier refuses");
            }
        }
    }

    /// Whether some rotation stands between telling an in-place target and moving `current`, one way or the other.
    fn in_the_window(&self) -> bool {
        self.journals().iter().any(|journal| journal.inspect(|records| !unfinished(records).is_empty()))
    }

    /// Whether somebody gave up after the target had made its next credential, which nobody can take back.
    pub(super) fn given_up(&self) -> bool {
        self.scenario.target.reissues()
            && self.journals().iter().any(|journal| {
                journal.inspect(|records| {
                    let ended = records.iter().rev().find_map(|record| {
                        if let Event::Finished { outcome, .. } = record.body.event {
                            Some(outcome)
                        } else {
                            None
                        }
                    });
                    ended == Some(Outcome::RolledBack)
                })
            })
    }

    pub(super) fn accepted(&self) -> Option<BTreeSet<Fingerprint>> {
        Some(self.target.as_ref()?.accepted().into_values().flatten().collect())
    }

    fn used(&self) -> BTreeSet<Vec<u8>> {
        self.consumers.iter().flat_map(MemoryConsumer::uses).flatten().collect()
    }

    /// The stages of which the version can log in; all of them where nobody checks.
    pub(super) fn logging_in(&self, store: &Shelf) -> Vec<Stage> {
        let places = store.places();
        let works = |stage: &Stage| {
            let Some(entry) = places.at(*stage) else { return false };
            let Some(target) = &self.target else { return true };
            let identity: Option<Identity> = entry.identity.clone().or_else(|| self.scenario.identity());
            identity.is_some_and(|identity| target.accepts(identity.as_str(), entry.value.expose_secret()))
        };
        Stage::ALL.into_iter().filter(works).collect()
    }
}
