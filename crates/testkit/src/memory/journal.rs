//! A journal in memory that several processes share.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

use async_trait::async_trait;
use keywheel_core::{
    Clock, Error, ErrorKind, Fence, Initiator, Result, RotationId, SecretName,
    journal::{Acquired, Holder, Journal, LastRotation, Lease},
    rotation::{Event, NewRecord, RECORD_FORMAT, Record},
};

use super::lock::lock;
use crate::clock::ManualClock;

/// The reference model of [`Journal`]: one process's handle. Clones are the same process;
/// [`MemoryJournal::another_process`] is another one over the same storage.
///
/// Records go through JSON on their way in, so that whatever does not survive serialisation shows here.
#[derive(Clone, Debug)]
pub struct MemoryJournal {
    storage: Arc<Mutex<Storage>>,
    clock: ManualClock,
    process: u64,
    compares_fences: bool,
}

#[derive(Debug, Default)]
struct Storage {
    records: Vec<Record>,
    notes: BTreeMap<String, String>,
    leases: BTreeMap<SecretName, Held>,
    fences: BTreeMap<SecretName, u64>,
    processes: u64,
    /// Processes that gave no sign of life since this running time.
    silent: BTreeMap<u64, Duration>,
    /// Secrets whose lease was taken from a living process, and was not given back since.
    taken_over: BTreeSet<SecretName>,
}

#[derive(Clone, Debug)]
struct Held {
    process: u64,
    fence: Fence,
    holder: Holder,
    lifetime: Duration,
    /// Whoever judges by a clock that jumped takes it for expired.
    looks_expired: bool,
}

impl MemoryJournal {
    /// An empty journal whose leases live by `clock`.
    pub fn new(clock: ManualClock) -> Self {
        Self { storage: Arc::default(), clock, process: 0, compares_fences: true }
    }

    /// A handle that writes under any lease: broken on purpose, to see what notices.
    #[must_use]
    pub fn without_fencing(&self) -> Self {
        Self { compares_fences: false, ..self.clone() }
    }

    /// Another process over the same storage.
    #[must_use]
    pub fn another_process(&self) -> Self {
        let mut storage = lock(&self.storage);
        storage.processes += 1;
        Self { process: storage.processes, ..self.clone() }
    }

    /// From outside: the process stops giving signs of life: it was killed, or it is stuck. Its handle still works,
    /// as that of a process does which was only stuck.
    pub fn fall_silent(&self) {
        lock(&self.storage).silent.insert(self.process, self.clock.running());
    }

    /// From outside: the process is gone, and everybody sees that it is.
    pub fn end(&self) {
        lock(&self.storage).leases.retain(|_, held| held.process != self.process);
    }

    /// From outside: its leases look expired to others, while it runs on and knows nothing of it: as when the clock by
    /// which others judge jumps forward.
    pub fn look_expired(&self) {
        let mut storage = lock(&self.storage);
        for held in storage.leases.values_mut().filter(|held| held.process == self.process) {
            held.looks_expired = true;
        }
    }

    /// From outside: the greatest fence that was ever given out for `secret`; 0 before the first.
    pub fn newest_fence(&self, secret: &SecretName) -> u64 {
        lock(&self.storage).fences.get(secret).copied().unwrap_or_default()
    }

    /// From outside: a stuck process comes back.
    pub fn come_back(&self) {
        lock(&self.storage).silent.remove(&self.process);
    }

    /// What a file of this journal would hold: its format, then one record a line.
    pub fn lines(&self) -> Vec<String> {
        let mut lines = vec![format!("format {RECORD_FORMAT}")];
        let records = &lock(&self.storage).records;
        lines.extend(records.iter().map(|record| serde_json::to_string(record).unwrap_or_default()));
        lines
    }

    /// Opens what [`MemoryJournal::lines`] gave, as the first process after every other one is gone.
    ///
    /// # Errors
    /// `Corrupt` for lines that are damaged, `Unsupported` for those of a newer format.
    pub fn from_lines(lines: &[String], clock: ManualClock) -> Result<Self> {
        let format = lines.first().and_then(|line| line.strip_prefix("format ")?.parse::<u16>().ok());
        match format {
            None => return Err(Error::not_applied(ErrorKind::Corrupt, "open journal", "it says no format")),
            Some(format) if format > RECORD_FORMAT => {
                return Err(Error::not_applied(
                    ErrorKind::Unsupported,
                    "open journal",
                    "a newer keywheel wrote it",
                ));
            }
            Some(_) => {}
        }
        let journal = Self::new(clock);
        journal.storage().records = lines[1..].iter().map(|line| parsed(line)).collect::<Result<_>>()?;
        Ok(journal)
    }

    /// From outside: every record, in order.
    pub fn all_records(&self) -> Vec<Record> {
        lock(&self.storage).records.clone()
    }

    /// From outside: looks at every record, in order, without a copy.
    pub fn inspect<T>(&self, look: impl FnOnce(&[Record]) -> T) -> T {
        look(&lock(&self.storage).records)
    }

    fn storage(&self) -> MutexGuard<'_, Storage> {
        lock(&self.storage)
    }
}

impl Storage {
    fn select(&self, wanted: impl Fn(&Record) -> bool) -> Vec<Record> {
        self.records.iter().filter(|record| wanted(record)).cloned().collect()
    }

    /// The records of every unfinished rotation, oldest first.
    fn unfinished(&self) -> Vec<Vec<Record>> {
        let finished: BTreeSet<RotationId> = self
            .records
            .iter()
            .filter(|record| finishes(record))
            .map(|record| record.body.rotation)
            .collect();
        let mut rotations: Vec<Vec<Record>> = Vec::new();
        for record in self.records.iter().filter(|record| !finished.contains(&record.body.rotation)) {
            match rotations.iter_mut().find(|rotation| rotation[0].body.rotation == record.body.rotation) {
                Some(rotation) => rotation.push(record.clone()),
                None => rotations.push(vec![record.clone()]),
            }
        }
        rotations
    }

    fn last_rotations(&self) -> Vec<LastRotation> {
        let mut last: BTreeMap<&SecretName, LastRotation> = BTreeMap::new();
        for record in &self.records {
            let Event::Finished { outcome, rotated_at, current } = &record.body.event else { continue };
            let secret = &record.body.secret;
            let before = last.get(secret).and_then(|last| last.rotated_at);
            last.insert(
                secret,
                LastRotation {
                    secret: secret.clone(),
                    rotation: record.body.rotation,
                    outcome: *outcome,
                    finished_at: record.body.at,
                    rotated_at: before.max(*rotated_at),
                    current: *current,
                },
            );
        }
        last.into_values().collect()
    }

    /// The answer to whoever has the lease of `secret` now.
    fn acquired(&self, secret: &SecretName, fence: Fence) -> Acquired {
        let lease = Lease { secret: secret.clone(), fence };
        if self.taken_over.contains(secret) { Acquired::TakenOver(lease) } else { Acquired::Yes(lease) }
    }

    fn expired(&self, held: &Held, running: Duration) -> bool {
        held.looks_expired
            || self
                .silent
                .get(&held.process)
                .is_some_and(|since| running >= since.saturating_add(held.lifetime))
    }
}

/// One line of [`MemoryJournal::lines`].
fn parsed(line: &str) -> Result<Record> {
    serde_json::from_str(line)
        .map_err(|error| Error::not_applied(ErrorKind::Corrupt, "read journal", error.to_string()))
}

fn finishes(record: &Record) -> bool {
    matches!(record.body.event, Event::Finished { .. })
}

#[async_trait]
impl Journal for MemoryJournal {
    async fn append(&self, lease: &Lease, record: NewRecord) -> Result<Record> {
        let mut storage = self.storage();
        let ours = storage
            .leases
            .get(&lease.secret)
            .is_some_and(|held| held.process == self.process && held.fence == lease.fence);
        if (!ours && self.compares_fences) || record.secret != lease.secret {
            return Err(Error::not_applied(ErrorKind::Fenced, "append", "the lease is not held any more")
                .with("secret", &lease.secret));
        }
        let record = Record { seq: storage.records.len() as u64 + 1, body: record };
        let line = serde_json::to_string(&record)
            .map_err(|error| Error::not_applied(ErrorKind::Internal, "append", error.to_string()))?;
        storage.records.push(parsed(&line)?);
        Ok(record)
    }

    async fn unfinished(&self) -> Result<Vec<Vec<Record>>> {
        Ok(self.storage().unfinished())
    }

    async fn unfinished_of(&self, secret: &SecretName) -> Result<Vec<Record>> {
        let unfinished = self.storage().unfinished();
        Ok(unfinished.into_iter().rfind(|records| records[0].body.secret == *secret).unwrap_or_default())
    }

    async fn records(&self, rotation: RotationId) -> Result<Vec<Record>> {
        Ok(self.storage().select(|record| record.body.rotation == rotation))
    }

    async fn rotations_of(&self, secret: &SecretName, limit: usize) -> Result<Vec<RotationId>> {
        let starts = self
            .storage()
            .select(|record| record.body.secret == *secret && matches!(record.body.event, Event::Started(_)));
        Ok(starts.iter().rev().take(limit).map(|record| record.body.rotation).collect())
    }

    async fn last_rotations(&self) -> Result<Vec<LastRotation>> {
        Ok(self.storage().last_rotations())
    }

    async fn last_rotation(&self, secret: &SecretName) -> Result<Option<LastRotation>> {
        Ok(self.storage().last_rotations().into_iter().find(|last| last.secret == *secret))
    }

    async fn since(&self, seq: u64, limit: usize) -> Result<Vec<Record>> {
        let mut records = self.storage().select(|record| record.seq > seq);
        records.truncate(limit);
        Ok(records)
    }

    async fn note(&self, name: &str) -> Result<Option<String>> {
        Ok(self.storage().notes.get(name).cloned())
    }

    async fn set_note(&self, name: &str, text: &str) -> Result<()> {
        self.storage().notes.insert(name.to_owned(), text.to_owned());
        Ok(())
    }

    async fn acquire(
        &self,
        secret: &SecretName,
        initiator: &Initiator,
        lifetime: Duration,
    ) -> Result<Acquired> {
        let now = self.clock.now();
        let running = self.clock.running();
        let mut storage = self.storage();
        if let Some(held) = storage.leases.get(secret).cloned() {
            if held.process == self.process {
                return Ok(storage.acquired(secret, held.fence));
            }
            if !storage.expired(&held, running) {
                return Ok(Acquired::HeldBy(held.holder));
            }
            storage.taken_over.insert(secret.clone());
        }
        let newest = storage.fences.entry(secret.clone()).or_default();
        *newest += 1;
        let fence = Fence(*newest);
        let holder = Holder { initiator: initiator.clone(), since: now };
        let held = Held { process: self.process, fence, holder, lifetime, looks_expired: false };
        storage.leases.insert(secret.clone(), held);
        Ok(storage.acquired(secret, fence))
    }

    async fn release(&self, lease: &Lease) -> Result<()> {
        let mut storage = self.storage();
        let ours = |held: &Held| held.process == self.process && held.fence == lease.fence;
        if storage.leases.get(&lease.secret).is_some_and(ours) {
            storage.leases.remove(&lease.secret);
            storage.taken_over.remove(&lease.secret);
        }
        Ok(())
    }
}
