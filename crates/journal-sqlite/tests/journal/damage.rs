//! A journal that was cut, torn or mixed up is refused, or opened with every acknowledged record.

use std::{
    fs::{self, OpenOptions},
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
};

use futures::{executor::block_on, future::join_all};
use keywheel_core::{
    Effect, ErrorKind, Result,
    journal::Journal,
    rotation::{Event, Outcome, Record},
};
use keywheel_journal_sqlite::SqliteJournal;
use rstest::rstest;
use rusqlite::Connection;
use tempfile::TempDir;

use crate::support::{Place, all, append, begin, finished, journal_in, lease, open, record, secret, started};

const PAGE: u64 = 4096;
const FRAME_HEADER: u64 = 24;

/// A copy of a journal's files as a crash leaves them, and every record that was acknowledged by then.
struct Crashed {
    place: Place,
    files: TempDir,
    records: Vec<Record>,
}

/// What makes a journal that has something to lose in its log, in its database, or in both.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kept {
    Log,
    Database,
    Both,
}

impl Crashed {
    fn new(kept: Kept) -> Self {
        let place = Place::new();
        let mut journal = place.open();
        let write = |journal: &SqliteJournal, from: usize| {
            for number in from..from + 12 {
                let lease = lease(journal, &secret(number));
                append(journal, &lease, number, started(&lease)).unwrap();
                append(journal, &lease, number, begin()).unwrap();
            }
        };
        write(&journal, 0);
        if kept != Kept::Log {
            // Closing moves the log into the database.
            drop(journal);
            journal = place.open();
        }
        if kept == Kept::Both {
            write(&journal, 12);
        }
        let files = tempfile::tempdir().unwrap();
        copy(place.path().parent().unwrap(), files.path());
        let records = all(&journal);
        drop(journal);
        Self { place, files, records }
    }

    /// Puts the files as they were into an empty directory.
    fn restore(&self, into: &Path) -> PathBuf {
        let path = journal_in(into);
        let directory = path.parent().unwrap();
        drop(fs::remove_dir_all(directory));
        fs::create_dir_all(directory).unwrap();
        copy(self.files.path(), directory);
        path
    }

    /// Whole, or refused in words: nothing in between.
    fn judge(&self, opened: Result<std::sync::Arc<SqliteJournal>>, damage: &str) -> bool {
        match opened {
            Ok(journal) => {
                assert_eq!(all(&journal), self.records, "used with records lost after {damage}");
                true
            }
            Err(error) => {
                assert_eq!(
                    (error.kind, error.effect),
                    (ErrorKind::Corrupt, Effect::NotApplied),
                    "{damage}: {error}"
                );
                assert!(error.to_string().contains("backup"), "{error}");
                false
            }
        }
    }
}

fn copy(from: &Path, into: &Path) {
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        // Shared memory does not survive the machine, nor do locks.
        if path.is_file() && !path.ends_with("journal.db-shm") {
            fs::copy(&path, into.join(path.file_name().unwrap())).unwrap();
        }
    }
}

fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

fn cut(path: &Path, len: u64) {
    OpenOptions::new().write(true).open(path).unwrap().set_len(len).unwrap();
}

fn len(path: &Path) -> u64 {
    path.metadata().unwrap().len()
}

#[rstest]
#[case::log("-wal", Kept::Log, PAGE + FRAME_HEADER)]
#[case::log_over_a_database("-wal", Kept::Both, PAGE + FRAME_HEADER)]
#[case::database("", Kept::Database, PAGE)]
#[case::database_under_a_log("", Kept::Both, PAGE)]
fn cut_at_every_byte_of_its_last_page(#[case] suffix: &str, #[case] kept: Kept, #[case] page: u64) {
    let crashed = Crashed::new(kept);
    let directory = tempfile::tempdir().unwrap();
    let path = crashed.restore(directory.path());
    let victim = beside(&path, suffix);
    let whole = fs::read(&victim).unwrap();
    let len = u64::try_from(whole.len()).unwrap();
    assert!(len > page, "there is something to cut");

    assert!(crashed.judge(SqliteJournal::open_read_only(&path), "nothing"));
    for left in (len - page..len).rev() {
        drop(fs::remove_file(beside(&path, "-shm")));
        cut(&victim, left);
        let damage = format!("{} was cut from {len} to {left} bytes", victim.display());
        assert!(!crashed.judge(SqliteJournal::open_read_only(&path), &damage), "{damage} and nobody noticed");
        // Every so often as a writer too, which takes longer; being refused, it must leave everything as it was.
        if left % 256 == 0 || left + 1 == len {
            assert!(
                !crashed.judge(open(&path, &crashed.place.clock), &damage),
                "{damage} and nobody noticed"
            );
        }
        assert_eq!(fs::metadata(&victim).unwrap().len(), left, "a refused journal is not touched");
    }
    fs::write(&victim, &whole).unwrap();
    assert!(crashed.judge(open(&path, &crashed.place.clock), "nothing"), "put back, it opens");
}

#[rstest]
#[case::log("-wal", 0)]
#[case::log_gone("-wal", -1)]
#[case::database("", 0)]
#[case::database_gone("", -1)]
#[case::database_to_a_page("", 4096)]
#[case::database_to_half("", 20480)]
#[case::head(".head", 0)]
#[case::head_gone(".head", -1)]
#[case::head_to_a_slot(".head", 4096)]
fn cut_to_much_less(#[case] suffix: &str, #[case] len: i64, #[values(Kept::Log, Kept::Both)] kept: Kept) {
    let crashed = Crashed::new(kept);
    let directory = tempfile::tempdir().unwrap();
    let path = crashed.restore(directory.path());
    let victim = beside(&path, suffix);
    match u64::try_from(len) {
        Ok(len) => cut(&victim, len),
        Err(_) => fs::remove_file(&victim).unwrap(),
    }
    assert!(!crashed.judge(SqliteJournal::open_read_only(&path), suffix));
    assert!(!crashed.judge(open(&path, &crashed.place.clock), suffix));
}

/// `SQLite` takes a database of one byte for an empty one, and then deletes its log.
#[rstest]
#[case::one_byte(1)]
#[case::a_few(100)]
fn a_database_that_was_cut_to_almost_nothing_leaves_its_log_alone(
    #[case] left: u64,
    #[values(true, false)] with_head: bool,
) {
    let crashed = Crashed::new(Kept::Log);
    let directory = tempfile::tempdir().unwrap();
    let path = crashed.restore(directory.path());
    cut(&path, left);
    if !with_head {
        fs::remove_file(beside(&path, ".head")).unwrap();
    }
    let log = fs::read(beside(&path, "-wal")).unwrap();
    for opened in [SqliteJournal::open_read_only(&path), open(&path, &crashed.place.clock)] {
        assert!(!crashed.judge(opened, "a cut database"));
        assert_eq!(fs::read(beside(&path, "-wal")).unwrap(), log);
    }
}

#[rstest]
fn a_log_without_database_and_head_is_not_deleted() {
    let crashed = Crashed::new(Kept::Log);
    let directory = tempfile::tempdir().unwrap();
    let path = crashed.restore(directory.path());
    let log = fs::read(beside(&path, "-wal")).unwrap();
    fs::remove_file(&path).unwrap();
    fs::remove_file(beside(&path, ".head")).unwrap();
    for opened in [SqliteJournal::open_read_only(&path), open(&path, &crashed.place.clock)] {
        assert!(!crashed.judge(opened, "a log alone"));
        assert_eq!(fs::read(beside(&path, "-wal")).unwrap(), log);
    }
}

/// `SQLite` calls some damage of the file's header a mistake in the statement.
#[rstest]
fn a_schema_format_that_sqlite_does_not_know_is_damage() {
    let crashed = Crashed::new(Kept::Database);
    let file = OpenOptions::new().write(true).open(crashed.place.path()).unwrap();
    file.write_all_at(&[9], 47).unwrap();
    assert!(!crashed.judge(SqliteJournal::open_read_only(crashed.place.path()), "a header"));
    assert!(!crashed.judge(crashed.place.try_open(), "a header"));
}

#[rstest]
fn a_head_slot_that_was_torn_is_survived_and_two_are_not() {
    let crashed = Crashed::new(Kept::Both);
    let directory = tempfile::tempdir().unwrap();
    for (slots, opens) in [(&[0_u64][..], true), (&[1], true), (&[0, 1], false)] {
        let path = crashed.restore(directory.path());
        let head = OpenOptions::new().write(true).open(beside(&path, ".head")).unwrap();
        for slot in slots {
            head.write_all_at(&[0x55; 40], slot * PAGE + 30).unwrap();
        }
        assert_eq!(crashed.judge(open(&path, &crashed.place.clock), "torn head"), opens, "{slots:?}");
    }
}

#[rstest]
fn an_older_copy_of_the_database_under_a_newer_head_is_refused() {
    let place = Place::new();
    let backup = tempfile::tempdir().unwrap();
    let write = |number| {
        let journal = place.open();
        let lease = lease(&journal, &secret(number));
        append(&journal, &lease, number, started(&lease)).unwrap();
    };
    write(1);
    copy(place.path().parent().unwrap(), backup.path());
    write(2);
    fs::copy(backup.path().join("journal.db"), place.path()).unwrap();
    let error = place.try_open().unwrap_err();
    assert_eq!(error.kind, ErrorKind::Corrupt);
    assert!(error.message.contains("1 records"), "{error}");
    copy(backup.path(), place.path().parent().unwrap());
    assert_eq!(all(&place.open()).len(), 1, "a whole backup opens");
}

#[rstest]
fn the_head_of_another_journal_does_not_vouch() {
    let (one, two) = (Crashed::new(Kept::Database), Crashed::new(Kept::Database));
    fs::copy(two.files.path().join("journal.db.head"), beside(&one.place.path(), ".head")).unwrap();
    assert!(!one.judge(one.place.try_open(), "a strange head"));
}

/// What no structure of `SQLite`'s can notice: the row is well-formed and says something else.
#[rstest]
#[case::text("UPDATE records SET body = replace(body, 'begin', 'began') WHERE seq = 2")]
#[case::digest("UPDATE records SET digest = zeroblob(16) WHERE seq = 3")]
#[case::hole("DELETE FROM records WHERE seq = 4")]
#[case::end("DELETE FROM records WHERE seq = (SELECT max(seq) FROM records)")]
#[case::hidden("UPDATE rotations SET finished = 1 WHERE key = 1")]
#[case::count("UPDATE rotations SET records = 7 WHERE key = 1")]
#[case::row("DELETE FROM state")]
#[case::secret("UPDATE rotations SET secret = 'secret-x' WHERE key = 1")]
#[case::id("UPDATE rotations SET id = replace(id, '0', '1') WHERE key = 1")]
#[case::exchanged("UPDATE records SET rotation = 3 - rotation WHERE seq IN (2, 4)")]
#[case::fence("UPDATE leases SET fence = 0 WHERE secret = 'secret-1'")]
#[case::last_rotation("DELETE FROM last_rotations")]
#[case::last_time("UPDATE last_rotations SET rotated_at = replace(rotated_at, '2026', '2027')")]
#[case::last_outcome("UPDATE last_rotations SET outcome = 'rolled-back'")]
#[case::last_invented(
    "INSERT INTO last_rotations SELECT 'x', rotation, outcome, finished_at, rotated_at, current FROM last_rotations"
)]
// Tables and indexes that are still well-formed, and other ones.
#[case::index("PRAGMA writable_schema = ON; UPDATE sqlite_schema SET sql = replace(sql, '(secret)', '(id)')")]
#[case::column(
    "PRAGMA writable_schema = ON; UPDATE sqlite_schema SET sql = replace(sql, 'records  I', 'recorbs  I')"
)]
fn a_row_that_was_changed_is_noticed(#[case] tamper: &str) {
    let mut crashed = Crashed::new(Kept::Database);
    let journal = crashed.place.open();
    let lease = lease(&journal, &secret(40));
    append(&journal, &lease, 40, started(&lease)).unwrap();
    let end = finished(Outcome::Succeeded, Some("2026-03-01T00:00:00Z"), Some("00112233445566aa"));
    append(&journal, &lease, 40, end).unwrap();
    crashed.records = all(&journal);
    drop(journal);
    assert!(crashed.judge(crashed.place.try_open(), "nothing"));
    let connection = Connection::open(crashed.place.path()).unwrap();
    connection.execute_batch(tamper).unwrap();
    drop(connection);
    assert!(!crashed.judge(SqliteJournal::open_read_only(crashed.place.path()), tamper));
    assert!(!crashed.judge(crashed.place.try_open(), tamper));
}

/// A lost lease would give the same fence out twice.
#[rstest]
fn a_lease_that_was_cut_off_is_missed_as_a_record_is() {
    let place = Place::new();
    let journal = place.open();
    let before = len(&beside(&place.path(), "-wal"));
    lease(&journal, &secret(1));
    let directory = tempfile::tempdir().unwrap();
    copy(place.path().parent().unwrap(), directory.path());
    let path = directory.path().join("journal.db");
    cut(&beside(&path, "-wal"), before);
    for opened in [SqliteJournal::open_read_only(&path), open(&path, &place.clock)] {
        assert_eq!(opened.unwrap_err().kind, ErrorKind::Corrupt);
    }
}

/// More than is read as a whole at every opening; all rotations have finished.
fn large(journal: &SqliteJournal) {
    let lease = lease(journal, &secret(1));
    let rotations = (0..2000).map(async |number| {
        journal.append(&lease, record(&lease, number, started(&lease))).await.unwrap();
        journal
            .append(&lease, record(&lease, number, finished(Outcome::Unchanged, None, None)))
            .await
            .unwrap();
    });
    block_on(join_all(rotations));
}

#[rstest]
fn a_large_database_that_was_cut_under_its_log_is_noticed_by_its_length() {
    let place = Place::new();
    let journal = place.open();
    large(&journal);
    // The end of the file is now something that opening has no reason to read.
    block_on(journal.set_note("audit head", &"0".repeat(20_000))).unwrap();
    drop(journal);
    let journal = place.open();
    lease(&journal, &secret(2));
    let directory = tempfile::tempdir().unwrap();
    copy(place.path().parent().unwrap(), directory.path());
    let path = directory.path().join("journal.db");
    assert_eq!(all(&SqliteJournal::open_read_only(&path).unwrap()).len(), 4000);
    cut(&path, len(&path) - PAGE);
    for opened in [SqliteJournal::open_read_only(&path), open(&path, &place.clock)] {
        assert_eq!(opened.unwrap_err().kind, ErrorKind::Corrupt);
    }
}

#[rstest]
fn a_bit_that_flipped_in_a_large_journal_is_noticed_when_read_or_verified() {
    let place = Place::new();
    large(&place.open());
    let connection = Connection::open(place.path()).unwrap();
    connection
        .execute_batch("UPDATE records SET body = replace(body, '31 days', '32 days') WHERE seq = 501")
        .unwrap();
    drop(connection);
    let journal = place.open();
    let verified = block_on(journal.verify()).unwrap_err();
    let read = block_on(journal.since(500, 1)).unwrap_err();
    for error in [verified, read] {
        assert_eq!(error.kind, ErrorKind::Corrupt);
        assert!(error.message.contains("record 501"), "{error}");
    }
    assert_eq!(block_on(journal.since(501, 1)).unwrap().len(), 1);
}

/// As after a bit that flipped in an index: it leads to one record twice and hides another one, and their number is right.
#[rstest]
fn a_record_that_is_found_twice_is_noticed() {
    let place = Place::new();
    let journal = place.open();
    let [one, other] = [1, 2].map(|number| lease(&journal, &secret(number)));
    append(&journal, &one, 1, started(&one)).unwrap();
    append(&journal, &one, 1, Event::Parked { reason: "a person is needed".to_owned() }).unwrap();
    append(&journal, &one, 1, Event::Released { initiator: "ann@ops".into() }).unwrap();
    append(&journal, &other, 2, started(&other)).unwrap();
    assert_eq!(block_on(journal.unfinished()).unwrap().len(), 2);
    drop(journal);
    let connection = Connection::open(place.path()).unwrap();
    connection
        .execute_batch(
            "CREATE TABLE copy AS SELECT * FROM records;
             DROP TABLE records;
             CREATE TABLE records (seq INTEGER NOT NULL, rotation INTEGER NOT NULL, format INTEGER NOT NULL,
                                   digest BLOB NOT NULL, body TEXT NOT NULL) STRICT;
             INSERT INTO records SELECT * FROM copy WHERE seq <> 3;
             INSERT INTO records SELECT * FROM copy WHERE seq = 2;
             DROP TABLE copy;",
        )
        .unwrap();
    drop(connection);
    let error = SqliteJournal::open_read_only(place.path()).unwrap_err();
    assert!(error.to_string().contains("record 2 is found twice"), "{error}");
}
