//! The tables, and how a database is recognised as a journal that this build can read.

use rusqlite::{Connection, config::DbConfig, params};

use keywheel_core::{ErrorKind, rotation::RECORD_FORMAT};

use crate::{fault::Fault, head::LOCK_PATIENCE, state::JournalId};

/// `kwhl`. `file(1)` and `SQLite`'s tools show it.
const APPLICATION_ID: i32 = 0x6b77_686c;

/// The version of the tables.
const SCHEMA_VERSION: i32 = 1;

/// Rotations are numbered by `key` in the order in which they started; `records` counts what must be found again for
/// each, so that a damaged index cannot hide an intent. Times are text as RFC 3339, which loses nothing.
const TABLES: &str = "
    CREATE TABLE state (
        one        INTEGER PRIMARY KEY CHECK (one = 1),
        journal    BLOB    NOT NULL,
        generation INTEGER NOT NULL,
        seq        INTEGER NOT NULL,
        unfinished INTEGER NOT NULL,
        format     INTEGER NOT NULL,
        written_by TEXT    NOT NULL
    ) STRICT;
    CREATE TABLE rotations (
        key      INTEGER PRIMARY KEY,
        id       TEXT    NOT NULL UNIQUE,
        secret   TEXT    NOT NULL,
        records  INTEGER NOT NULL,
        finished INTEGER NOT NULL
    ) STRICT;
    CREATE INDEX rotations_by_secret ON rotations (secret);
    CREATE INDEX rotations_unfinished ON rotations (key) WHERE finished = 0;
    CREATE TABLE records (
        seq      INTEGER PRIMARY KEY,
        rotation INTEGER NOT NULL REFERENCES rotations (key),
        format   INTEGER NOT NULL,
        digest   BLOB    NOT NULL,
        body     TEXT    NOT NULL
    ) STRICT;
    CREATE INDEX records_by_rotation ON records (rotation);
    CREATE TABLE last_rotations (
        secret      TEXT PRIMARY KEY,
        rotation    TEXT NOT NULL,
        outcome     TEXT NOT NULL,
        finished_at TEXT NOT NULL,
        rotated_at  TEXT,
        current     TEXT
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE leases (
        secret      TEXT    PRIMARY KEY,
        fence       INTEGER NOT NULL,
        holder      TEXT,
        pid         INTEGER,
        initiator   TEXT    NOT NULL,
        since       TEXT    NOT NULL,
        renewed_at  TEXT    NOT NULL,
        lifetime_ms INTEGER NOT NULL,
        taken_over  INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX leases_by_holder ON leases (holder) WHERE holder IS NOT NULL;
    CREATE TABLE notes (
        name TEXT PRIMARY KEY,
        text TEXT NOT NULL
    ) STRICT, WITHOUT ROWID;
";

/// What a database turned out to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Identity {
    /// Empty: nobody's yet.
    Fresh,
    /// A journal that this build can read.
    Journal,
}

/// Settings of every connection. None of them touches the file.
pub(crate) fn configure(connection: &Connection) -> Result<(), Fault> {
    connection.busy_timeout(LOCK_PATIENCE)?;
    // Closing must not move frames behind the head's back: checkpoints are the writer's, under its lock.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    connection.pragma_update(None, "wal_autocheckpoint", 0)?;
    // In WAL mode anything less than FULL may lose acknowledged commits with the machine's power.
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "foreign_keys", true)?;
    connection.pragma_update(None, "trusted_schema", false)?;
    connection.pragma_update(None, "cell_size_check", true)?;
    connection.set_prepared_statement_cache_capacity(32);
    Ok(())
}

/// Recognises a journal; refuses what belongs to another program or to a newer keywheel.
pub(crate) fn identify(connection: &Connection) -> Result<Identity, Fault> {
    let number = |pragma| connection.pragma_query_value(None, pragma, |row| row.get::<_, i32>(0));
    let (application, version) = (number("application_id")?, number("user_version")?);
    let tables: u32 = connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    match (application, version, tables) {
        (0, 0, 0) => Ok(Identity::Fresh),
        (APPLICATION_ID, version, _) if version > SCHEMA_VERSION => Err(Fault::newer(
            format_args!(
                "the journal's tables have version {version}, and this build knows versions up to {SCHEMA_VERSION}"
            ),
            &written_by(connection),
        )),
        (APPLICATION_ID, SCHEMA_VERSION, 1..) => {
            let format: u32 =
                connection.query_row("SELECT format FROM state WHERE one = 1", [], |row| row.get(0))?;
            if format > u32::from(RECORD_FORMAT) {
                return Err(newer_record(connection, format));
            }
            Ok(Identity::Journal)
        }
        (APPLICATION_ID, ..) => Err(Fault::corrupt("the journal is damaged: its tables are missing")),
        (other, ..) => Err(Fault::new(
            ErrorKind::InvalidConfig,
            format!(
                "this SQLite database is not a keywheel journal (application id {other:#x}). Nothing was changed. Give the \
                 journal a path of its own"
            ),
        )),
    }
}

/// A record of a format that this build does not know.
pub(crate) fn newer_record(connection: &Connection, format: u32) -> Fault {
    Fault::newer(
        format_args!(
            "the journal holds records of format {format}, and this build knows formats up to {RECORD_FORMAT}"
        ),
        &written_by(connection),
    )
}

/// Makes an empty database a journal.
pub(crate) fn create(connection: &mut Connection, journal: JournalId) -> Result<(), Fault> {
    use_wal(connection)?;
    let transaction = connection.transaction()?;
    transaction.execute_batch(TABLES)?;
    transaction.execute(
        "INSERT INTO state (one, journal, generation, seq, unfinished, format, written_by) VALUES (1, ?1, 0, 0, 0, ?2, ?3)",
        params![journal.0, RECORD_FORMAT, env!("CARGO_PKG_VERSION")],
    )?;
    transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
    transaction.pragma_update(None, "user_version", SCHEMA_VERSION)?;
    transaction.commit()?;
    Ok(())
}

/// The mode is kept in the file; somebody may have switched it off.
pub(crate) fn use_wal(connection: &Connection) -> Result<(), Fault> {
    let mode: String = connection.pragma_update_and_check(None, "journal_mode", "WAL", |row| row.get(0))?;
    if mode.eq_ignore_ascii_case("wal") {
        return Ok(());
    }
    Err(Fault::new(
        ErrorKind::Unsupported,
        "SQLite cannot keep a write-ahead log here; the journal needs a local file system",
    ))
}

/// The version of the keywheel that wrote last, for messages. A newer build's tables may look different.
fn written_by(connection: &Connection) -> String {
    connection
        .query_row("SELECT written_by FROM state WHERE one = 1", [], |row| row.get(0))
        .unwrap_or_else(|_| "of an unknown version".to_owned())
}
