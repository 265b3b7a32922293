//! A rotation told record by record.

use jiff::{SignedDuration, Timestamp};

use crate::{
    error::{Effect, ErrorKind},
    fingerprint::Fingerprinter,
    id::{Fence, RotationId, VersionId},
    notifier::Phase,
    rotation::{
        Action, ConsumerIndex, Event, History, IllegalRecord, NewRecord, Next, Record, RotationSpec, Started,
        StepFacts, StoreIndex, VersionFact,
    },
    value::SecretValue,
};

pub(super) const ROTATION: [u8; 16] = [7; 16];

/// The records so far, what they fold to, and the clock of whoever writes them.
#[derive(Clone)]
pub(super) struct Story {
    pub(super) records: Vec<Record>,
    pub(super) history: History,
    pub(super) now: Timestamp,
}

impl Story {
    pub(super) fn of(spec: RotationSpec) -> Self {
        let now: Timestamp = "2026-03-01T02:00:00Z".parse().unwrap();
        let first = Record {
            seq: 1,
            body: NewRecord {
                rotation: RotationId::from_random(ROTATION),
                secret: spec.secret.clone(),
                at: now,
                fence: Fence(1),
                event: Event::Started(Box::new(Started {
                    spec,
                    reason: "older than 30 days".to_owned(),
                    initiator: "daemon".into(),
                })),
            },
        };
        Self { history: History::begin(&first).unwrap(), records: vec![first], now }
    }

    /// The record that `event` would become here.
    pub(super) fn record(&self, event: Event) -> Record {
        Record {
            seq: self.records.len() as u64 + 1,
            body: NewRecord {
                rotation: self.history.id,
                secret: self.history.spec().secret.clone(),
                at: self.now,
                fence: Fence(1),
                event,
            },
        }
    }

    pub(super) fn offer(&mut self, event: Event) -> Result<(), IllegalRecord> {
        let record = self.record(event);
        self.history.apply(&record)?;
        self.records.push(record);
        Ok(())
    }

    /// Writes `event`, which must be legal here.
    #[track_caller]
    pub(super) fn write(&mut self, event: Event) -> &mut Self {
        self.offer(event).unwrap();
        self
    }

    pub(super) fn pass_time(&mut self, seconds: i64) -> &mut Self {
        self.now += SignedDuration::from_secs(seconds);
        self
    }

    /// Writes the intent of the action at hand and returns it.
    #[track_caller]
    pub(super) fn begin(&mut self) -> Action {
        let action = self.history.action().expect("an action is left to do");
        self.write(Event::Begin { action });
        action
    }

    #[track_caller]
    pub(super) fn fail(&mut self, kind: ErrorKind, effect: Effect) -> &mut Self {
        let action = self.history.in_flight.expect("an action is in flight");
        self.write(Event::Failed { action, kind, effect, message: "it said no".to_owned() })
    }

    /// Does the action at hand, waiting for it if it has to wait.
    #[track_caller]
    pub(super) fn step(&mut self) -> Action {
        let action = self.history.action().expect("an action is left to do");
        match self.history.next(self.now) {
            Next::Wait { until, .. } => {
                self.now = until;
                return self.step();
            }
            Next::Act { .. } => {
                self.write(Event::Begin { action });
            }
            Next::Pass(_) => {}
            Next::TurnBack { .. }
            | Next::Park { .. }
            | Next::Parked
            | Next::Finish(_)
            | Next::Finished(_) => {
                panic!("nothing to do: {:?}", self.history.next(self.now))
            }
        }
        self.write(Event::Done { action, facts: facts_of(action) });
        action
    }

    /// Does the first `count` actions of the present direction.
    #[track_caller]
    pub(super) fn steps(&mut self, count: usize) -> &mut Self {
        for _ in 0..count {
            self.step();
        }
        self
    }

    /// Does everything up to and without the first action that `wanted` picks.
    #[track_caller]
    pub(super) fn up_to(&mut self, wanted: impl Fn(Action) -> bool) -> &mut Self {
        while !wanted(self.history.action().expect("the wanted action lies ahead")) {
            self.step();
        }
        self
    }

    #[track_caller]
    pub(super) fn turn_back(&mut self) -> &mut Self {
        self.write(turn_back())
    }

    pub(super) fn route(&self) -> &[Action] {
        self.history.progress().0
    }
}

pub(super) fn turn_back() -> Event {
    Event::UndoBegan { reason: "the operator said so".to_owned(), initiator: "ann@ops".into() }
}

pub(super) fn parked() -> Event {
    Event::Parked { reason: "a person is needed".to_owned() }
}

pub(super) fn released() -> Event {
    Event::Released { initiator: "ann@ops".into() }
}

pub(super) fn cut() -> Event {
    Event::OverlapCut { initiator: "ann@ops".into(), reason: "the old value leaked".to_owned() }
}

pub(super) fn vouched(phase: Phase) -> Event {
    Event::AdoptionVouched {
        consumer: ConsumerIndex(0),
        phase,
        initiator: "ann@ops".into(),
        reason: "restarted by hand".to_owned(),
    }
}

pub(super) fn failed(action: Action, kind: ErrorKind, effect: Effect) -> Event {
    Event::Failed { action, kind, effect, message: "it said no".to_owned() }
}

pub(super) fn done(action: Action) -> Event {
    Event::Done { action, facts: facts_of(action) }
}

/// What an action learns where every store had a value before.
pub(super) fn facts_of(action: Action) -> StepFacts {
    match action {
        Action::Mint => staged(StoreIndex::PRIMARY),
        Action::Stage(store) => staged(store),
        Action::Look => StepFacts { generation: Some("7".into()), ..StepFacts::default() },
        Action::Adopt(..) => StepFacts::evidence("the process started after the promote"),
        Action::Apply
        | Action::Verify
        | Action::PublishNext(_)
        | Action::Promote(_)
        | Action::Notify(..)
        | Action::Overlap
        | Action::Revoke
        | Action::Confirm
        | Action::Retire(_)
        | Action::Unpromote(_)
        | Action::Unapply
        | Action::Discard(_) => StepFacts::default(),
    }
}

fn staged(store: StoreIndex) -> StepFacts {
    let version = |value: &[u8], number: u16| VersionFact {
        id: VersionId::new(format!("{}-{number}", store.0)),
        fingerprint: Fingerprinter::plain().of(&SecretValue::copy_from(value)),
        identity: None,
    };
    StepFacts { new: Some(version(b"new", 2)), old: Some(version(b"old", 1)), ..StepFacts::default() }
}
