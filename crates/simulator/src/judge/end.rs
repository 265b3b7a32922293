//! What must hold when every rotation has ended.

use std::collections::BTreeSet;

use keywheel_core::{
    RotationId,
    rotation::{Event, History, Outcome, Record},
    secret::Stage,
};
use keywheel_testkit::memory::Readable;

use super::{Judge, print};
use crate::{
    invariant::Invariant,
    scenario::{Goal, OLD},
};

impl Judge {
    /// Looks at everything after the last rotation has ended.
    pub(crate) fn look_at_the_end(&self) {
        self.look();
        let current: Vec<_> = self.shelves.iter().map(|shelf| shelf.bytes_at(Stage::Current)).collect();
        for (index, shelf) in self.shelves.iter().enumerate() {
            for stage in [Stage::Pending, Stage::Next, Stage::Previous] {
                if shelf.bytes_at(stage).is_some() {
                    self.object(Invariant::NothingLeft, format!("store {index} keeps a {stage} version"));
                }
            }
        }
        if current.iter().any(|bytes| *bytes != current[0]) {
            self.object(Invariant::NothingLeft, "the stores differ");
        }
        if self.given_up() {
            // What the target has made stays made.
        } else if let Some(target) = &self.target {
            let accepted: usize = target.accepted().values().map(BTreeSet::len).sum();
            if accepted != 1 {
                self.object(Invariant::NothingLeft, format!("the target accepts {accepted} credentials"));
            }
            if !self.logging_in(&self.shelves[0]).contains(&Stage::Current) {
                self.object(Invariant::NoLockout, "the current value is refused");
            }
        }
        for (consumer, behaviour) in self.consumers.iter().zip(&self.scenario.consumers) {
            let last = current.last().cloned().flatten();
            if behaviour.moves() && consumer.uses().iter().any(|used| *used != last) {
                self.object(Invariant::NothingLeft, "a consumer uses something else than what is current");
            }
        }
        self.the_outcomes(current.first().cloned().flatten());
    }

    /// What the records say came of it is what there is.
    fn the_outcomes(&self, current: Option<Vec<u8>>) {
        let journals = self.journals();
        for journal in &journals {
            let ids: BTreeSet<RotationId> =
                journal.inspect(|records| records.iter().map(|record| record.body.rotation).collect());
            for id in ids {
                let told = journal.inspect(|records| {
                    History::replay(records.iter().filter(|record| record.body.rotation == id))
                });
                if let Err(illegal) = told {
                    self.object(Invariant::OneRotation, format!("two wrote one rotation's story: {illegal}"));
                }
            }
        }
        // With several installations nobody's journal has the whole story.
        let [journal] = journals.as_slice() else { return };
        let last_success = journal.inspect(|records| {
            let succeeded = |record: &&Record| {
                matches!(record.body.event, Event::Finished { outcome: Outcome::Succeeded, .. })
            };
            records.iter().rev().find(succeeded).map(|record| record.body.rotation)
        });
        let expected = match last_success {
            None => vec![print(OLD)],
            Some(rotation) => self.seen().arrived.get(&rotation).cloned().unwrap_or_default(),
        };
        if current.is_none_or(|current| !expected.contains(&print(&current))) {
            self.object(Invariant::NothingLeft, "what is current is not what the last rotation ended with");
        }
        if last_success.is_some()
            && self.target.is_some()
            && self.accepted().is_some_and(|all| all.contains(&print(OLD)))
        {
            self.object(Invariant::OldValueDead, "the old value is still accepted");
        }
    }

    /// Whether the goal of the scenario allows a rotation of the first installation to be turned back.
    pub(crate) fn may_turn_back(&self) -> bool {
        match self.scenario.goal {
            Goal::Forward | Goal::Signing => {
                self.scenario.consumers.iter().any(|behaviour| !behaviour.moves())
            }
            Goal::Undo | Goal::SigningUndo => true,
        }
    }
}
