//! A journal in memory, with just what the audit asks of one, and the stories in it.

use std::{
    collections::HashMap,
    sync::{
        Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use jiff::Timestamp;
use keywheel_core::{
    Effect, Error, ErrorKind, Fence, Initiator, Result, RotationId, SecretName,
    journal::{Acquired, Journal, LastRotation, Lease},
    rotation::{
        Action, ConsumerSpec, Event, Flow, History, Location, NewRecord, Next, OnDeadline, Outcome, Record,
        RotationSpec, Source, Started, StepFacts, StoreRef, VersionFact,
    },
};

#[derive(Default)]
pub(super) struct MemoryJournal {
    pub(super) records: Mutex<Vec<Record>>,
    pub(super) notes: Mutex<HashMap<String, String>>,
    /// As if the process died before the note.
    pub(super) notes_fail: AtomicBool,
    /// What `since` was asked.
    pub(super) asked: Mutex<Vec<u64>>,
    /// Which rotations were loaded.
    pub(super) loaded: Mutex<Vec<RotationId>>,
    pub(super) notes_set: Mutex<usize>,
}

impl MemoryJournal {
    pub(super) fn push(&self, rotation: u8, secret: &str, event: Event) -> Record {
        let mut records = self.records.lock().unwrap();
        let seq = records.last().map_or(0, |last| last.seq) + 1;
        let record = Record {
            seq,
            body: NewRecord {
                rotation: id(rotation),
                secret: SecretName::from(secret),
                at: Timestamp::from_second(1_700_000_000 + i64::try_from(seq).unwrap()).unwrap(),
                fence: Fence(1),
                event,
            },
        };
        records.push(record.clone());
        record
    }

    /// Begins a rotation of two stores and one consumer.
    pub(super) fn begin(&self, secret: &str, rotation: u8) -> History {
        let record = self.push(
            rotation,
            secret,
            Event::Started(Box::new(Started {
                spec: spec(secret),
                reason: "90 days old".to_owned(),
                initiator: Initiator::from("daemon"),
            })),
        );
        History::begin(&record).unwrap()
    }

    pub(super) fn go_on(&self, history: &mut History, event: Event) {
        let [rotation, ..] = *history.id.as_bytes();
        let secret = history.spec().secret.clone();
        let record = self.push(rotation, secret.as_str(), event);
        history.apply(&record).unwrap();
    }

    /// The intent and the outcome of the action at hand.
    pub(super) fn step(&self, history: &mut History) {
        let action = history.action().unwrap();
        self.go_on(history, Event::Begin { action });
        let facts = if let Action::Stage(_) = action {
            StepFacts {
                new: Some(version("new", "aaaaaaaaaaaaaaaa")),
                old: Some(version("old", "bbbbbbbbbbbbbbbb")),
                ..StepFacts::default()
            }
        } else {
            StepFacts::default()
        };
        self.go_on(history, Event::Done { action, facts });
    }

    /// Of its 22 records 15 have a line: the others are intents.
    pub(super) fn rotation_that_succeeds(&self, secret: &str, rotation: u8) {
        let mut history = self.begin(secret, rotation);
        let person = || Initiator::from("ann@host");
        while let Some(action) = history.action() {
            if let Action::Adopt(consumer, phase) = action {
                self.go_on(&mut history, Event::Parked { reason: "nobody moved".to_owned() });
                self.go_on(&mut history, Event::Released { initiator: person() });
                let (initiator, reason) = (person(), "seen in its log".to_owned());
                self.go_on(&mut history, Event::AdoptionVouched { consumer, phase, initiator, reason });
                let facts = StepFacts::evidence("vouched for: seen in its log");
                self.go_on(&mut history, Event::Done { action, facts });
            } else if action == Action::Overlap {
                let reason = "no need to wait".to_owned();
                self.go_on(&mut history, Event::OverlapCut { initiator: person(), reason });
                self.go_on(&mut history, Event::Done { action, facts: StepFacts::default() });
            } else {
                self.step(&mut history);
            }
        }
        self.finish(&mut history, Outcome::Succeeded);
    }

    pub(super) fn rotation_that_is_undone(&self, secret: &str, rotation: u8) {
        let mut history = self.begin(secret, rotation);
        self.step(&mut history);
        let action = history.action().unwrap();
        self.go_on(&mut history, Event::Begin { action });
        self.go_on(
            &mut history,
            Event::Failed {
                action,
                kind: ErrorKind::PermissionDenied,
                effect: Effect::NotApplied,
                message: "stage: permission denied (store: mirror)".to_owned(),
            },
        );
        let reason = "stage in mirror failed".to_owned();
        self.go_on(&mut history, Event::UndoBegan { reason, initiator: Initiator::from("keywheel") });
        while history.action().is_some() {
            self.step(&mut history);
        }
        self.finish(&mut history, Outcome::RolledBack);
    }

    fn finish(&self, history: &mut History, outcome: Outcome) {
        assert_eq!(history.next(Timestamp::MAX), Next::Finish(outcome));
        self.go_on(history, Event::Finished { outcome, rotated_at: None, current: None });
    }

    pub(super) fn lines(&self) -> u64 {
        let records = self.records.lock().unwrap();
        records.iter().filter(|record| !matches!(record.body.event, Event::Begin { .. })).count() as u64
    }

    pub(super) fn last_seq(&self) -> u64 {
        self.records.lock().unwrap().last().map_or(0, |last| last.seq)
    }
}

pub(super) fn id(rotation: u8) -> RotationId {
    RotationId::from_bytes([rotation; 16])
}

fn version(id: &str, fingerprint: &str) -> VersionFact {
    VersionFact { id: id.into(), fingerprint: fingerprint.parse().unwrap(), identity: None }
}

fn spec(secret: &str) -> RotationSpec {
    let store = |name: &str| StoreRef {
        store: name.into(),
        location: Location { key: secret.into(), next: None, previous: None },
    };
    RotationSpec {
        secret: secret.into(),
        flow: Flow::Credential,
        source: Source::Provided,
        stores: vec![store("app-dir"), store("mirror")],
        target: None,
        consumers: vec![ConsumerSpec {
            name: "web".into(),
            deadline: Duration::from_secs(5),
            on_deadline: OnDeadline::Park,
        }],
        overlap: Duration::from_secs(5),
        retry: keywheel_core::rotation::RetryPolicy::default(),
    }
}

#[async_trait]
impl Journal for MemoryJournal {
    async fn append(&self, _lease: &Lease, _record: NewRecord) -> Result<Record> {
        unreachable!("the audit writes no records")
    }

    async fn unfinished(&self) -> Result<Vec<Vec<Record>>> {
        unreachable!("the audit reads records by number")
    }

    async fn unfinished_of(&self, _secret: &SecretName) -> Result<Vec<Record>> {
        unreachable!("the audit reads records by number")
    }

    async fn records(&self, rotation: RotationId) -> Result<Vec<Record>> {
        self.loaded.lock().unwrap().push(rotation);
        let records = self.records.lock().unwrap();
        Ok(records.iter().filter(|record| record.body.rotation == rotation).cloned().collect())
    }

    async fn rotations_of(&self, _secret: &SecretName, _limit: usize) -> Result<Vec<RotationId>> {
        unreachable!("the audit reads records by number")
    }

    async fn last_rotations(&self) -> Result<Vec<LastRotation>> {
        unreachable!("the audit reads records by number")
    }

    async fn last_rotation(&self, _secret: &SecretName) -> Result<Option<LastRotation>> {
        unreachable!("the audit reads records by number")
    }

    async fn since(&self, seq: u64, limit: usize) -> Result<Vec<Record>> {
        self.asked.lock().unwrap().push(seq);
        let records = self.records.lock().unwrap();
        let from = records.partition_point(|record| record.seq <= seq);
        Ok(records[from..].iter().take(limit).cloned().collect())
    }

    async fn note(&self, name: &str) -> Result<Option<String>> {
        Ok(self.notes.lock().unwrap().get(name).cloned())
    }

    async fn set_note(&self, name: &str, text: &str) -> Result<()> {
        if self.notes_fail.load(Ordering::Relaxed) {
            return Err(Error::not_applied(ErrorKind::Unavailable, "set note", "the process died here"));
        }
        *self.notes_set.lock().unwrap() += 1;
        self.notes.lock().unwrap().insert(name.to_owned(), text.to_owned());
        Ok(())
    }

    async fn acquire(
        &self,
        _secret: &SecretName,
        _initiator: &Initiator,
        _lifetime: Duration,
    ) -> Result<Acquired> {
        unreachable!("the audit needs no lease")
    }

    async fn release(&self, _lease: &Lease) -> Result<()> {
        unreachable!("the audit needs no lease")
    }
}
