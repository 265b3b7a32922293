//! A small journal with something of everything: the same in every process but for process ids and `SQLite`'s salts.

use std::{
    env,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use jiff::Timestamp;
use keywheel_core::{
    Clock, Effect, ErrorKind, Initiator, RotationId, SecretName,
    journal::{Acquired, Journal, Lease},
    rotation::{
        Action, Event, Flow, History, Location, NewRecord, Next, Outcome, RetryPolicy, RotationSpec, Source,
        Started, StepFacts, StoreRef, VersionFact,
    },
};
use keywheel_journal_sqlite::SqliteJournal;
use keywheel_testkit::{ManualClock, SeededEntropy};
use tempfile::TempDir;
use tokio::runtime::Runtime;

/// Runs what the journal and the audit are asked.
pub(crate) fn runtime() -> Runtime {
    tokio::runtime::Builder::new_current_thread().build().expect("a runtime without I/O")
}

/// A directory in memory where there is one: nothing here is about disks, and thousands of inputs are tried a second.
pub(crate) fn scratch() -> TempDir {
    let memory = Path::new("/dev/shm");
    let place = if memory.is_dir() { memory.to_path_buf() } else { env::temp_dir() };
    tempfile::Builder::new().prefix("keywheel-fuzz-").tempdir_in(place).expect("a directory to work in")
}

pub(crate) fn clock() -> Arc<dyn Clock> {
    Arc::new(ManualClock::at(at(0)))
}

pub(crate) fn path_in(directory: &Path) -> PathBuf {
    directory.join("journal.db")
}

pub(crate) fn open(path: &Path) -> keywheel_core::Result<Arc<SqliteJournal>> {
    SqliteJournal::open(path, clock(), &SeededEntropy::new(1))
}

/// Every secret of the story, and one that it does not have.
pub(crate) fn secrets() -> [SecretName; 4] {
    ["db", "api", "web", "none"].map(SecretName::from)
}

/// Every rotation of the story, and one that it does not have.
pub(crate) fn rotations() -> [RotationId; 4] {
    [1, 2, 3, 9].map(|number| RotationId::from_bytes([number; 16]))
}

/// One rotation, recorded as it goes.
pub(crate) struct Teller<'a> {
    runtime: &'a Runtime,
    journal: &'a SqliteJournal,
    lease: Lease,
    history: History,
    records: i64,
}

impl<'a> Teller<'a> {
    pub(crate) fn begin(runtime: &'a Runtime, journal: &'a SqliteJournal, secret: &str, number: u8) -> Self {
        let initiator = Initiator::from("ann@host");
        let lifetime = Duration::from_mins(1);
        let secret = SecretName::from(secret);
        let lease = match runtime.block_on(journal.acquire(&secret, &initiator, lifetime)) {
            Ok(Acquired::Yes(lease)) => lease,
            other => panic!("no lease: {other:?}"),
        };
        let started = Event::Started(Box::new(Started {
            spec: spec(&secret),
            reason: "90 days old".to_owned(),
            initiator,
        }));
        let rotation = RotationId::from_bytes([number; 16]);
        let body = NewRecord {
            rotation,
            secret,
            at: at(i64::from(number) * 1000),
            fence: lease.fence,
            event: started,
        };
        let record = runtime.block_on(journal.append(&lease, body)).expect("a first record");
        Self { runtime, journal, lease, history: History::begin(&record).expect("a beginning"), records: 0 }
    }

    fn tell(&mut self, event: Event) {
        self.records += 1;
        let [number, ..] = *self.history.id.as_bytes();
        let body = NewRecord {
            rotation: self.history.id,
            secret: self.lease.secret.clone(),
            at: at(i64::from(number) * 1000 + self.records),
            fence: self.lease.fence,
            event,
        };
        let record = self.runtime.block_on(self.journal.append(&self.lease, body)).expect("a record");
        self.history.apply(&record).expect("a record that follows");
    }

    /// Intent and outcome of the next action.
    pub(crate) fn step(&mut self) {
        let action = self.history.action().expect("something to do");
        self.tell(Event::Begin { action });
        let version = |id: &str, fingerprint: &str| {
            let fingerprint = fingerprint.parse().expect("a fingerprint");
            Some(VersionFact { id: id.into(), fingerprint, identity: None })
        };
        let facts = StepFacts {
            new: version("new", "aaaaaaaaaaaaaaaa"),
            old: version("old", "bbbbbbbbbbbbbbbb"),
            ..StepFacts::default()
        };
        let stages = matches!(action, Action::Stage(_));
        self.tell(Event::Done { action, facts: if stages { facts } else { StepFacts::default() } });
    }

    pub(crate) fn fail_and_turn_back(&mut self) {
        let action = self.history.action().expect("something to fail");
        self.tell(Event::Begin { action });
        let message = "stage: permission denied".to_owned();
        self.tell(Event::Failed {
            action,
            kind: ErrorKind::PermissionDenied,
            effect: Effect::NotApplied,
            message,
        });
        let initiator = Initiator::from("keywheel");
        self.tell(Event::UndoBegan { reason: "stage in mirror failed".to_owned(), initiator });
    }

    pub(crate) fn finish(mut self) {
        while let Some(action) = self.history.action() {
            if action == Action::Overlap {
                self.tell(Event::Done { action, facts: StepFacts::default() });
            } else {
                self.step();
            }
        }
        let Next::Finish(outcome) = self.history.next(Timestamp::MAX) else { panic!("not the end") };
        let rotated_at = (outcome == Outcome::Succeeded).then(|| at(2000));
        let current = Some("aaaaaaaaaaaaaaaa".parse().expect("a fingerprint"));
        self.tell(Event::Finished { outcome, rotated_at, current });
        self.leave();
    }

    /// Gives the lease back, so that no file says which process wrote it.
    pub(crate) fn leave(self) {
        self.runtime.block_on(self.journal.release(&self.lease)).expect("a lease given back");
    }
}

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_700_000_000 + seconds).expect("a time of this century")
}

fn spec(secret: &SecretName) -> RotationSpec {
    let store = |name: &str| StoreRef {
        store: name.into(),
        location: Location { key: secret.as_str().into(), next: None, previous: None },
    };
    RotationSpec {
        secret: secret.clone(),
        flow: Flow::Credential,
        source: Source::Provided,
        stores: vec![store("app-dir"), store("mirror")],
        target: None,
        consumers: Vec::new(),
        overlap: Duration::from_secs(5),
        retry: RetryPolicy::default(),
    }
}
