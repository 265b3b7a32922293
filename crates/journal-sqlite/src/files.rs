//! Which files make up a journal, and how they are created.

use std::{
    fs::{self, DirBuilder, File, OpenOptions},
    io,
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

use crate::fault::Fault;

/// The paths of one journal: `journal.db`, and beside it `-wal` and `-shm` (`SQLite`'s own), `.head` and `.holders/`.
#[derive(Clone, Debug)]
pub(crate) struct Files {
    database: PathBuf,
}

impl Files {
    pub(crate) fn new(database: &Path) -> Self {
        Self { database: database.to_owned() }
    }

    pub(crate) fn database(&self) -> &Path {
        &self.database
    }

    /// `SQLite`'s write-ahead log.
    pub(crate) fn wal(&self) -> PathBuf {
        self.beside("-wal")
    }

    /// What the journal must hold at least; see [`crate::head`].
    pub(crate) fn head(&self) -> PathBuf {
        self.beside(".head")
    }

    /// The directory in which each living process keeps a locked file.
    pub(crate) fn holders(&self) -> PathBuf {
        self.beside(".holders")
    }

    /// The lock file of one process.
    pub(crate) fn holder(&self, id: &str) -> PathBuf {
        self.holders().join(format!("{id}.lock"))
    }

    /// The database's length in bytes, 0 if it is not there. By name and never through a descriptor of our own: closing
    /// one would drop the POSIX locks that `SQLite` holds on the same file in this process
    /// (<https://www.sqlite.org/howtocorrupt.html>, section 2.2).
    ///
    /// A single byte counts as none, as it does for `SQLite`, which deletes the log of an empty database.
    pub(crate) fn database_len(&self) -> Result<u64, Fault> {
        len(&self.database).map(|len| if len == 1 { 0 } else { len })
    }

    /// Creates the directory, for nobody else.
    pub(crate) fn create_directory(&self) -> Result<(), Fault> {
        let directory = self.directory();
        if directory.is_dir() {
            return Ok(());
        }
        private_directory(directory)?;
        let parent =
            directory.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        sync_directory(parent)
    }

    /// Creates an empty database file for nobody else, unless there is one. `SQLite` gives `-wal` and `-shm` the same
    /// mode as the database.
    pub(crate) fn create_database(&self) -> Result<(), Fault> {
        match private_file().create_new(true).open(&self.database) {
            Ok(_) => Ok(()),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
            Err(error) => Err(Fault::io("create the journal", &error)),
        }
    }

    pub(crate) fn create_holders(&self) -> Result<(), Fault> {
        private_directory(&self.holders())
    }

    /// Makes the names of new files durable.
    pub(crate) fn sync_directory(&self) -> Result<(), Fault> {
        sync_directory(self.directory())
    }

    fn directory(&self) -> &Path {
        self.database.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
    }

    fn beside(&self, suffix: &str) -> PathBuf {
        let mut name = self.database.clone().into_os_string();
        name.push(suffix);
        name.into()
    }
}

/// Opens for reading and writing; a file that is created is for nobody else.
pub(crate) fn private_file() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.read(true).write(true).mode(0o600);
    options
}

/// A file's length in bytes, 0 if it is not there.
pub(crate) fn len(path: &Path) -> Result<u64, Fault> {
    match fs::metadata(path) {
        Ok(metadata) if metadata.is_dir() => {
            Err(Fault::io("use a directory as the journal", &io::ErrorKind::IsADirectory.into()))
        }
        Ok(metadata) => Ok(metadata.len()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(0),
        Err(error) => Err(Fault::io("look at the journal", &error)),
    }
}

fn private_directory(path: &Path) -> Result<(), Fault> {
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(path)
        .map_err(|error| Fault::io("create the journal's directory", &error))
}

fn sync_directory(path: &Path) -> Result<(), Fault> {
    File::open(path)
        .and_then(|directory| directory.sync_all())
        .map_err(|error| Fault::io("make the journal's directory durable", &error))
}
