//! What somebody is about to do, held against what the journal knows at that moment.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use keywheel_core::{
    CallContext, Clock, Fingerprint, RotationId, SecretValue, VersionId,
    notifier::Phase,
    rotation::{Action, Event, Record},
    secret::Stage,
};
use keywheel_testkit::memory::{MemoryConsumer, MemoryJournal, Readable};

use super::{Judge, plain, print};
use crate::{invariant::Invariant, network::ProcessId};

/// How long a lease that was lost may go unnoticed: it was confirmed up to twenty seconds ago, and a call may take thirty.
const UNNOTICED: Duration = Duration::from_secs(50);

/// What somebody is about to do to a store, a target or a consumer.
#[derive(Clone, Copy)]
pub(crate) enum Deed<'a> {
    Stage,
    Publish,
    Promote,
    Retire(&'a VersionId),
    Apply(&'a SecretValue),
    Revoke(&'a SecretValue),
    Mint,
    Reissue,
    RevokeOrphan,
    Notify,
}

impl Deed<'_> {
    fn as_str(self) -> &'static str {
        match self {
            Self::Stage => "stage",
            Self::Publish => "publish",
            Self::Promote => "promote",
            Self::Retire(_) => "retire",
            Self::Apply(_) => "apply",
            Self::Revoke(_) => "revoke",
            Self::Mint => "mint",
            Self::Reissue => "reissue",
            Self::RevokeOrphan => "revoke of an orphan",
            Self::Notify => "notify",
        }
    }

    /// Whether `action` is what this is done for.
    fn belongs_to(self, action: Action) -> bool {
        match self {
            // Verifying takes what the target has made meanwhile.
            Self::Stage => {
                matches!(action, Action::Stage(_) | Action::Mint | Action::Verify | Action::Unpromote(_))
            }
            Self::Publish => matches!(action, Action::PublishNext(_)),
            Self::Promote => matches!(action, Action::Promote(_) | Action::Unpromote(_)),
            // Staging clears away what a rotation that has ended left behind.
            Self::Retire(_) => matches!(
                action,
                Action::Retire(_) | Action::Discard(_) | Action::Stage(_) | Action::Mint | Action::Verify
            ),
            Self::Apply(_) => matches!(action, Action::Apply | Action::Unapply),
            Self::Revoke(_) => matches!(action, Action::Revoke | Action::Confirm | Action::Unapply),
            Self::Mint => action == Action::Mint,
            Self::Reissue => matches!(action, Action::Mint | Action::Verify),
            Self::RevokeOrphan => matches!(action, Action::Mint | Action::Unapply),
            Self::Notify => matches!(action, Action::Notify(..)),
        }
    }
}

impl Judge {
    /// Looks at a deed before it is sent.
    pub(crate) fn deed(&self, process: ProcessId, context: &CallContext, deed: Deed<'_>) {
        let (journal, stale_for) = {
            let seen = self.seen();
            let Some(known) = seen.processes.get(&process) else { return };
            let lost = known
                .lost_at
                .map(|at| (self.network.clock().running().saturating_sub(at), known.wrote_since));
            (known.journal.clone(), lost)
        };
        self.under_its_lease(&journal, context, deed, stale_for);
        let Some(action) = self.intent(&journal, context, deed) else { return };
        match deed {
            Deed::Apply(value) => {
                let durable = |stage| {
                    self.shelves[0].bytes_at(stage).is_some_and(|bytes| bytes == value.expose_secret())
                };
                if !Stage::ALL.into_iter().any(durable) {
                    self.object(
                        Invariant::DurableBeforeEffect,
                        "the target hears of a value that no store has",
                    );
                }
            }
            Deed::Revoke(value) if matches!(action, Action::Revoke | Action::Confirm) => {
                self.evidence(&journal, context.rotation, print(value.expose_secret()));
            }
            Deed::Retire(version) if matches!(action, Action::Retire(_)) => {
                let value = self.shelves[0].places().by_id(version).map(|entry| plain(&entry.value));
                // Two installations may have taken the same value from the target: what is ended then is one copy of it.
                let stays = self.shelves[0].bytes_at(Stage::Current).map(|bytes| print(&bytes));
                if let Some(value) = value.filter(|value| stays != Some(*value)) {
                    self.evidence(&journal, context.rotation, value);
                }
            }
            Deed::Stage
            | Deed::Publish
            | Deed::Promote
            | Deed::Retire(_)
            | Deed::Revoke(_)
            | Deed::Mint
            | Deed::Reissue
            | Deed::RevokeOrphan
            | Deed::Notify => {}
        }
    }

    /// A lease that was lost is noticed when it is next asked for, which is before every effect but those of the action
    /// in hand.
    fn under_its_lease(
        &self,
        journal: &MemoryJournal,
        context: &CallContext,
        deed: Deed<'_>,
        lost: Option<(Duration, bool)>,
    ) {
        if context.fence.0 >= journal.newest_fence(&self.secret) {
            return;
        }
        let unnoticed = lost.is_some_and(|(since, wrote)| !wrote && since <= UNNOTICED);
        if !unnoticed {
            self.object(Invariant::OneRotation, format!("{} under a lease that is lost", deed.as_str()));
        }
    }

    /// The action that the journal holds the intent of.
    fn intent(&self, journal: &MemoryJournal, context: &CallContext, deed: Deed<'_>) -> Option<Action> {
        // What an undo stages where nothing was goes by the rotation's name with another end.
        let ours =
            |record: &&Record| record.body.rotation.as_bytes()[..15] == context.rotation.as_bytes()[..15];
        let newest = journal.inspect(|records| {
            records
                .iter()
                .rev()
                .find(ours)
                .map(|record| (record.body.event.name(), begun(&record.body.event)))
        });
        match newest {
            Some((_, Some(action))) if deed.belongs_to(action) => Some(action),
            // Somebody else has taken over and written on: what is wrong with that is said by the lease.
            Some(_) if context.fence.0 < journal.newest_fence(&self.secret) => None,
            other => {
                let newest = other.map_or("nothing", |(name, _)| name);
                self.object(
                    Invariant::DurableBeforeEffect,
                    format!("{} while the journal's newest word is `{newest}`", deed.as_str()),
                );
                None
            }
        }
    }

    /// The old value is about to go.
    fn evidence(&self, journal: &MemoryJournal, rotation: RotationId, old: Fingerprint) {
        let users = self.consumers.iter().flat_map(MemoryConsumer::uses).flatten();
        if users.filter(|used| print(used) == old).count() > 0 {
            self.object(Invariant::RetireOnEvidence, "a consumer still uses the value that is being ended");
        }
        let (moved_at, now) = journal.inspect(|records| {
            let done = |record: &Record| {
                let moved = matches!(
                    record.body.event,
                    Event::Done {
                        action: Action::Promote(_)
                            | Action::Notify(_, Phase::Promoted)
                            | Action::Adopt(_, Phase::Promoted),
                        ..
                    }
                );
                (moved && record.body.rotation == rotation).then_some(record.body.at)
            };
            let ours = records.iter().filter(|record| record.body.rotation == rotation);
            // What was once written down stays true when the clock is set back.
            let now = ours.map(|record| record.body.at).fold(self.now(), Timestamp::max);
            (records.iter().filter_map(done).max(), now)
        });
        let over = moved_at
            .and_then(|at| at.checked_add(SignedDuration::try_from(self.scenario.overlap).ok()?).ok());
        if over.is_none_or(|over| now < over) {
            self.object(Invariant::RetireOnEvidence, "the old value is being ended within the overlap");
        }
    }

    fn now(&self) -> Timestamp {
        self.network.clock().now()
    }
}

fn begun(event: &Event) -> Option<Action> {
    if let Event::Begin { action } = event { Some(*action) } else { None }
}
