//! From a path to connections that may be believed.

use std::{fmt::Write, os::unix::ffi::OsStrExt, sync::Arc};

use keywheel_core::{Clock, Entropy, Result};
use rusqlite::{Connection, OpenFlags, ffi};

use crate::{
    checkpoint::{self, Mode},
    fault::{Fault, primary_code},
    files::{self, Files},
    head::{self, Found, Head, HeadFile, LOCK_PATIENCE, Locked},
    holder::{self, Holder},
    integrity,
    schema::{self, Identity},
    state::{JournalId, State},
    writer::Writer,
};

/// One thread has each connection, so `SQLite` needs no mutexes of its own.
const READ_ONLY: OpenFlags = OpenFlags::SQLITE_OPEN_READ_ONLY.union(OpenFlags::SQLITE_OPEN_NO_MUTEX);
const READ_WRITE: OpenFlags = OpenFlags::SQLITE_OPEN_READ_WRITE.union(OpenFlags::SQLITE_OPEN_NO_MUTEX);

/// Opens for writing, and creates what is missing. The second connection is for the reader.
///
/// All of it happens under the write lock: two processes that meet at a new journal create one.
pub(crate) fn writing(
    files: &Files,
    clock: Arc<dyn Clock>,
    entropy: &dyn Entropy,
) -> Result<(Writer, Connection), Fault> {
    files.create_directory()?;
    if files.database_len()? > 0 && matches!(head::look(files)?, Found::Missing) {
        refuse_headless(files)?;
    }
    let head_file = HeadFile::open(&files.head())?;
    let locked = head_file.lock()?;
    let (connection, mut head) = match locked.read()? {
        Found::Missing | Found::Blank => create(files, &locked, entropy)?,
        Found::Head(head) => (existing(files, &head)?, head),
    };
    holder::sweep(files)?;
    let holder = Holder::create(files, entropy)?;
    // Empties what the last process left, and with it makes the database's length known.
    checkpoint::checkpoint(&connection, files, &locked, &mut head, Mode::Passive)?;
    let reader = connect(files)?;
    reader.pragma_update(None, "query_only", true)?;
    drop(locked);
    Ok((Writer { connection, files: files.clone(), head: head_file, holder, clock }, reader))
}

/// Opens for reading, and creates nothing of ours. `None`: there is no journal yet.
pub(crate) fn reading(files: &Files) -> Result<Option<Connection>, Fault> {
    // The head first: whatever is committed in between makes the journal newer than it, which is in order.
    let head = head::look(files)?;
    if files.database_len()? == 0 {
        return match head {
            Found::Missing | Found::Blank => refuse_log_alone(files).map(|()| None),
            Found::Head(head) => Err(database_is_gone(&head)),
        };
    }
    if let Found::Head(head) = &head {
        integrity::check_length(files, head)?;
    }
    let (connection, identity) = look_into(files)?;
    match (head, identity) {
        (Found::Missing | Found::Blank, Identity::Fresh) => Ok(None),
        (Found::Blank, Identity::Journal) if State::read(&connection)?.generation == 0 => Ok(None),
        (Found::Missing | Found::Blank, Identity::Journal) => Err(head_is_gone()),
        (Found::Head(head), Identity::Fresh) => Err(database_is_gone(&head)),
        (Found::Head(head), Identity::Journal) => {
            integrity::check_opened(&connection, &head, holder::any_died(files))?;
            Ok(Some(connection))
        }
    }
}

/// Opens and identifies. On a read-only file system `SQLite` may be unable to make its shared-memory file; then a database
/// with an empty log is all there is, and is read as it stands.
fn look_into(files: &Files) -> Result<(Connection, Identity), Fault> {
    let mut connection = Connection::open_with_flags(files.database(), READ_ONLY)?;
    connection.busy_timeout(LOCK_PATIENCE)?;
    let cannot_open = connection
        .query_row("SELECT count(*) FROM sqlite_schema", [], |_| Ok(()))
        .is_err_and(|error| primary_code(&error) == Some(ffi::SQLITE_CANTOPEN));
    if cannot_open && files::len(&files.wal())? == 0 {
        connection = open_immutable(files)?;
    }
    schema::configure(&connection)?;
    let identity = schema::identify(&connection)?;
    Ok((connection, identity))
}

fn existing(files: &Files, head: &Head) -> Result<Connection, Fault> {
    if files.database_len()? == 0 {
        return Err(database_is_gone(head));
    }
    // Before SQLite looks: what it does about a database that was cut is not ours to say.
    integrity::check_length(files, head)?;
    let connection = connect(files)?;
    match schema::identify(&connection)? {
        Identity::Fresh => return Err(database_is_gone(head)),
        Identity::Journal => integrity::check_opened(&connection, head, holder::any_died(files))?,
    }
    schema::use_wal(&connection)?;
    Ok(connection)
}

/// The head is written last and durably, so that a blank one means that whoever began this died before anybody could
/// write a record.
fn create(files: &Files, locked: &Locked<'_>, entropy: &dyn Entropy) -> Result<(Connection, Head), Fault> {
    if files.database_len()? == 0 {
        refuse_log_alone(files)?;
    }
    files.create_database()?;
    let mut connection = connect(files)?;
    let journal = match schema::identify(&connection)? {
        Identity::Fresh => {
            let journal = JournalId(holder::random(entropy)?);
            schema::create(&mut connection, journal)?;
            journal
        }
        Identity::Journal => {
            let state = State::read(&connection)?;
            if state.generation > 0 {
                return Err(head_is_gone());
            }
            state.journal
        }
    };
    checkpoint::run(&connection, Mode::Truncate)?;
    let head = Head::new(journal, files.database_len()?);
    locked.create(&head)?;
    files.sync_directory()?;
    Ok((connection, head))
}

/// Judges a database without a head before anything is created beside it: it may be somebody else's file.
fn refuse_headless(files: &Files) -> Result<(), Fault> {
    match look_into(files)?.1 {
        Identity::Fresh => Ok(()),
        Identity::Journal => Err(head_is_gone()),
    }
}

/// A log without a database: `SQLite` would delete it, and it may be all that is left of a journal.
fn refuse_log_alone(files: &Files) -> Result<(), Fault> {
    if files::len(&files.wal())? == 0 {
        return Ok(());
    }
    Err(Fault::corrupt(
        "the journal's database and its .head file are missing or empty, and its -wal file is not",
    ))
}

fn head_is_gone() -> Fault {
    Fault::corrupt(
        "the journal's .head file is missing or empty, so that nobody can say whether the journal is whole",
    )
}

fn database_is_gone(head: &Head) -> Fault {
    Fault::corrupt(format_args!(
        "the journal's database is missing or empty, and its .head file says that {} records were written",
        head.seq
    ))
}

fn connect(files: &Files) -> Result<Connection, Fault> {
    let connection = Connection::open_with_flags(files.database(), READ_WRITE)?;
    schema::configure(&connection)?;
    Ok(connection)
}

/// `immutable` is a parameter of a URI only (<https://www.sqlite.org/uri.html>).
fn open_immutable(files: &Files) -> Result<Connection, Fault> {
    let mut uri = String::from("file:");
    for byte in files.database().as_os_str().as_bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'.' | b'-' | b'_' => {
                uri.push(char::from(*byte));
            }
            other => write!(uri, "%{other:02x}").expect("a string takes everything"),
        }
    }
    uri.push_str("?immutable=1");
    Ok(Connection::open_with_flags(uri, READ_ONLY | OpenFlags::SQLITE_OPEN_URI)?)
}
