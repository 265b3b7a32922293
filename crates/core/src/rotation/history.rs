//! Records folded into where a rotation stands.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use crate::{
    error::{Effect, ErrorKind},
    id::{Fence, Generation, Initiator, RotationId},
    notifier::Phase,
    rotation::{
        action::{Action, ConsumerIndex, StoreIndex},
        decide::{SETTLING, after},
        record::{Event, NewRecord, Outcome, Record, Started, StepFacts, VersionFact},
        route,
        spec::{RotationSpec, Source},
    },
};

/// A record that cannot follow the ones before it: the journal is damaged, or written by something else.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("record {seq} of rotation {rotation} cannot follow the ones before it: {why}")]
pub struct IllegalRecord {
    /// The record's number.
    pub seq: u64,
    /// Its rotation.
    pub rotation: RotationId,
    /// What is wrong.
    pub why: String,
}

/// Which way a rotation goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// Towards the new value.
    Forward,
    /// Back to the old one.
    Undo,
}

/// The last failure of the action at hand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// What kind.
    pub kind: ErrorKind,
    /// Whether something may have changed.
    pub effect: Effect,
    /// For a person.
    pub message: String,
    /// When.
    pub at: Timestamp,
    /// How many times in a row, this one included, since the last release.
    pub in_a_row: u32,
}

/// Why nothing happens until a person says so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parked {
    /// Why.
    pub reason: String,
    /// Since when.
    pub at: Timestamp,
}

/// Why the way leads back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Undo {
    /// Why.
    pub reason: String,
    /// Who wanted it.
    pub initiator: Initiator,
}

/// What has been learnt so far.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    /// The new version in each store that has it.
    pub new: BTreeMap<StoreIndex, VersionFact>,
    /// The version that was current in each store when the new one was staged there.
    pub old: BTreeMap<StoreIndex, VersionFact>,
    /// When the new value became current in the primary store.
    pub promoted_at: Option<Timestamp>,
    /// When the primary store last began to show another value: the new one, or the old one again.
    pub moved_at: Option<Timestamp>,
    /// Stores of which it is known that the new value became current there.
    pub promoted: BTreeSet<StoreIndex>,
    /// Evidence, in the order in which it came.
    pub evidence: Vec<(Action, String)>,
    /// Which of its credentials the target had before it was asked for another, if it shows that.
    pub generation: Option<Generation>,
    /// The provided value turned out to be the current one.
    pub unchanged: bool,
}

/// Where one rotation stands. Made by folding its records, and by nothing else.
#[derive(Clone, Debug, PartialEq)]
pub struct History {
    /// The rotation.
    pub id: RotationId,
    /// Its first record.
    pub started: Started,
    /// When it began.
    pub started_at: Timestamp,
    /// Which way it goes.
    pub direction: Direction,
    /// Why it goes back, if it does.
    pub undo: Option<Undo>,
    /// The action of which the intent is written and the outcome is not.
    pub in_flight: Option<Action>,
    /// Whether an earlier attempt of the action at hand may have had its effect.
    pub uncertain: bool,
    /// The last failure of the action at hand.
    pub failure: Option<Failure>,
    /// Set while a person is awaited.
    pub parked: Option<Parked>,
    /// What has been learnt.
    pub facts: Facts,
    /// Set by an operator who cut the overlap short.
    pub overlap_cut: bool,
    /// Consumers that an operator vouched for, notice by notice, in the operator's words.
    pub vouched: BTreeMap<(ConsumerIndex, Phase), String>,
    /// How it ended, if it has.
    pub outcome: Option<Outcome>,
    /// The time of the newest record.
    pub last_at: Timestamp,
    /// When the last action was done: the start of an overlap.
    pub last_done_at: Timestamp,
    /// The newest fence seen.
    pub fence: Fence,
    /// The actions in order, for the present direction.
    route: Vec<Action>,
    /// How many of them are done.
    done: usize,
    /// Whether a request of the action at hand got no answer, so that it may still be on its way.
    pub(super) unanswered: bool,
    /// When the way back may begin: by then whatever was on its way has arrived.
    pub(super) settled_at: Option<Timestamp>,
    /// The newest record's number.
    last_seq: u64,
    /// Forward actions that may have left something behind.
    may_exist: Vec<Action>,
}

impl History {
    /// Begins a history with its first record.
    ///
    /// # Errors
    /// [`IllegalRecord`] when the record is not `Started`, or its spec names no store.
    pub fn begin(record: &Record) -> Result<Self, IllegalRecord> {
        let Event::Started(started) = &record.body.event else {
            return Err(illegal(record, "the first record of a rotation says that it started"));
        };
        if started.spec.stores.is_empty() {
            return Err(illegal(record, "a rotation has at least one store"));
        }
        let issuing = started.spec.target.as_ref().is_some_and(|target| target.strategy.issues());
        if issuing != (started.spec.source == Source::Minted) {
            return Err(illegal(record, "a value is minted exactly where the target issues it"));
        }
        let at = record.body.at;
        Ok(Self {
            id: record.body.rotation,
            started: (**started).clone(),
            started_at: at,
            direction: Direction::Forward,
            undo: None,
            in_flight: None,
            uncertain: false,
            failure: None,
            parked: None,
            facts: Facts::default(),
            overlap_cut: false,
            vouched: BTreeMap::new(),
            outcome: None,
            last_at: at,
            last_done_at: at,
            fence: record.body.fence,
            route: route::forward(&started.spec),
            done: 0,
            unanswered: false,
            settled_at: None,
            last_seq: record.seq,
            may_exist: Vec::new(),
        })
    }

    /// Folds the whole story of one rotation.
    ///
    /// # Errors
    /// [`IllegalRecord`] at the first record that cannot follow; `None` for no records at all.
    pub fn replay<'a>(records: impl IntoIterator<Item = &'a Record>) -> Result<Option<Self>, IllegalRecord> {
        let mut records = records.into_iter();
        let Some(first) = records.next() else { return Ok(None) };
        let mut history = Self::begin(first)?;
        for record in records {
            history.apply(record)?;
        }
        Ok(Some(history))
    }

    /// Folds one more record in.
    ///
    /// # Errors
    /// [`IllegalRecord`] when it cannot follow; the history is unchanged then.
    pub fn apply(&mut self, record: &Record) -> Result<(), IllegalRecord> {
        if record.seq <= self.last_seq {
            return Err(illegal(record, "its number is not above the one before"));
        }
        self.foresee(&record.body).map_err(|why| illegal(record, why))?;
        self.last_seq = record.seq;
        Ok(())
    }

    /// Folds in a record that has no number yet: what there will be once it is written.
    ///
    /// # Errors
    /// Why it cannot follow; the history is unchanged then.
    pub fn foresee(&mut self, record: &NewRecord) -> Result<(), &'static str> {
        self.admits(record)?;
        let at = record.at;
        match &record.event {
            Event::Started(_) => {}
            Event::Begin { action } => {
                // An intent without an outcome: that attempt may have had its effect before the process died.
                self.uncertain |= self.in_flight == Some(*action);
                self.in_flight = Some(*action);
                let leaves_something = self.direction == Direction::Forward && !action.only_looks();
                if leaves_something && !self.may_exist.contains(action) {
                    self.may_exist.push(*action);
                }
            }
            Event::Done { action, facts } => self.fold_done(*action, facts, at),
            Event::Failed { action, kind, effect, message } => {
                self.in_flight = None;
                // One attempt whose outcome nobody knows is enough: later refusals do not take it back.
                self.uncertain |= *effect == Effect::MaybeApplied;
                self.unanswered |= *effect == Effect::MaybeApplied && *kind == ErrorKind::TimedOut;
                if !self.uncertain && self.direction == Direction::Forward {
                    self.may_exist.retain(|other| other != action);
                }
                let in_a_row = self.failure.take().map_or(0, |failure| failure.in_a_row) + 1;
                self.failure =
                    Some(Failure { kind: *kind, effect: *effect, message: message.clone(), at, in_a_row });
            }
            Event::UndoBegan { reason, initiator } => self.turn_back(reason, initiator, at),
            Event::Parked { reason } => self.parked = Some(Parked { reason: reason.clone(), at }),
            Event::Released { .. } => {
                self.parked = None;
                self.forgive();
            }
            Event::OverlapCut { .. } => self.overlap_cut = true,
            Event::AdoptionVouched { consumer, phase, reason, .. } => {
                self.vouched.insert((*consumer, *phase), reason.clone());
                self.parked = None;
                self.forgive();
            }
            Event::Finished { outcome, .. } => self.outcome = Some(*outcome),
        }
        self.last_at = self.last_at.max(at);
        self.fence = self.fence.max(record.fence);
        Ok(())
    }

    /// What this rotation does.
    pub fn spec(&self) -> &RotationSpec {
        &self.started.spec
    }

    /// The action at hand: in flight, or the next one on the route.
    pub fn action(&self) -> Option<Action> {
        self.route.get(self.done).copied()
    }

    /// The actions of the present direction, and how many of them are done.
    pub fn progress(&self) -> (&[Action], usize) {
        (&self.route, self.done)
    }

    /// Forward actions of which an effect may exist.
    pub fn may_exist(&self) -> &[Action] {
        &self.may_exist
    }

    /// Whether `action` is passed without doing anything: a gate, or evidence that a person vouched for.
    pub(super) fn is_gate(&self, action: Action) -> bool {
        action == Action::Overlap || action.notice().is_some_and(|notice| self.vouched.contains_key(&notice))
    }

    /// Whether `record` may follow: asked before it is written, for what is written stays.
    ///
    /// # Errors
    /// Why not.
    pub fn admits(&self, record: &NewRecord) -> Result<(), &'static str> {
        if record.rotation != self.id || record.secret != self.started.spec.secret {
            return Err("it belongs to another rotation");
        }
        if self.outcome.is_some() {
            return Err("the rotation has finished");
        }
        if record.fence < self.fence {
            return Err("it was written under a lease that another holder had taken over");
        }
        match &record.event {
            Event::Started(_) => Err("the rotation has started already"),
            Event::Begin { action } => self.admits_intent(*action),
            Event::Done { action, facts } => self.admits_outcome(*action, facts),
            Event::Failed { action, .. } if self.in_flight != Some(*action) => {
                Err("an outcome without an intent")
            }
            Event::UndoBegan { .. } => self.way_back(),
            Event::Parked { .. } if self.parked.is_some() => Err("it is parked already"),
            // Also a failure that waits for its next try: whoever mended the cause need not wait for the hour.
            Event::Released { .. } if self.parked.is_none() && self.failure.is_none() => {
                Err("it is neither parked nor waiting for another try")
            }
            Event::AdoptionVouched { consumer, phase, .. } => {
                let awaited = self.action().and_then(Action::notice);
                let right = awaited == Some((*consumer, *phase));
                if right { Ok(()) } else { Err("the rotation does not wait for this consumer") }
            }
            Event::Finished { outcome, .. } => self.admits_end(*outcome),
            Event::Failed { .. }
            | Event::Parked { .. }
            | Event::Released { .. }
            | Event::OverlapCut { .. } => Ok(()),
        }
    }

    fn admits_intent(&self, action: Action) -> Result<(), &'static str> {
        if Some(action) != self.action() {
            return Err("this action is not the next one");
        }
        if self.parked.is_some() {
            return Err("the rotation is parked");
        }
        if self.is_gate(action) {
            return Err("a gate is passed, not begun");
        }
        Ok(())
    }

    fn admits_outcome(&self, action: Action, facts: &StepFacts) -> Result<(), &'static str> {
        if Some(action) != self.action() {
            return Err("this action is not the one at hand");
        }
        if self.parked.is_some() {
            return Err("the rotation is parked");
        }
        if self.in_flight != Some(action) && !self.is_gate(action) {
            return Err("an outcome without an intent");
        }
        let stages = matches!(action, Action::Stage(_) | Action::Mint);
        if facts.unchanged && action != Action::Stage(StoreIndex::PRIMARY) {
            return Err("only staging in the primary store can find the value unchanged");
        }
        if stages && facts.new.is_none() && !facts.unchanged {
            return Err("staging names the version that it made");
        }
        Ok(())
    }

    fn admits_end(&self, outcome: Outcome) -> Result<(), &'static str> {
        if self.parked.is_some() {
            return Err("the rotation is parked");
        }
        let expected = match (self.facts.unchanged, self.direction) {
            (true, _) => Outcome::Unchanged,
            (false, _) if self.action().is_some() => return Err("actions are left to do"),
            (false, Direction::Forward) => Outcome::Succeeded,
            (false, Direction::Undo) => Outcome::RolledBack,
        };
        if outcome == expected { Ok(()) } else { Err("this is not how the rotation ends") }
    }

    fn fold_done(&mut self, action: Action, facts: &StepFacts, at: Timestamp) {
        self.in_flight = None;
        self.uncertain = false;
        self.unanswered = false;
        self.settled_at = None;
        self.failure = None;
        self.done += 1;
        // A clock that was set back for a while must not make an overlap begin, and so end, before its time.
        self.last_done_at = self.last_at.max(at);
        match action {
            Action::Look => self.facts.generation.clone_from(&facts.generation),
            // Verifying takes what the target has by now, where it made another one meanwhile.
            Action::Mint | Action::Verify => self.learn(StoreIndex::PRIMARY, facts),
            Action::Stage(store) => self.learn(store, facts),
            Action::Promote(store) => {
                // What was displaced, where somebody else had made another one current.
                self.learn(store, facts);
                self.facts.promoted.insert(store);
                if store == StoreIndex::PRIMARY {
                    self.facts.promoted_at = Some(at);
                    self.facts.moved_at = Some(at);
                }
            }
            Action::Unpromote(store) => {
                self.facts.promoted.remove(&store);
                if store == StoreIndex::PRIMARY {
                    self.facts.promoted_at = None;
                    self.facts.moved_at = Some(at);
                }
            }
            Action::Apply
            | Action::PublishNext(_)
            | Action::Notify(..)
            | Action::Adopt(..)
            | Action::Overlap
            | Action::Revoke
            | Action::Confirm
            | Action::Retire(_)
            | Action::Unapply
            | Action::Discard(_) => {}
        }
        if let Some(evidence) = &facts.evidence {
            self.facts.evidence.push((action, evidence.clone()));
        }
        self.facts.unchanged |= facts.unchanged;
    }

    fn learn(&mut self, store: StoreIndex, facts: &StepFacts) {
        if let Some(new) = &facts.new {
            self.facts.new.insert(store, new.clone());
        }
        if let Some(old) = &facts.old {
            self.facts.old.insert(store, old.clone());
        }
    }

    fn turn_back(&mut self, reason: &str, initiator: &Initiator, at: Timestamp) {
        self.direction = Direction::Undo;
        self.undo = Some(Undo { reason: reason.to_owned(), initiator: initiator.clone() });
        self.route = route::undo(&self.started.spec, &self.may_exist);
        self.done = 0;
        self.in_flight = None;
        self.uncertain = false;
        self.settled_at = self.unanswered.then(|| after(at, SETTLING));
        self.unanswered = false;
        self.failure = None;
        self.parked = None;
        self.overlap_cut = false;
        self.vouched.clear();
    }

    /// A person asked for another try: the count starts again, the knowledge that something may exist stays.
    fn forgive(&mut self) {
        if let Some(failure) = &mut self.failure {
            failure.in_a_row = 0;
        }
    }
}

fn illegal(record: &Record, why: &str) -> IllegalRecord {
    IllegalRecord { seq: record.seq, rotation: record.body.rotation, why: why.to_owned() }
}
