//! Looks at the world from outside, after every change, and at every deed before it is sent.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use jiff::{SignedDuration, Timestamp};
use keywheel_core::{
    CallContext, Clock, Fingerprint, Fingerprinter, Identity, RotationId, SecretName, SecretValue, VersionId,
    notifier::Phase,
    rotation::{Action, Event, History, Outcome, Record},
    secret::Stage,
};
use keywheel_testkit::memory::{MemoryConsumer, MemoryJournal, MemoryTarget, Readable};

use crate::{
    invariant::{Invariant, Violation},
    models::Shelf,
    network::{Network, ProcessId},
    scenario::{Goal, OLD, Scenario},
};

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
            Self::RevokeOrphan => "revoke of an orphan",
            Self::Notify => "notify",
        }
    }

    /// Whether `action` is what this is done for.
    fn belongs_to(self, action: Action) -> bool {
        match self {
            Self::Stage => matches!(action, Action::Stage(_) | Action::Mint | Action::Unpromote(_)),
            Self::Publish => matches!(action, Action::PublishNext(_)),
            Self::Promote => matches!(action, Action::Promote(_) | Action::Unpromote(_)),
            // Staging clears away what a rotation that has ended left behind.
            Self::Retire(_) => {
                matches!(action, Action::Retire(_) | Action::Discard(_) | Action::Stage(_) | Action::Mint)
            }
            Self::Apply(_) => matches!(action, Action::Apply | Action::Unapply),
            Self::Revoke(_) => matches!(action, Action::Revoke | Action::Confirm | Action::Unapply),
            Self::Mint => action == Action::Mint,
            Self::RevokeOrphan => matches!(action, Action::Mint | Action::Unapply),
            Self::Notify => matches!(action, Action::Notify(..)),
        }
    }
}

/// One process, as far as the judge knows it.
struct Known {
    journal: MemoryJournal,
    /// When its lease was lost while it ran on.
    lost_at: Option<Duration>,
    /// Whether it has written, or tried to, since then: by then it must have heard.
    wrote_since: bool,
}

#[derive(Default)]
struct Seen {
    /// One for each installation.
    journals: Vec<MemoryJournal>,
    violations: Vec<Violation>,
    processes: BTreeMap<ProcessId, Known>,
    /// The values that each rotation made durable.
    staged: BTreeMap<RotationId, Vec<Fingerprint>>,
    /// Every value that ever was, as text.
    values: BTreeSet<String>,
    /// What the target was told and nobody has looked for since.
    told: BTreeSet<Fingerprint>,
}

/// The models of one life, and what was seen of them. Clones are one judge.
#[derive(Clone)]
pub(crate) struct Judge {
    pub(crate) scenario: Arc<Scenario>,
    pub(crate) secret: SecretName,
    pub(crate) network: Network,
    pub(crate) shelves: Vec<Shelf>,
    pub(crate) target: Option<MemoryTarget>,
    pub(crate) consumers: Vec<MemoryConsumer>,
    seen: Arc<Mutex<Seen>>,
}

fn plain(value: &SecretValue) -> Fingerprint {
    Fingerprinter::plain().of(value)
}

fn print(bytes: &[u8]) -> Fingerprint {
    plain(&SecretValue::copy_from(bytes))
}

impl Judge {
    pub(crate) fn new(
        scenario: Arc<Scenario>,
        secret: SecretName,
        network: Network,
        journals: Vec<MemoryJournal>,
        shelves: Vec<Shelf>,
        target: Option<MemoryTarget>,
        consumers: Vec<MemoryConsumer>,
    ) -> Self {
        let seen = Seen {
            journals,
            values: std::iter::once(String::from_utf8_lossy(OLD).into_owned()).collect(),
            ..Seen::default()
        };
        Self { scenario, secret, network, shelves, target, consumers, seen: Arc::new(Mutex::new(seen)) }
    }

    pub(crate) fn violations(&self) -> Vec<Violation> {
        self.seen().violations.clone()
    }

    pub(crate) fn is_content(&self) -> bool {
        self.seen().violations.is_empty()
    }

    pub(crate) fn object(&self, invariant: Invariant, what: impl Into<String>) {
        let violation = Violation { invariant, what: what.into(), after: self.network.count() };
        let mut seen = self.seen();
        if !seen.violations.iter().any(|known| known.what == violation.what) {
            seen.violations.push(violation);
        }
    }

    /// Another installation has come.
    pub(crate) fn joined_by(&self, journal: MemoryJournal) {
        self.seen().journals.push(journal);
    }

    fn journals(&self) -> Vec<MemoryJournal> {
        self.seen().journals.clone()
    }

    /// A process begins to work with `journal`.
    pub(crate) fn meets(&self, process: ProcessId, journal: MemoryJournal) {
        self.seen().processes.insert(process, Known { journal, lost_at: None, wrote_since: false });
    }

    /// The lease of `process` is gone, and nobody told it.
    pub(crate) fn lost_lease(&self, process: ProcessId) {
        let now = self.network.clock().running();
        if let Some(known) = self.seen().processes.get_mut(&process) {
            (known.lost_at, known.wrote_since) = (Some(now), false);
        }
    }

    /// `process` is about to write a record.
    pub(crate) fn writes(&self, process: ProcessId) {
        if let Some(known) = self.seen().processes.get_mut(&process) {
            known.wrote_since = true;
        }
    }

    /// A record was written.
    pub(crate) fn written(&self, journal: &MemoryJournal, record: &Record) {
        if record.body.fence.0 < journal.newest_fence(&record.body.secret) {
            let event = record.body.event.name();
            self.object(Invariant::OneRotation, format!("`{event}` was written under a lease that is lost"));
        }
        if matches!(record.body.event, Event::Started(_)) {
            let unfinished = journal.inspect(|records| unfinished(records).len());
            if unfinished > 1 {
                self.object(Invariant::OneRotation, format!("{unfinished} rotations are under way"));
            }
        }
    }

    /// Whether the call is made under a lease that somebody else has taken over.
    fn is_behind(&self, process: ProcessId, context: &CallContext) -> bool {
        let journal = self.seen().processes.get(&process).map(|known| known.journal.clone());
        journal.is_some_and(|journal| context.fence.0 < journal.newest_fence(&self.secret))
    }

    /// The target is being told to accept `value`.
    pub(crate) fn told(&self, process: ProcessId, context: &CallContext, value: &SecretValue) {
        // What a process does that was taken for gone is no second try of anybody.
        if !self.seen().told.insert(plain(value)) && !self.is_behind(process, context) {
            self.object(Invariant::AskFirst, "the target is told again before it was asked");
        }
    }

    /// The target was asked about `value`, and answered.
    pub(crate) fn asked(&self, value: &SecretValue) {
        self.seen().told.remove(&plain(value));
    }

    /// `value` is becoming durable.
    pub(crate) fn staged(&self, process: ProcessId, context: &CallContext, value: &SecretValue) {
        let fingerprint = plain(value);
        let behind = self.is_behind(process, context);
        let values = {
            let mut seen = self.seen();
            seen.values.insert(String::from_utf8_lossy(value.expose_secret()).into_owned());
            if behind {
                return;
            }
            let staged = seen.staged.entry(context.rotation).or_default();
            if !staged.contains(&fingerprint) {
                staged.push(fingerprint);
            }
            staged.len()
        };
        // A mint that nobody knows is revoked and made again.
        let minted = self.scenario.target.is_minted();
        if values > 1 && !minted {
            self.object(Invariant::AskFirst, format!("one rotation staged {values} values"));
        }
    }

    /// Looks at a deed before it is sent.
    pub(crate) fn deed(&self, process: ProcessId, context: &CallContext, deed: Deed<'_>) {
        let (journal, stale_for) = {
            let seen = self.seen();
            let Some(known) = seen.processes.get(&process) else { return };
            let lost = known.lost_at.map(|at| (self.network.clock().running().saturating_sub(at), known.wrote_since));
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
                    self.object(Invariant::DurableBeforeEffect, "the target hears of a value that no store has");
                }
            }
            Deed::Revoke(value) if matches!(action, Action::Revoke | Action::Confirm) => {
                self.evidence(&journal, context.rotation, &print(value.expose_secret()));
            }
            Deed::Retire(version) if matches!(action, Action::Retire(_)) => {
                let value = self.shelves[0].places().by_id(version).map(|entry| plain(&entry.value));
                if let Some(value) = value {
                    self.evidence(&journal, context.rotation, &value);
                }
            }
            Deed::Stage
            | Deed::Publish
            | Deed::Promote
            | Deed::Retire(_)
            | Deed::Revoke(_)
            | Deed::Mint
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
        let unnoticed =
            lost.is_some_and(|(since, wrote)| !wrote && since <= Duration::from_secs(50));
        if !unnoticed {
            self.object(
                Invariant::OneRotation,
                format!("{} under a lease that is lost", deed.as_str()),
            );
        }
    }

    /// The action that the journal holds the intent of.
    fn intent(&self, journal: &MemoryJournal, context: &CallContext, deed: Deed<'_>) -> Option<Action> {
        // What an undo stages where nothing was goes by the rotation's name with another end.
        let ours = |record: &&Record| {
            record.body.rotation.as_bytes()[..15] == context.rotation.as_bytes()[..15]
        };
        let newest = journal.inspect(|records| {
            records.iter().rev().find(ours).map(|record| (record.body.event.name(), begun(&record.body.event)))
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
    fn evidence(&self, journal: &MemoryJournal, rotation: RotationId, old: &Fingerprint) {
        let users = self.consumers.iter().flat_map(MemoryConsumer::uses).flatten();
        if users.filter(|used| print(used) == *old).count() > 0 {
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
        let over = moved_at.and_then(|at| {
            at.checked_add(SignedDuration::try_from(self.scenario.overlap).ok()?).ok()
        });
        if over.is_none_or(|over| now < over) {
            self.object(Invariant::RetireOnEvidence, "the old value is being ended within the overlap");
        }
    }

    fn now(&self) -> Timestamp {
        self.network.clock().now()
    }

    /// Looks at everything, in the middle of whatever happens.
    pub(crate) fn look(&self) {
        if !self.is_content() {
            return;
        }
        let keeps_old = self.scenario.target.keeps_old();
        let accepted = self.accepted();
        for (index, shelf) in self.shelves.iter().enumerate() {
            let works = self.logging_in(shelf);
            if index == 0 && works.is_empty() {
                self.object(Invariant::NoLockout, "no durable version is accepted");
            }
            let has_current = shelf.places().current.is_some();
            if has_current && !works.contains(&Stage::Current) && (keeps_old || !self.in_the_window()) {
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

    fn accepted(&self) -> Option<BTreeSet<Fingerprint>> {
        Some(self.target.as_ref()?.accepted().into_values().flatten().collect())
    }

    fn used(&self) -> BTreeSet<Vec<u8>> {
        self.consumers.iter().flat_map(MemoryConsumer::uses).flatten().collect()
    }

    /// The stages of which the version can log in; all of them where nobody checks.
    fn logging_in(&self, shelf: &Shelf) -> Vec<Stage> {
        let places = shelf.places();
        let works = |stage: &Stage| {
            let Some(entry) = places.at(*stage) else { return false };
            let Some(target) = &self.target else { return true };
            let identity: Option<Identity> = entry.identity.clone().or_else(|| self.scenario.identity());
            identity.is_some_and(|identity| target.accepts(identity.as_str(), entry.value.expose_secret()))
        };
        Stage::ALL.into_iter().filter(works).collect()
    }

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
        if let Some(target) = &self.target {
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
                let told = journal
                    .inspect(|records| History::replay(records.iter().filter(|record| record.body.rotation == id)));
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
        let staged = self.seen().staged.clone();
        let expected = match last_success {
            None => vec![print(OLD)],
            Some(rotation) => staged.get(&rotation).cloned().unwrap_or_default(),
        };
        if current.is_none_or(|current| !expected.contains(&print(&current))) {
            self.object(Invariant::NothingLeft, "what is current is not what the last rotation ended with");
        }
        if last_success.is_some() && self.target.is_some() && self.accepted().is_some_and(|all| all.contains(&print(OLD)))
        {
            self.object(Invariant::OldValueDead, "the old value is still accepted");
        }
    }

    /// Whether the goal of the scenario allows a rotation of the first installation to be turned back.
    pub(crate) fn may_turn_back(&self) -> bool {
        match self.scenario.goal {
            Goal::Forward | Goal::Signing => self.scenario.consumers.iter().any(|behaviour| !behaviour.moves()),
            Goal::Undo | Goal::SigningUndo => true,
        }
    }

    /// Looks for values in `text`, which is not a store.
    pub(crate) fn search(&self, what: &str, text: &str) {
        let found = self.seen().values.iter().any(|value| text.contains(value.as_str()));
        if found {
            self.object(Invariant::ValuesInside, format!("{what} holds a value"));
        }
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn begun(event: &Event) -> Option<Action> {
    if let Event::Begin { action } = event { Some(*action) } else { None }
}

/// The rotations that have begun and not finished.
pub(crate) fn unfinished(records: &[Record]) -> BTreeSet<RotationId> {
    let mut open = BTreeSet::new();
    for record in records {
        match &record.body.event {
            Event::Started(_) => {
                open.insert(record.body.rotation);
            }
            Event::Finished { .. } => {
                open.remove(&record.body.rotation);
            }
            Event::Begin { .. }
            | Event::Done { .. }
            | Event::Failed { .. }
            | Event::UndoBegan { .. }
            | Event::Parked { .. }
            | Event::Released { .. }
            | Event::OverlapCut { .. }
            | Event::AdoptionVouched { .. } => {}
        }
    }
    open
}
