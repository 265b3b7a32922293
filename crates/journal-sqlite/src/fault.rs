//! What `SQLite` or the file system said, in the journal's words.

use std::{fmt, io, path::Path};

use keywheel_core::{Effect, Error, ErrorKind};
use rusqlite::ffi;

/// A failure before it is known which call it belongs to and what that call had done by then. It is `Clone` because
/// one failed commit fails every call that was in it.
#[derive(Clone, Debug)]
pub(crate) struct Fault {
    kind: ErrorKind,
    message: String,
}

impl Fault {
    pub(crate) fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into() }
    }

    /// Damage, with the advice that every kind of damage shares.
    pub(crate) fn corrupt(what: impl fmt::Display) -> Self {
        Self::new(
            ErrorKind::Corrupt,
            format!(
                "{what}. Nothing was changed. Put the journal back from a backup (the database, its -wal and its .head \
                 file together), or move all of them away to begin an empty journal: what was in flight is then found \
                 again in the stores as pending versions"
            ),
        )
    }

    /// Something that a newer keywheel wrote.
    pub(crate) fn newer(what: impl fmt::Display, written_by: &str) -> Self {
        Self::new(
            ErrorKind::Unsupported,
            format!(
                "{what}; it was last written by keywheel {written_by} and this is keywheel {}. Nothing was changed. Run \
                 keywheel {written_by} or later, or put back a backup from before the upgrade",
                env!("CARGO_PKG_VERSION")
            ),
        )
    }

    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "forty kinds of I/O error, of which these ask for something else"
    )]
    pub(crate) fn io(doing: &str, error: &io::Error) -> Self {
        use io::ErrorKind as Io;
        let (kind, advice) = match error.kind() {
            Io::PermissionDenied | Io::ReadOnlyFilesystem => (
                ErrorKind::PermissionDenied,
                "; the journal needs a directory that this user may write to on a writable file system",
            ),
            Io::StorageFull | Io::QuotaExceeded => {
                (ErrorKind::Unavailable, "; free some space and run it again")
            }
            Io::NotADirectory | Io::IsADirectory => {
                (ErrorKind::InvalidConfig, "; the journal's path must name a file in a directory")
            }
            _ => (ErrorKind::Unavailable, ""),
        };
        Self::new(kind, format!("cannot {doing}: {error}{advice}"))
    }

    /// The error of one call.
    pub(crate) fn error(&self, operation: &'static str, effect: Effect, journal: &Path) -> Error {
        Error { effect, ..Error::not_applied(self.kind, operation, self.message.clone()) }
            .with("journal", journal.display())
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl From<rusqlite::Error> for Fault {
    fn from(error: rusqlite::Error) -> Self {
        let Some(code) = primary_code(&error) else { return not_from_sqlite(&error) };
        match code {
            ffi::SQLITE_BUSY | ffi::SQLITE_LOCKED => Self::locked(),
            ffi::SQLITE_FULL => Self::new(
                ErrorKind::Unavailable,
                "the disk is full and nothing was written; free some space and run it again",
            ),
            ffi::SQLITE_READONLY | ffi::SQLITE_PERM | ffi::SQLITE_AUTH => Self::new(
                ErrorKind::PermissionDenied,
                "the journal cannot be written; it needs its file and its directory to be writable for this user",
            ),
            ffi::SQLITE_CANTOPEN => Self::new(
                ErrorKind::PermissionDenied,
                "the journal cannot be opened; check that this user may read and write the file, the -wal and -shm \
                 files beside it, and the directory. A journal that was copied to a read-only place after a crash has \
                 to be copied to a writable one",
            ),
            // Statements and settings are constants: where SQLite does not understand one, the file's header or its
            // tables are not what keywheel wrote.
            ffi::SQLITE_CORRUPT | ffi::SQLITE_ERROR => {
                Self::corrupt(format_args!("the journal is damaged: {error}"))
            }
            ffi::SQLITE_NOTADB => Self::corrupt(
                "this file is not a SQLite database: the path is wrong, or the file's beginning is damaged",
            ),
            ffi::SQLITE_IOERR => {
                Self::new(ErrorKind::Unavailable, format!("the disk did not do what it was asked: {error}"))
            }
            ffi::SQLITE_NOMEM => Self::new(ErrorKind::Unavailable, "out of memory"),
            _ => Self::new(ErrorKind::Internal, error.to_string()),
        }
    }
}

impl Fault {
    /// Somebody else keeps the file locked for longer than a commit takes.
    pub(crate) fn locked() -> Self {
        Self::new(
            ErrorKind::Unavailable,
            "another process has kept the journal locked for 5 seconds and nothing was written; find it (`fuser` names \
             the processes that have the file open), let it finish or end it, and run it again",
        )
    }
}

/// `SQLite`'s primary result code, if `SQLite` itself refused.
#[expect(clippy::wildcard_enum_match_arm, reason = "every other kind says by itself whether it has a code")]
pub(crate) fn primary_code(error: &rusqlite::Error) -> Option<i32> {
    let code = match error {
        // A statement that names what the tables do not have.
        rusqlite::Error::SqlInputError { error, .. } => Some(error),
        other => other.sqlite_error(),
    };
    code.map(|error| error.extended_code & 0xff)
}

/// What the binding found wrong with an answer, or with the way it was asked.
#[expect(clippy::wildcard_enum_match_arm, reason = "every other kind is a defect of this crate")]
fn not_from_sqlite(error: &rusqlite::Error) -> Fault {
    match error {
        // A column that does not hold what the schema says was not written by keywheel.
        rusqlite::Error::FromSqlConversionFailure(..)
        | rusqlite::Error::IntegralValueOutOfRange(..)
        | rusqlite::Error::InvalidColumnType(..)
        | rusqlite::Error::Utf8Error(..)
        | rusqlite::Error::QueryReturnedNoRows => {
            Fault::corrupt(format_args!("the journal is damaged: {error}"))
        }
        other => Fault::new(ErrorKind::Internal, other.to_string()),
    }
}
