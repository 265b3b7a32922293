//! Moving the write-ahead log into the database, without losing count of what the database file must hold.

use rusqlite::Connection;

use crate::{
    fault::Fault,
    files::Files,
    head::{Head, Locked},
};

/// How much of the log a checkpoint moves, and whom it waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    /// As much as no reader needs; waits for nobody.
    Passive,
    /// All of it, and the log becomes empty; waits for readers as long as the connection's patience lasts.
    Truncate,
}

/// Checkpoints, and writes the database's new length into the head before the log can be used again. From then on a
/// database file that was cut is recognised by its length alone.
///
/// The length counts only after a complete checkpoint: only that one has synced the file.
pub(crate) fn checkpoint(
    connection: &Connection,
    files: &Files,
    locked: &Locked<'_>,
    head: &mut Head,
    mode: Mode,
) -> Result<(), Fault> {
    if run(connection, mode)? {
        let len = files.database_len()?;
        if len != head.database_len {
            head.database_len = len;
            locked.write(head)?;
        }
    }
    Ok(())
}

/// Checkpoints; whether everything in the log is in the database file and synced.
pub(crate) fn run(connection: &Connection, mode: Mode) -> Result<bool, Fault> {
    let pragma = match mode {
        Mode::Passive => "PRAGMA wal_checkpoint(PASSIVE)",
        Mode::Truncate => "PRAGMA wal_checkpoint(TRUNCATE)",
    };
    let (busy, frames, moved): (bool, i64, i64) =
        connection.query_row(pragma, [], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
    Ok(!busy && frames == moved)
}

/// How many frames the log holds.
pub(crate) fn frames(connection: &Connection) -> Result<i64, Fault> {
    Ok(connection.prepare_cached("PRAGMA wal_checkpoint(NOOP)")?.query_row([], |row| row.get(1))?)
}
