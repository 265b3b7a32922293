//! What the journal does not open or cannot write, and what it says then.

use std::{
    fs,
    path::Path,
    process::Command,
    sync::atomic::{AtomicBool, Ordering},
};

use futures::{executor::block_on, future::join_all};
use keywheel_core::{Effect, Error, ErrorKind, journal::Journal, rotation::Outcome};
use keywheel_journal_sqlite::SqliteJournal;
use rstest::rstest;
use rusqlite::Connection;

use crate::support::{Place, all, append, begin, finished, lease, open, record, secret, started};

/// A closed journal with two records in it.
fn journal() -> Place {
    let place = Place::new();
    let journal = place.open();
    let lease = lease(&journal, &secret(1));
    append(&journal, &lease, 1, started(&lease)).unwrap();
    append(&journal, &lease, 1, begin()).unwrap();
    drop(journal);
    place
}

fn both_refuse(place: &Place, kind: ErrorKind, words: &[&str]) {
    let reading = SqliteJournal::open_read_only(place.path()).unwrap_err();
    let writing = place.try_open().unwrap_err();
    for error in [reading, writing] {
        assert_error(&error, kind, words);
        assert!(error.to_string().contains(place.path().to_str().unwrap()), "it names the file: {error}");
    }
}

fn assert_error(error: &Error, kind: ErrorKind, words: &[&str]) {
    assert_eq!((error.kind, error.effect), (kind, Effect::NotApplied), "{error}");
    for word in words {
        assert!(error.to_string().contains(word), "`{word}` is missing: {error}");
    }
}

#[rstest]
#[case::tables("PRAGMA user_version = 2")]
#[case::records("UPDATE state SET format = 2")]
#[case::one_record("UPDATE records SET format = 2 WHERE seq = 1")]
fn a_newer_journal_says_which_version_to_run(#[case] upgrade: &str) {
    let place = journal();
    let connection = Connection::open(place.path()).unwrap();
    connection.execute_batch(upgrade).unwrap();
    connection.execute_batch("UPDATE state SET written_by = '7.1.0'").unwrap();
    drop(connection);
    both_refuse(&place, ErrorKind::Unsupported, &["Run keywheel 7.1.0 or later", "this is keywheel 0.1.0"]);
}

#[rstest]
#[case::text(b"secrets:\n  - name: not a database, but long enough to be taken for one at first sight, at least by some\n")]
#[case::short(b"a few bytes")]
fn a_file_that_is_not_sqlite_is_refused_and_left_alone(#[case] content: &[u8]) {
    let place = Place::new();
    fs::create_dir_all(place.path().parent().unwrap()).unwrap();
    fs::write(place.path(), content).unwrap();
    both_refuse(&place, ErrorKind::Corrupt, &["not a SQLite database"]);
    assert_eq!(fs::read(place.path()).unwrap(), content);
    assert_eq!(fs::read_dir(place.path().parent().unwrap()).unwrap().count(), 1, "nothing was put beside it");
}

#[rstest]
#[case::named("PRAGMA application_id = 42; CREATE TABLE theirs (x)")]
#[case::unnamed("CREATE TABLE theirs (x)")]
fn another_programs_database_is_refused(#[case] tables: &str) {
    let place = Place::new();
    fs::create_dir_all(place.path().parent().unwrap()).unwrap();
    Connection::open(place.path()).unwrap().execute_batch(tables).unwrap();
    both_refuse(&place, ErrorKind::InvalidConfig, &["not a keywheel journal", "path of its own"]);
    assert_eq!(fs::read_dir(place.path().parent().unwrap()).unwrap().count(), 1, "nothing was put beside it");
}

#[rstest]
fn a_directory_is_refused() {
    let place = Place::new();
    fs::create_dir_all(place.path()).unwrap();
    both_refuse(&place, ErrorKind::InvalidConfig, &["must name a file"]);
}

#[rstest]
fn a_lock_that_another_process_keeps_is_waited_for_five_seconds_and_then_named() {
    let place = journal();
    let journal = place.open();
    let lease = lease(&journal, &secret(1));
    let stranger = Connection::open(place.path()).unwrap();
    stranger.execute_batch("BEGIN IMMEDIATE").unwrap();
    let error = append(&journal, &lease, 1, begin()).unwrap_err();
    assert_error(&error, ErrorKind::Unavailable, &["locked", "journal.db"]);
    stranger.execute_batch("ROLLBACK").unwrap();
    append(&journal, &lease, 1, begin()).unwrap();
    assert_eq!(all(&journal).len(), 3, "the refused one is not there");
}

#[rstest]
fn an_exclusive_lock_makes_opening_fail_in_words() {
    let place = journal();
    let stranger = Connection::open(place.path()).unwrap();
    stranger.execute_batch("PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE").unwrap();
    both_refuse(&place, ErrorKind::Unavailable, &["locked"]);
}

#[rstest]
fn a_full_disk_refuses_the_whole_group_and_writing_goes_on_when_there_is_space() {
    let place = Place::new();
    let Some(mount) = Mount::new(&place, "size=1500k") else { return };
    let path = mount.path().join("journal.db");
    let journal = open(&path, &place.clock).unwrap();
    let held = lease(&journal, &secret(1));
    let filler = mount.path().join("filler");
    let mut written = Vec::new();
    let error = loop {
        drop(fs::write(&filler, vec![0; 2_000_000]));
        let appends = (0..32).map(|number| journal.append(&held, record(&held, number, started(&held))));
        let mut failed = None;
        for outcome in block_on(join_all(appends)) {
            match outcome {
                Ok(record) => written.push(record),
                Err(error) => failed = Some(error),
            }
        }
        if let Some(error) = failed {
            break error;
        }
    };
    assert_error(&error, ErrorKind::Unavailable, &["disk is full", "nothing was written"]);
    assert_eq!(all(&journal), written);
    fs::remove_file(&filler).unwrap();
    written.push(append(&journal, &held, 1, finished(Outcome::Unchanged, None, None)).unwrap());
    drop(journal);
    assert_eq!(all(&open(&path, &place.clock).unwrap()), written);
}

#[rstest]
#[case::closed(false)]
#[case::after_a_crash(true)]
fn a_read_only_file_system_is_read_and_not_written(#[case] crashed: bool) {
    let place = Place::new();
    let Some(mount) = Mount::new(&place, "size=16m") else { return };
    let path = mount.path().join("journal.db");
    let journal = open(&path, &place.clock).unwrap();
    let held = lease(&journal, &secret(1));
    let written = append(&journal, &held, 1, started(&held)).unwrap();
    if crashed {
        // The log and the shared memory stay as they are; the remount needs the files closed.
        let copy = mount.path().join("copy");
        fs::create_dir(&copy).unwrap();
        for suffix in ["", "-wal", "-shm", ".head"] {
            let name = format!("journal.db{suffix}");
            fs::copy(mount.path().join(&name), copy.join(&name)).unwrap();
        }
    } else {
        fs::create_dir(mount.path().join("copy")).unwrap();
    }
    drop(journal);
    if !crashed {
        for suffix in ["", "-wal", ".head"] {
            let name = format!("journal.db{suffix}");
            fs::copy(mount.path().join(&name), mount.path().join("copy").join(&name)).unwrap();
        }
    }
    mount.remount_read_only();
    for path in [path, mount.path().join("copy/journal.db")] {
        let journal = SqliteJournal::open_read_only(&path).unwrap();
        assert_eq!(all(&journal), std::slice::from_ref(&written));
        let error = open(&path, &place.clock).unwrap_err();
        assert_error(&error, ErrorKind::PermissionDenied, &["writable"]);
    }
    let missing = mount.path().join("new/journal.db");
    assert_eq!(all(&SqliteJournal::open_read_only(&missing).unwrap()), []);
    assert_error(&open(&missing, &place.clock).unwrap_err(), ErrorKind::PermissionDenied, &["writable"]);
}

/// A small file system of its own; `None`, and a word on stderr, where mounting is not permitted.
struct Mount {
    path: std::path::PathBuf,
}

impl Mount {
    fn new(place: &Place, options: &str) -> Option<Self> {
        static SAID: AtomicBool = AtomicBool::new(false);
        let path = place.directory.path().join("mount");
        fs::create_dir(&path).unwrap();
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", options, "tmpfs"])
            .arg(&path)
            .stderr(std::process::Stdio::null())
            .status()
            .is_ok_and(|status| status.success());
        if !mounted && !SAID.swap(true, Ordering::Relaxed) {
            eprintln!("skipped: full and read-only file systems need root and the right to mount a tmpfs");
        }
        mounted.then_some(Self { path })
    }

    fn path(&self) -> &Path {
        &self.path
    }

    fn remount_read_only(&self) {
        let status = Command::new("mount").args(["-o", "remount,ro"]).arg(&self.path).status().unwrap();
        assert!(status.success());
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        drop(Command::new("umount").arg("--lazy").arg(&self.path).status());
    }
}
