//! A process that appends is killed, and what it was told is durable is there.

use std::{
    collections::BTreeSet,
    io::{BufRead, BufReader},
    path::PathBuf,
    process::{Child, ChildStdout, Command, Stdio},
    time::Duration,
};

use futures::{executor::block_on, future::join_all};
use keywheel_core::{
    ErrorKind, Fence,
    journal::{Acquired, Journal, Lease},
};
use keywheel_journal_sqlite::SqliteJournal;
use rstest::rstest;

use crate::support::{MINUTE, Place, TestClock, all, append, begin, initiator, lease, open, record, secret};

/// Tells [`child`] that it is one, and where its journal is.
const JOURNAL: &str = "KEYWHEEL_TEST_JOURNAL";
const APPENDERS: usize = 8;

/// Not a test by itself: what the other ones run and kill. It says on stdout which records were acknowledged.
#[rstest]
fn child() {
    let Some(path) = std::env::var_os(JOURNAL).map(PathBuf::from) else { return };
    let journal = open(&path, &TestClock::new()).unwrap();
    let leases: Vec<_> = (0..APPENDERS).map(|number| lease(&journal, &secret(number))).collect();
    loop {
        let appends = leases
            .iter()
            .enumerate()
            .map(|(number, lease)| journal.append(lease, record(lease, number, begin())));
        for outcome in block_on(join_all(appends)) {
            match outcome {
                Ok(record) => println!("\nacknowledged {}", record.seq),
                Err(error) => println!("\nrefused {}", error.kind),
            }
        }
    }
}

struct Running {
    child: Child,
    lines: std::io::Lines<BufReader<ChildStdout>>,
}

impl Running {
    fn start(place: &Place) -> Self {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "crash::child", "--nocapture"])
            .env(JOURNAL, place.path())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Self { child, lines }
    }

    /// Reads until `count` records were acknowledged.
    fn acknowledged(&mut self, count: usize) -> BTreeSet<u64> {
        self.numbers().take(count).collect()
    }

    /// Reads until the child says so.
    fn wait_for(&mut self, wanted: &str) {
        assert!(
            self.lines.by_ref().map(Result::unwrap).any(|line| line == wanted),
            "it ended without `{wanted}`"
        );
    }

    fn numbers(&mut self) -> impl Iterator<Item = u64> + '_ {
        self.lines
            .by_ref()
            .map_while(Result::ok)
            .filter_map(|line| line.strip_prefix("acknowledged ").and_then(|number| number.parse().ok()))
    }

    /// SIGKILL; then the rest of what it had said.
    fn kill(&mut self) -> BTreeSet<u64> {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        self.numbers().collect()
    }

    fn signal(&self, signal: &str) {
        let status = Command::new("kill").args([signal, &self.child.id().to_string()]).status().unwrap();
        assert!(status.success());
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may be dead already.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

#[rstest]
fn after_sigkill_every_acknowledged_record_is_there() {
    let place = Place::new();
    let mut acknowledged = BTreeSet::new();
    for round in 0..5 {
        let mut running = Running::start(&place);
        acknowledged.extend(running.acknowledged(100 + 37 * round));
        acknowledged.extend(running.kill());
        let reader = SqliteJournal::open_read_only(place.path()).unwrap();
        let there: BTreeSet<u64> = all(&reader).iter().map(|record| record.seq).collect();
        assert!(acknowledged.is_subset(&there), "lost {:?}", acknowledged.difference(&there));
        block_on(reader.verify()).unwrap();
    }
    assert!(acknowledged.len() > 500);
}

#[rstest]
fn the_lease_of_a_killed_process_is_taken_over_at_once_whatever_the_clock_says() {
    let place = Place::new();
    let mut running = Running::start(&place);
    running.acknowledged(1);
    let journal = place.open();
    let acquire = || block_on(journal.acquire(&secret(1), &initiator(), MINUTE)).unwrap();
    assert!(matches!(acquire(), Acquired::HeldBy(_)));
    running.kill();
    place.clock.jump(jiff::SignedDuration::from_hours(-1));
    assert_eq!(acquire(), Acquired::Yes(Lease { secret: secret(1), fence: Fence(2) }));
    let error = append(&journal, &Lease { secret: secret(1), fence: Fence(1) }, 1, begin()).unwrap_err();
    assert_eq!(error.kind, ErrorKind::Fenced);
}

#[rstest]
fn a_stopped_process_loses_its_lease_after_its_lifetime_and_is_fenced_when_it_goes_on() {
    let place = Place::new();
    let journal = place.open();
    let mut running = Running::start(&place);
    running.acknowledged(8);
    let acquire = || block_on(journal.acquire(&secret(1), &initiator(), MINUTE));
    let taken = loop {
        running.signal("-STOP");
        place.clock.jump(jiff::SignedDuration::from_mins(1));
        match acquire() {
            Ok(Acquired::TakenOver(lease)) => break lease,
            Ok(Acquired::Yes(lease)) => panic!("its holder lives: {lease:?}"),
            Ok(Acquired::HeldBy(holder)) => panic!("a lease that expired is held by {holder:?}"),
            // It was stopped in the middle of a commit: let it finish that one.
            Err(error) => assert_eq!(error.kind, ErrorKind::Unavailable, "{error}"),
        }
        running.signal("-CONT");
        pause(Duration::from_millis(5));
    };
    assert_eq!(taken.fence, Fence(2));
    running.signal("-CONT");
    running.wait_for("refused fenced");
    append(&journal, &taken, 1, begin()).unwrap();
}

#[rstest]
fn lock_files_of_the_dead_are_swept_up() {
    let place = Place::new();
    let mut running = Running::start(&place);
    running.acknowledged(1);
    running.kill();
    let holders = place.path().with_file_name("journal.db.holders");
    let count = || std::fs::read_dir(&holders).unwrap().count();
    assert_eq!(count(), 1);
    let journal = place.open();
    assert_eq!(count(), 1, "the new process's own");
    drop(journal);
    assert_eq!(count(), 0);
}

#[expect(clippy::disallowed_methods, reason = "another process has to get on in real time")]
fn pause(duration: Duration) {
    std::thread::sleep(duration);
}
