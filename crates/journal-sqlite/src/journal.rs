//! The journal itself: the contract's calls, each handed to the thread that does it.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use async_trait::async_trait;
use keywheel_core::{
    Clock, Effect, Entropy, Error, ErrorKind, Initiator, Result, RotationId, SecretName,
    journal::{Acquired, Journal, LastRotation, Lease},
    rotation::{NewRecord, Record},
};
use rusqlite::{Connection, params};

use crate::{
    append::{self, Entry},
    fault::Fault,
    files::Files,
    integrity::{self, Verified},
    lease, open, query,
    queue::Queue,
    reader::Reader,
};

/// A journal in one `SQLite` file, for any number of processes of one machine.
///
/// Calls may be awaited on any executor, or on none: the work is done by two threads of its own, one that writes and one
/// that reads. Dropping the journal finishes what was asked for, gives its leases back and waits for both.
///
/// A lease belongs to the open journal. Two journals that one process opened on the same file are two holders; two tasks
/// that share one journal are one, and both would be given the same lease.
#[derive(Debug)]
pub struct SqliteJournal {
    path: PathBuf,
    /// Closes first: what it has to finish, it finishes while the reader still answers.
    writer: Option<Queue>,
    /// `None` for a journal that does not exist.
    reader: Option<Reader>,
}

impl SqliteJournal {
    /// Opens the journal at `path` for writing, and creates it if it is not there: its directory for the owner alone
    /// (0700), its files likewise (0600). Beside `journal.db` lie `journal.db-wal`, `journal.db-shm`, `journal.db.head`
    /// and `journal.db.holders/`; they belong together, also in a backup.
    ///
    /// Leases expire by `clock`; `entropy` names this process among their holders.
    ///
    /// # Errors
    /// Nothing was changed when it fails.
    /// - [`ErrorKind::Corrupt`]: it is damaged, or lost records that were acknowledged; or it is not a database at all.
    /// - [`ErrorKind::Unsupported`]: a newer keywheel wrote it.
    /// - [`ErrorKind::InvalidConfig`]: it is another program's database, or the path is a directory.
    /// - [`ErrorKind::PermissionDenied`]: this user may not write it, or the file system is read-only.
    /// - [`ErrorKind::Unavailable`]: another process has kept it locked for 5 seconds, or the disk is full or failing.
    pub fn open(path: impl AsRef<Path>, clock: Arc<dyn Clock>, entropy: &dyn Entropy) -> Result<Arc<Self>> {
        let files = Files::new(path.as_ref());
        let start = || {
            let (writer, reader) = open::writing(&files, clock, entropy)?;
            let reader = Reader::start(reader, files.database())?;
            Ok((Queue::start(writer)?, reader))
        };
        let (writer, reader) = start().map_err(|fault: Fault| opening(&fault, &files))?;
        Ok(Arc::new(Self { path: path.as_ref().to_owned(), writer: Some(writer), reader: Some(reader) }))
    }

    /// Opens the journal at `path` for reading. One that is not there is an empty one, and is not created; one on a
    /// read-only file system can be read. Whatever writes is refused.
    ///
    /// # Errors
    /// As [`SqliteJournal::open`].
    pub fn open_read_only(path: impl AsRef<Path>) -> Result<Arc<Self>> {
        let files = Files::new(path.as_ref());
        let start = || {
            open::reading(&files)?.map(|connection| Reader::start(connection, files.database())).transpose()
        };
        let reader = start().map_err(|fault: Fault| opening(&fault, &files))?;
        Ok(Arc::new(Self { path: path.as_ref().to_owned(), writer: None, reader }))
    }

    /// Reads everything and holds it against its digests, counts and indexes: seconds for a large journal.
    ///
    /// # Errors
    /// [`ErrorKind::Corrupt`] with the first thing that is wrong.
    pub async fn verify(&self) -> Result<Verified> {
        self.read("verify journal", Verified { records: 0, rotations: 0 }, integrity::verify).await
    }

    async fn read<T: Send + 'static>(
        &self,
        operation: &'static str,
        if_there_is_no_journal: T,
        question: impl FnOnce(&Connection) -> Result<T, Fault> + Send + 'static,
    ) -> Result<T> {
        match &self.reader {
            Some(reader) => reader.ask(operation, question).await,
            None => Ok(if_there_is_no_journal),
        }
    }

    fn writer(&self, operation: &'static str) -> Result<&Queue> {
        self.writer.as_ref().ok_or_else(|| {
            Error::not_applied(
                ErrorKind::PermissionDenied,
                operation,
                "the journal was opened for reading only",
            )
            .with("journal", self.path.display())
        })
    }
}

fn opening(fault: &Fault, files: &Files) -> Error {
    fault.error("open journal", Effect::NotApplied, files.database())
}

#[async_trait]
impl Journal for SqliteJournal {
    async fn append(&self, lease: &Lease, record: NewRecord) -> Result<Record> {
        const OPERATION: &str = "append to journal";
        let writer = self.writer(OPERATION)?;
        let entry = Entry::new(lease, &record)
            .map_err(|fault| fault.error(OPERATION, Effect::NotApplied, &self.path))?;
        let seq = writer.submit(OPERATION, move |scope| entry.write(scope)).await?;
        Ok(Record { seq, body: record })
    }

    async fn append_all(&self, lease: &Lease, records: Vec<NewRecord>) -> Result<Vec<Record>> {
        const OPERATION: &str = "append to journal";
        let writer = self.writer(OPERATION)?;
        let entries = records
            .iter()
            .map(|record| Entry::new(lease, record))
            .collect::<std::result::Result<Vec<_>, _>>()
            .map_err(|fault| fault.error(OPERATION, Effect::NotApplied, &self.path))?;
        let (numbers, refused) =
            writer.submit(OPERATION, move |scope| append::write_all(&entries, scope)).await?;
        if let Some(refused) = refused {
            return Err(refused.error(OPERATION, Effect::MaybeApplied, &self.path));
        }
        Ok(numbers.into_iter().zip(records).map(|(seq, body)| Record { seq, body }).collect())
    }

    async fn unfinished(&self) -> Result<Vec<Vec<Record>>> {
        self.read("read unfinished rotations", Vec::new(), query::unfinished).await
    }

    async fn unfinished_of(&self, secret: &SecretName) -> Result<Vec<Record>> {
        let secret = secret.clone();
        self.read("read unfinished rotation", Vec::new(), move |connection| {
            query::unfinished_of(connection, &secret)
        })
        .await
    }

    async fn records(&self, rotation: RotationId) -> Result<Vec<Record>> {
        self.read("read records", Vec::new(), move |connection| query::records_of(connection, rotation)).await
    }

    async fn rotations_of(&self, secret: &SecretName, limit: usize) -> Result<Vec<RotationId>> {
        let secret = secret.clone();
        self.read("read rotations", Vec::new(), move |connection| {
            query::rotations_of(connection, &secret, limit)
        })
        .await
    }

    async fn last_rotations(&self) -> Result<Vec<LastRotation>> {
        self.read("read last rotations", Vec::new(), query::last_rotations).await
    }

    async fn last_rotation(&self, secret: &SecretName) -> Result<Option<LastRotation>> {
        let secret = secret.clone();
        self.read("read last rotation", None, move |connection| query::last_rotation(connection, &secret))
            .await
    }

    async fn since(&self, seq: u64, limit: usize) -> Result<Vec<Record>> {
        self.read("read records", Vec::new(), move |connection| query::since(connection, seq, limit)).await
    }

    async fn note(&self, name: &str) -> Result<Option<String>> {
        let name = name.to_owned();
        self.read("read note", None, move |connection| query::note(connection, &name)).await
    }

    async fn set_note(&self, name: &str, text: &str) -> Result<()> {
        const OPERATION: &str = "set note";
        let (name, text) = (name.to_owned(), text.to_owned());
        self.writer(OPERATION)?
            .submit(OPERATION, move |scope| {
                scope
                    .connection
                    .prepare_cached(
                        "INSERT INTO notes (name, text) VALUES (?1, ?2) ON CONFLICT (name) DO UPDATE SET text = ?2",
                    )?
                    .execute(params![name, text])?;
                scope.changed = true;
                Ok(Ok(()))
            })
            .await
    }

    async fn acquire(
        &self,
        secret: &SecretName,
        initiator: &Initiator,
        lifetime: Duration,
    ) -> Result<Acquired> {
        const OPERATION: &str = "acquire lease";
        let (secret, initiator) = (secret.clone(), initiator.clone());
        self.writer(OPERATION)?
            .submit(OPERATION, move |scope| lease::acquire(scope, &secret, &initiator, lifetime))
            .await
    }

    async fn release(&self, lease: &Lease) -> Result<()> {
        const OPERATION: &str = "release lease";
        let lease = lease.clone();
        self.writer(OPERATION)?.submit(OPERATION, move |scope| lease::release(scope, &lease)).await
    }
}
