//! The audit's writer: brings the file up to the journal.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use keywheel_core::{
    Clock, Error, ErrorKind, Fingerprint, Initiator, Result, SecretName,
    journal::Journal,
    rotation::{Action, History, Record},
};

use super::{
    head::Head,
    line::{AuditEvent, AuditLine},
    lock::Lock,
    project::Projector,
    seal::Seal,
    show::{Filter, Shown, show},
    trail::Trail,
    verdict::AuditVerdict,
    verify::{damaged_note, verify},
};
use crate::keys::Keys;

/// How many records are read, projected and made durable at a time.
const CHUNK: usize = 1000;

/// The audit of one installation. Several processes may have one each over the same file.
pub struct Audit {
    path: PathBuf,
    keys: Keys,
    clock: Arc<dyn Clock>,
    /// Tasks of this process queue here in order; only one of them asks for the lock between processes.
    turn: tokio::sync::Mutex<()>,
}

/// The file under the lock, and what the journal has of it.
struct Opened {
    seal: Seal,
    trail: Trail,
    /// What the journal's note says.
    noted: Option<Head>,
    /// The newest record that has been looked at.
    covered: u64,
}

impl Audit {
    /// The audit at `path`, signed with `keys`. Touches nothing yet.
    pub fn new(path: &Path, keys: Keys, clock: Arc<dyn Clock>) -> Self {
        Self { path: path.to_owned(), keys, clock, turn: tokio::sync::Mutex::default() }
    }

    /// Appends a line for each record that the journal has and the file has not. Cheap when there is none: it looks at
    /// the end of the file only.
    ///
    /// The file is made when there is a first line: mode 0600, in a directory of mode 0700 if that is missing too.
    ///
    /// # Errors
    /// - `Corrupt` when the file is not the one that the journal knows, or the journal not the one that the file was
    ///   written from; nothing is appended then,
    /// - `Unsupported` when a newer keywheel wrote the file,
    /// - `Unavailable` when another process holds the file for too long, or the disk is full,
    /// - what the journal fails with.
    ///
    /// After a failure the next call goes on where this one got to.
    pub async fn catch_up(&self, journal: &dyn Journal) -> Result<()> {
        let _turn = self.turn.lock().await;
        self.caught_up(journal).await.map(drop)
    }

    /// Catches up, then appends a line for a read of a value outside a rotation. Call it before the value is read: a
    /// read of which the line cannot be written should not happen.
    ///
    /// The line tells of no record. Its `seq` is that of the newest record looked at. `fingerprint` is that of the
    /// value, if it is known by then.
    ///
    /// # Errors
    /// As [`Audit::catch_up`].
    pub async fn append_read(
        &self,
        journal: &dyn Journal,
        secret: &SecretName,
        why: &str,
        initiator: &Initiator,
        fingerprint: Option<Fingerprint>,
    ) -> Result<()> {
        self.append(journal, secret, |line| {
            line.fingerprint = fingerprint;
            line.initiator = Some(initiator.clone());
            line.reason = Some(why.to_owned());
        })
        .await
    }

    /// As [`Audit::append_read`], for a value that `history`'s rotation reads to hand it to a consumer in `action`. What a
    /// rotation reads for its stores and its target has no line of its own: the steps tell of that.
    ///
    /// # Errors
    /// As [`Audit::catch_up`].
    pub(crate) async fn append_handover(
        &self,
        journal: &dyn Journal,
        history: &History,
        action: Action,
        fingerprint: Fingerprint,
    ) -> Result<()> {
        self.append(journal, &history.spec().secret, |line| {
            line.rotation = Some(history.id);
            line.step = Some(action.describe(history.spec()));
            line.fingerprint = Some(fingerprint);
            line.initiator = Some(history.started.initiator.clone());
            line.reason = Some("hand the value to the consumer".to_owned());
        })
        .await
    }

    async fn append(
        &self,
        journal: &dyn Journal,
        secret: &SecretName,
        fill: impl FnOnce(&mut AuditLine),
    ) -> Result<()> {
        let _turn = self.turn.lock().await;
        let mut opened = self.caught_up(journal).await?;
        let mut line = AuditLine::new(self.clock.now(), AuditEvent::Read, secret.clone(), opened.covered);
        fill(&mut line);
        opened.trail.append(&opened.seal, vec![line])?;
        opened.note(journal).await
    }

    /// Reads the whole file and checks it against the journal's note. Keeps writers out meanwhile.
    ///
    /// # Errors
    /// When the file or the journal cannot be read. What is wrong with the audit is in the verdict.
    pub async fn verify(&self, journal: &dyn Journal) -> Result<AuditVerdict> {
        let lock = Lock::shared(&self.path, self.clock.as_ref()).await?;
        let seal = Seal::new(self.keys.audit());
        let (head, damage) = match Head::read(journal, &seal).await {
            Ok(head) => (head, None),
            // The file is checked all the same: whether it is whole is just what the operator wants to know then.
            Err(error) if error.kind == ErrorKind::Corrupt => (None, Some(error.message)),
            Err(error) => return Err(error),
        };
        let (path, keys) = (self.path.clone(), self.keys.clone());
        let mut verdict = off_the_runtime(move || {
            let _lock = lock;
            verify(&path, keys.audit(), head)
        })
        .await?;
        if let Some(message) = damage {
            damaged_note(&mut verdict, message);
        }
        Ok(verdict)
    }

    /// The lines that `filter` lets through; see [`show`].
    ///
    /// # Errors
    /// As [`show`].
    pub async fn show(&self, filter: Filter) -> Result<Shown> {
        let path = self.path.clone();
        off_the_runtime(move || show(&path, &filter)).await
    }

    async fn caught_up(&self, journal: &dyn Journal) -> Result<Opened> {
        let mut opened = self.open(journal).await?;
        let mut projector = Projector::new(journal);
        loop {
            let records = opened.next_records(journal).await?;
            let Some(last) = records.last() else { break };
            let last = last.seq;
            let mut lines = Vec::with_capacity(records.len());
            for record in &records {
                lines.extend(projector.line(record).await?);
            }
            if !lines.is_empty() {
                opened.trail.append(&opened.seal, lines)?;
            }
            opened.covered = last;
            opened.note(journal).await?;
        }
        // Lines of a process that died before it noted them.
        opened.note(journal).await?;
        Ok(opened)
    }

    async fn open(&self, journal: &dyn Journal) -> Result<Opened> {
        let lock = Lock::exclusive(&self.path, self.clock.as_ref()).await?;
        let seal = Seal::new(self.keys.audit());
        // Under the lock: a note read before it may be older than the file.
        let noted = Head::read(journal, &seal).await?;
        let head = noted.unwrap_or(Head::START);
        let trail = Trail::open(&self.path, lock, &seal, &head)?;
        let covered = trail.seq().max(head.seq);
        Ok(Opened { seal, trail, noted, covered })
    }
}

impl Opened {
    /// The next records that nobody looked at.
    ///
    /// The newest one that was is read with them, to see that it is still there. In a journal that was lost and begun
    /// anew, or put back from an older copy, new records get numbers that count as covered, and would never be audited.
    async fn next_records(&self, journal: &dyn Journal) -> Result<Vec<Record>> {
        if self.covered == 0 {
            return journal.since(0, CHUNK).await;
        }
        let mut records = journal.since(self.covered - 1, CHUNK + 1).await?;
        if records.first().is_none_or(|first| first.seq != self.covered) {
            return Err(Error::not_applied(
                ErrorKind::Corrupt,
                "read journal",
                format!(
                    "the audit covers the journal up to record {}, and the journal has no such record: it was lost, or \
                     put back from an older copy. Nothing was written to the audit. Put back the journal that belongs \
                     to it; if there is none, the runbook for a lost journal says how to begin both anew",
                    self.covered
                ),
            ));
        }
        records.remove(0);
        Ok(records)
    }

    /// Tells the journal where the file ends, unless it knows.
    async fn note(&mut self, journal: &dyn Journal) -> Result<()> {
        let head = self.trail.head(self.covered);
        if self.noted.unwrap_or(Head::START) != head {
            head.write(journal, &self.seal).await?;
            self.noted = Some(head);
        }
        Ok(())
    }
}

/// Runs `work`, which reads the whole file, where no task waits behind it.
async fn off_the_runtime<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        Err(error) => match error.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            Err(_) => {
                Err(Error::not_applied(ErrorKind::Unavailable, "read audit", "the process is shutting down"))
            }
        },
    }
}
