//! A directory with a journal in it, a clock that tests set, and records that mean something.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use futures::executor::block_on;
use jiff::{SignedDuration, Timestamp};
use keywheel_core::{
    Clock, Initiator, OsEntropy, Result, RotationId, SecretName,
    journal::{Acquired, Journal, Lease},
    rotation::{
        Action, Event, Flow, Location, NewRecord, Outcome, Record, RetryPolicy, RotationSpec, Source,
        Started, StoreIndex, StoreRef,
    },
};
use keywheel_journal_sqlite::SqliteJournal;
use tempfile::TempDir;

pub(crate) const MINUTE: Duration = Duration::from_mins(1);

/// Stands still until a test moves it.
pub(crate) struct TestClock(Mutex<Timestamp>);

impl TestClock {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self(Mutex::new("2026-03-01T00:00:00Z".parse().unwrap())))
    }

    pub(crate) fn jump(&self, by: SignedDuration) {
        let mut now = self.0.lock().unwrap();
        *now = now.checked_add(by).unwrap();
    }
}

#[async_trait]
impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        *self.0.lock().unwrap()
    }

    fn running(&self) -> Duration {
        Duration::ZERO
    }

    async fn sleep(&self, _: Duration) {}
}

/// A place for a journal, removed afterwards.
pub(crate) struct Place {
    pub(crate) directory: TempDir,
    pub(crate) clock: Arc<TestClock>,
}

impl Place {
    pub(crate) fn new() -> Self {
        Self { directory: tempfile::tempdir().unwrap(), clock: TestClock::new() }
    }

    pub(crate) fn path(&self) -> PathBuf {
        journal_in(self.directory.path())
    }

    pub(crate) fn open(&self) -> Arc<SqliteJournal> {
        self.try_open().unwrap()
    }

    pub(crate) fn try_open(&self) -> Result<Arc<SqliteJournal>> {
        open(&self.path(), &self.clock)
    }
}

pub(crate) fn journal_in(directory: &Path) -> PathBuf {
    directory.join("state").join("journal.db")
}

pub(crate) fn open(path: &Path, clock: &Arc<TestClock>) -> Result<Arc<SqliteJournal>> {
    SqliteJournal::open(path, Arc::clone(clock) as Arc<dyn Clock>, &OsEntropy)
}

pub(crate) fn secret(number: usize) -> SecretName {
    SecretName::new(format!("secret-{number}"))
}

pub(crate) fn rotation(number: usize) -> RotationId {
    let mut bytes = [0; 16];
    bytes[8..].copy_from_slice(&u64::try_from(number).unwrap().to_be_bytes());
    RotationId::from_random(bytes)
}

pub(crate) fn initiator() -> Initiator {
    Initiator::from("tester@host")
}

pub(crate) fn lease(journal: &SqliteJournal, secret: &SecretName) -> Lease {
    match block_on(journal.acquire(secret, &initiator(), MINUTE)).unwrap() {
        Acquired::Yes(lease) | Acquired::TakenOver(lease) => lease,
        Acquired::HeldBy(holder) => panic!("held by {holder:?}"),
    }
}

/// A record of rotation `number` under `lease`.
pub(crate) fn record(lease: &Lease, number: usize, event: Event) -> NewRecord {
    NewRecord {
        rotation: rotation(number),
        secret: lease.secret.clone(),
        at: "2026-03-01T00:00:00.123456789Z".parse().unwrap(),
        fence: lease.fence,
        event,
    }
}

pub(crate) fn append(journal: &SqliteJournal, lease: &Lease, number: usize, event: Event) -> Result<Record> {
    block_on(journal.append(lease, record(lease, number, event)))
}

pub(crate) fn started(lease: &Lease) -> Event {
    Event::Started(Box::new(Started {
        spec: RotationSpec {
            secret: lease.secret.clone(),
            flow: Flow::Credential,
            source: Source::Provided,
            stores: vec![StoreRef {
                store: "app-dir".into(),
                location: Location { key: "db_password".into(), next: None, previous: None },
            }],
            target: None,
            consumers: Vec::new(),
            overlap: MINUTE,
            retry: RetryPolicy::default(),
        },
        reason: "it is 31 days old, and its policy says 30".to_owned(),
        initiator: initiator(),
    }))
}

pub(crate) fn begin() -> Event {
    Event::Begin { action: Action::Stage(StoreIndex::PRIMARY) }
}

pub(crate) fn finished(outcome: Outcome, rotated_at: Option<&str>, current: Option<&str>) -> Event {
    Event::Finished {
        outcome,
        rotated_at: rotated_at.map(|text| text.parse().unwrap()),
        current: current.map(|text| text.parse().unwrap()),
    }
}

/// Every record of the journal.
pub(crate) fn all(journal: &SqliteJournal) -> Vec<Record> {
    block_on(journal.since(0, usize::MAX)).unwrap()
}
