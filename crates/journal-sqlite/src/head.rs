//! `journal.db.head`: what the journal must hold at least.
//!
//! `SQLite` takes a write-ahead log whose tail was cut for one whose last commits never happened, and opens. Those commits
//! were acknowledged: the effects they announced may exist. So after each commit, and before anybody hears of it, its
//! number is written here; a journal that turns out to be behind its head is refused.
//!
//! Two slots, a file-system block apart and written in turn, each with its checksum: a write that was torn by a crash
//! spoils the slot of a commit that nobody heard of, and the other one still stands. The file never changes its length,
//! so that `fdatasync` writes one block and no metadata.

use std::{
    fs::{File, TryLockError},
    io,
    os::unix::fs::FileExt,
    path::Path,
    time::Duration,
};

use sha2::{Digest, Sha256};

use crate::{
    fault::Fault,
    files::{self, Files},
    state::{DIGEST_LEN, JournalId, RecordDigest},
};

/// How long a lock may be somebody else's before the call gives up; `SQLite`'s own locks and ours alike.
pub(crate) const LOCK_PATIENCE: Duration = Duration::from_secs(5);

const LOCK_POLL: Duration = Duration::from_millis(2);
const MAGIC: [u8; 8] = *b"KWHEAD\x00\x01";
const SLOT_SPACING: u64 = 4096;
const SLOTS: u64 = 2;
const FILE_LEN: u64 = SLOT_SPACING * SLOTS;
const BODY_LEN: usize = 8 + 8 + 16 + 8 + 8 + DIGEST_LEN + 8;
const SLOT_LEN: usize = BODY_LEN + 16;

/// What was durable when it was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Head {
    /// Counts writes of this file, and so says which slot is newer.
    stamp: u64,
    /// Which journal.
    pub(crate) journal: JournalId,
    /// How many commits.
    pub(crate) generation: u64,
    /// The newest record's number; 0 for none.
    pub(crate) seq: u64,
    /// The newest record's digest; zero for none.
    pub(crate) digest: RecordDigest,
    /// How long the database file was after the last complete checkpoint. It only grows.
    pub(crate) database_len: u64,
}

impl Head {
    pub(crate) fn new(journal: JournalId, database_len: u64) -> Self {
        Self { stamp: 0, journal, generation: 0, seq: 0, digest: [0; DIGEST_LEN], database_len }
    }

    fn encode(&self) -> [u8; SLOT_LEN] {
        let mut slot = Vec::with_capacity(SLOT_LEN);
        slot.extend_from_slice(&MAGIC);
        slot.extend_from_slice(&self.stamp.to_le_bytes());
        slot.extend_from_slice(&self.journal.0);
        slot.extend_from_slice(&self.generation.to_le_bytes());
        slot.extend_from_slice(&self.seq.to_le_bytes());
        slot.extend_from_slice(&self.digest);
        slot.extend_from_slice(&self.database_len.to_le_bytes());
        let checksum = Sha256::digest(&slot);
        slot.extend_from_slice(&checksum[..16]);
        slot.try_into().expect("the fields add up to a slot")
    }

    fn decode(slot: &[u8; SLOT_LEN]) -> Option<Self> {
        let (body, checksum) = slot.split_at(BODY_LEN);
        if body[..8] != MAGIC || Sha256::digest(body)[..16] != *checksum {
            return None;
        }
        let number = |at: usize| body.get(at..at + 8)?.try_into().ok().map(u64::from_le_bytes);
        Some(Self {
            stamp: number(8)?,
            journal: JournalId(body.get(16..32)?.try_into().ok()?),
            generation: number(32)?,
            seq: number(40)?,
            digest: body.get(48..48 + DIGEST_LEN)?.try_into().ok()?,
            database_len: number(48 + DIGEST_LEN)?,
        })
    }
}

/// What is found where the head file should be.
#[derive(Debug)]
pub(crate) enum Found {
    /// Nothing.
    Missing,
    /// An empty file: its creator died before it had anything to say.
    Blank,
    /// The newest head.
    Head(Head),
}

/// Reads the head without a lock: a slot that is being written at this moment fails its checksum, and the other stands.
/// Only a file that makes no sense is looked at again under the lock, since it may be in the making.
pub(crate) fn look(files: &Files) -> Result<Found, Fault> {
    let file = match File::open(files.head()) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Found::Missing),
        Err(error) => return Err(Fault::io("read the journal's head", &error)),
    };
    read(&file).or_else(|_| {
        // Freed when the file is closed, below.
        wait_for(|| taken(file.try_lock_shared()))?;
        read(&file)
    })
}

/// The head file of a journal that is open for writing.
#[derive(Debug)]
pub(crate) struct HeadFile {
    file: File,
}

impl HeadFile {
    pub(crate) fn open(path: &Path) -> Result<Self, Fault> {
        let file = files::private_file()
            .create(true)
            .truncate(false)
            .open(path)
            .map_err(|error| Fault::io("open the journal's head", &error))?;
        Ok(Self { file })
    }

    /// Waits for the right to write the journal. Held over a commit *and* its head, so that the heads of two processes
    /// cannot overtake each other; freed by the kernel when the process dies.
    pub(crate) fn lock(&self) -> Result<Locked<'_>, Fault> {
        wait_for(|| taken(self.file.try_lock()))?;
        Ok(Locked { file: &self.file })
    }

    pub(crate) fn try_lock(&self) -> Result<Option<Locked<'_>>, Fault> {
        Ok(taken(self.file.try_lock())?.then(|| Locked { file: &self.file }))
    }
}

fn taken(attempt: Result<(), TryLockError>) -> Result<bool, Fault> {
    match attempt {
        Ok(()) => Ok(true),
        Err(TryLockError::WouldBlock) => Ok(false),
        Err(TryLockError::Error(error)) => Err(Fault::io("lock the journal's head", &error)),
    }
}

/// Asks for a lock until it is given or patience ends. The kernel's own waiting has no end: it would hang on a process
/// that was stopped.
fn wait_for(mut taken: impl FnMut() -> Result<bool, Fault>) -> Result<(), Fault> {
    let mut patience = LOCK_PATIENCE;
    while !taken()? {
        patience = patience.checked_sub(LOCK_POLL).ok_or_else(Fault::locked)?;
        pause();
    }
    Ok(())
}

/// The right to write the journal, until dropped.
#[derive(Debug)]
pub(crate) struct Locked<'a> {
    file: &'a File,
}

impl Locked<'_> {
    pub(crate) fn read(&self) -> Result<Found, Fault> {
        read(self.file)
    }

    /// Gives the file its length and its first head, durably.
    pub(crate) fn create(&self, head: &Head) -> Result<(), Fault> {
        let mut bytes = vec![0; usize::try_from(FILE_LEN).expect("two blocks fit in memory")];
        bytes[..SLOT_LEN].copy_from_slice(&head.encode());
        self.file
            .write_all_at(&bytes, 0)
            .and_then(|()| self.file.sync_all())
            .map_err(|error| Fault::io("write the journal's head", &error))
    }

    /// Replaces the older slot, durably.
    pub(crate) fn write(&self, head: &mut Head) -> Result<(), Fault> {
        head.stamp += 1;
        self.file
            .write_all_at(&head.encode(), (head.stamp % SLOTS) * SLOT_SPACING)
            .and_then(|()| self.file.sync_data())
            .map_err(|error| Fault::io("write the journal's head", &error))
    }
}

impl Drop for Locked<'_> {
    fn drop(&mut self) {
        if let Err(error) = self.file.unlock() {
            tracing::warn!(%error, "the journal's write lock could not be given back");
        }
    }
}

fn read(file: &File) -> Result<Found, Fault> {
    let unreadable = |error: io::Error| Fault::io("read the journal's head", &error);
    match file.metadata().map_err(unreadable)?.len() {
        0 => return Ok(Found::Blank),
        FILE_LEN => {}
        other => {
            return Err(Fault::corrupt(format_args!(
                "the journal's .head file has {other} bytes, not {FILE_LEN}"
            )));
        }
    }
    let mut newest: Option<Head> = None;
    let mut slot = [0; SLOT_LEN];
    for index in 0..SLOTS {
        file.read_exact_at(&mut slot, index * SLOT_SPACING).map_err(unreadable)?;
        if let Some(head) = Head::decode(&slot) {
            newest = newest.filter(|other| other.stamp > head.stamp).or(Some(head));
        }
    }
    newest.map(Found::Head).ok_or_else(|| Fault::corrupt("the journal's .head file is damaged"))
}

#[expect(
    clippy::disallowed_methods,
    reason = "waits for another process's lock, which no simulated clock can free"
)]
fn pause() {
    std::thread::sleep(LOCK_POLL);
}
