//! What is looked at before a journal is believed.
//!
//! At every opening, in time that does not grow with the journal: the length of the database file, the counters against
//! the head, the record that the head names, and every record of every unfinished rotation, since those decide what is
//! done next. A journal below [`SMALL`] is read as a whole on top of that, which takes a few milliseconds; so is one
//! below [`MODERATE`] after a process died, since that may have been the machine. Records of finished rotations in a
//! larger journal are held against their digests when they are read, and all at once by
//! [`verify`](crate::SqliteJournal::verify).

use rusqlite::Connection;

use keywheel_core::Result;

use crate::{
    fault::Fault,
    files::Files,
    head::Head,
    query::{self, damaged},
    repeated,
    state::{State, digest_of},
};

/// In bytes.
const SMALL: u64 = 512 * 1024;

/// In bytes.
const MODERATE: u64 = 32 * 1024 * 1024;

/// What a whole verification found in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verified {
    /// How many records were held against their digests.
    pub records: u64,
    /// How many rotations had all of their records.
    pub rotations: u64,
}

/// Holds the database file against the length that it had.
pub(crate) fn check_length(files: &Files, head: &Head) -> Result<(), Fault> {
    let len = files.database_len()?;
    if len < head.database_len {
        return Err(Fault::corrupt(format_args!(
            "the journal was cut: its database has {len} bytes, and had {} before",
            head.database_len
        )));
    }
    Ok(())
}

/// Holds an opened database against its head. `died` says that some process ended without closing the journal.
pub(crate) fn check_opened(connection: &Connection, head: &Head, died: bool) -> Result<(), Fault> {
    let snapshot = connection.unchecked_transaction()?;
    let state = State::read(&snapshot)?;
    check_head(&snapshot, &state, head)?;
    let size = page_bytes(&snapshot)?;
    if size <= SMALL || (died && size <= MODERATE) {
        verify_at(&snapshot, &state)?;
    } else {
        query::unfinished(&snapshot)?;
    }
    Ok(())
}

/// Looks at everything: the structure with its indexes, references, each record, each count, and what the other tables
/// repeat of the records.
pub(crate) fn verify(connection: &Connection) -> Result<Verified, Fault> {
    verify_at(connection, &State::read(connection)?)
}

fn verify_at(connection: &Connection, state: &State) -> Result<Verified, Fault> {
    // Not `quick_check`: an index that disagrees with its table would hide rows from every question that uses it.
    check_structure(connection)?;
    let mut dangling = connection.prepare("PRAGMA foreign_key_check")?;
    if dangling.exists([])? {
        return Err(damaged("a record belongs to a rotation that is not there"));
    }
    query::unfinished(connection)?;
    let verified = repeated::check(connection)?;
    // Numbers have no gaps, so that the count alone tells of a hole.
    if verified.records != state.seq {
        return Err(damaged(format_args!("it has {} records; {} were written", verified.records, state.seq)));
    }
    Ok(verified)
}

fn check_head(connection: &Connection, state: &State, head: &Head) -> Result<(), Fault> {
    if state.journal != head.journal {
        return Err(Fault::corrupt("the database and the .head file belong to two different journals"));
    }
    if state.generation < head.generation || state.seq < head.seq {
        return Err(Fault::corrupt(format_args!(
            "the journal lost its end: {} records and {} commits that were acknowledged are missing (it has {} records; {} \
             were written). Its -wal file was cut or is missing, or an older copy of the database was put back without \
             its .head file",
            head.seq.saturating_sub(state.seq),
            head.generation.saturating_sub(state.generation),
            state.seq,
            head.seq,
        )));
    }
    if head.seq > 0 && digest_of(connection, head.seq)? != Some(head.digest) {
        return Err(damaged(format_args!("record {} is not the one that was acknowledged", head.seq)));
    }
    let newest: u64 =
        connection.query_row("SELECT coalesce(max(seq), 0) FROM records", [], |row| row.get(0))?;
    if newest != state.seq {
        return Err(damaged(format_args!("its newest record is {newest}, not {}", state.seq)));
    }
    Ok(())
}

fn check_structure(connection: &Connection) -> Result<(), Fault> {
    let finding: String = connection.query_row("PRAGMA integrity_check(1)", [], |row| row.get(0))?;
    if finding == "ok" { Ok(()) } else { Err(damaged(finding)) }
}

fn page_bytes(connection: &Connection) -> Result<u64, Fault> {
    let number = |pragma| connection.pragma_query_value(None, pragma, |row| row.get::<_, u64>(0));
    Ok(number("page_count")?.saturating_mul(number("page_size")?))
}
