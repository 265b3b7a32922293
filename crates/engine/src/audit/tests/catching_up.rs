//! How the file follows the journal: once, in order, whatever dies in between.

use std::{
    os::unix::fs::PermissionsExt,
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use async_trait::async_trait;
use jiff::Timestamp;
use keywheel_core::{Clock, ErrorKind, OsEntropy, rotation::Event};
use rstest::rstest;

use super::{
    super::{Audit, Filter, lock::Lock, show},
    Bench, Still, joined,
    journal::{MemoryJournal, id},
    keys, lines_of,
};
use crate::SystemClock;

#[tokio::test]
async fn of_no_records_nothing_is_written() {
    let bench = Bench::new();
    bench.audit().catch_up(&bench.journal).await.unwrap();
    assert!(!bench.path().exists());
    assert_eq!(bench.head().await, None);
    assert!(bench.audit().verify(&bench.journal).await.unwrap().is_intact());
}

#[tokio::test]
async fn again_without_news_it_writes_nothing_and_asks_for_one_record_only() {
    let bench = Bench::written().await;
    let (file, notes) = (bench.file(), *bench.journal.notes_set.lock().unwrap());
    bench.journal.asked.lock().unwrap().clear();
    bench.audit().catch_up(&bench.journal).await.unwrap();
    assert_eq!(bench.file(), file);
    assert_eq!(*bench.journal.notes_set.lock().unwrap(), notes);
    assert_eq!(*bench.journal.asked.lock().unwrap(), [bench.journal.last_seq() - 1]);
}

#[tokio::test]
async fn however_the_calls_fall_between_the_records_the_file_is_the_same() {
    let whole = Bench::new();
    whole.journal.rotation_that_succeeds("db", 1);
    whole.journal.rotation_that_is_undone("api", 2);
    whole.audit().catch_up(&whole.journal).await.unwrap();

    let bench = Bench { keys: whole.keys.clone(), ..Bench::new() };
    let records = whole.journal.records.lock().unwrap().clone();
    for record in records {
        bench.journal.records.lock().unwrap().push(record);
        bench.audit().catch_up(&bench.journal).await.unwrap();
    }
    assert_eq!(bench.file(), whole.file());
    assert!(bench.verdict().await.is_intact());
    // Nothing but what is on disk carried the histories over.
    assert!(bench.journal.loaded.lock().unwrap().contains(&id(2)));
    assert!(whole.journal.loaded.lock().unwrap().is_empty());
}

#[tokio::test]
async fn intents_at_the_end_are_looked_at_once() {
    let bench = Bench::new();
    let mut history = bench.journal.begin("db", 1);
    bench.audit().catch_up(&bench.journal).await.unwrap();
    let action = history.action().unwrap();
    bench.journal.go_on(&mut history, Event::Begin { action });
    bench.journal.go_on(&mut history, Event::Begin { action });
    bench.audit().catch_up(&bench.journal).await.unwrap();
    assert!(bench.journal.loaded.lock().unwrap().is_empty(), "an intent needs no history");
    assert_eq!(bench.head().await.unwrap().seq, 3);
    assert_eq!(bench.head().await.unwrap().line, 1);
    bench.journal.asked.lock().unwrap().clear();
    bench.audit().catch_up(&bench.journal).await.unwrap();
    assert_eq!(*bench.journal.asked.lock().unwrap(), [2]);
    bench.read().await;
    assert!(bench.verdict().await.is_intact());
}

#[tokio::test]
async fn a_journal_of_intents_alone_makes_no_file() {
    let bench = Bench::new();
    let action = bench.journal.begin("db", 1).action().unwrap();
    let intent = bench.journal.push(1, "db", Event::Begin { action });
    *bench.journal.records.lock().unwrap() = vec![intent];
    for _ in 0..2 {
        bench.audit().catch_up(&bench.journal).await.unwrap();
    }
    assert!(!bench.path().exists());
    assert_eq!(bench.head().await.unwrap().seq, 2);
}

#[tokio::test]
async fn a_crash_before_the_note_loses_and_repeats_nothing() {
    let bench = Bench::written().await;
    bench.journal.rotation_that_succeeds("db", 3);
    bench.journal.notes_fail.store(true, Ordering::Relaxed);
    bench.audit().catch_up(&bench.journal).await.unwrap_err();
    let file = bench.file();
    assert!(bench.verdict().await.is_intact(), "a file ahead of the note is whole");
    bench.journal.notes_fail.store(false, Ordering::Relaxed);
    bench.audit().catch_up(&bench.journal).await.unwrap();
    assert_eq!(bench.file(), file);
    assert_eq!(bench.head().await.unwrap().bytes, file.len() as u64);
}

#[tokio::test]
async fn a_crash_before_the_very_first_note_is_no_different() {
    let bench = Bench::new();
    bench.journal.rotation_that_succeeds("db", 1);
    bench.journal.notes_fail.store(true, Ordering::Relaxed);
    bench.audit().catch_up(&bench.journal).await.unwrap_err();
    let file = bench.file();
    bench.journal.notes_fail.store(false, Ordering::Relaxed);
    bench.audit().catch_up(&bench.journal).await.unwrap();
    assert_eq!(bench.file(), file);
}

#[tokio::test]
async fn a_write_torn_at_any_byte_beyond_the_note_is_made_good() {
    let bench = Bench::written().await;
    let noted = bench.file().len();
    let note = bench.journal.notes.lock().unwrap().clone();
    let mut history = bench.journal.begin("db", 3);
    bench.journal.step(&mut history);
    bench.audit().catch_up(&bench.journal).await.unwrap();
    let whole = bench.file();
    for cut in noted..whole.len() {
        *bench.journal.notes.lock().unwrap() = note.clone();
        bench.replace(&whole[..cut]);
        bench.audit().catch_up(&bench.journal).await.unwrap();
        assert_eq!(bench.file(), whole, "cut at {cut}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_processes_that_catch_up_at_once_write_each_line_once() {
    let bench = Bench::new();
    for rotation in 0..120 {
        bench.journal.rotation_that_succeeds("db", rotation);
    }
    let bench = Arc::new(bench);
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..3 {
        let bench = Arc::clone(&bench);
        tasks.spawn(async move {
            let audit = Audit::new(&bench.path(), bench.keys.clone(), Arc::new(SystemClock));
            audit.catch_up(&bench.journal).await.unwrap();
            assert_eq!(audit.verify(&bench.journal).await.unwrap().problems, []);
        });
    }
    while let Some(task) = tasks.join_next().await {
        task.unwrap();
    }
    let verdict = bench.verdict().await;
    assert_eq!(verdict.problems, []);
    assert_eq!(verdict.lines, bench.journal.lines());
    assert!(verdict.lines > 1500, "more than one chunk");
}

struct Counting(std::sync::Mutex<Duration>);

#[async_trait]
impl Clock for Counting {
    fn now(&self) -> Timestamp {
        Timestamp::UNIX_EPOCH
    }

    fn running(&self) -> Duration {
        *self.0.lock().unwrap()
    }

    async fn sleep(&self, duration: Duration) {
        *self.0.lock().unwrap() += duration;
    }
}

#[tokio::test]
async fn who_waits_for_the_lock_gives_up_after_half_a_minute() {
    let bench = Bench::written().await;
    let held = Lock::exclusive(&bench.path(), &Still).await.unwrap();
    let clock = Counting(std::sync::Mutex::default());
    let error = Lock::exclusive(&bench.path(), &clock).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Unavailable);
    let slept = *clock.0.lock().unwrap();
    assert!((30..31).contains(&slept.as_secs()), "{slept:?}");
    drop(held);
    Lock::exclusive(&bench.path(), &clock).await.unwrap();
}

#[tokio::test]
async fn nobody_else_may_read_it() {
    let bench = Bench::written().await;
    let mode = |path: &std::path::Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&bench.path()), 0o600);
    assert_eq!(mode(&bench.path().with_extension("jsonl.lock")), 0o600);
    assert_eq!(mode(bench.path().parent().unwrap()), 0o700);
}

#[rstest]
#[case::lost(|journal: &MemoryJournal| {
    journal.records.lock().unwrap().clear();
    journal.notes.lock().unwrap().clear();
})]
#[case::older_copy(|journal: &MemoryJournal| journal.records.lock().unwrap().truncate(10))]
#[case::other_numbers(|journal: &MemoryJournal| journal.records.lock().unwrap().last_mut().unwrap().seq += 1)]
#[tokio::test]
async fn a_journal_that_does_not_know_what_is_covered_is_refused(#[case] change: fn(&MemoryJournal)) {
    let bench = Bench::written().await;
    let file = bench.file();
    change(&bench.journal);
    let error = bench.audit().catch_up(&bench.journal).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Corrupt);
    assert!(error.message.contains("lost, or put back from an older copy"), "{error}");
    assert_eq!(bench.file(), file);
}

#[tokio::test]
async fn another_key_is_refused_by_name() {
    let bench = Bench::written().await;
    let file = bench.file();
    let elsewhere = tempfile::tempdir().unwrap();
    let bench = Bench { keys: keys(elsewhere.path(), &OsEntropy), ..bench };
    let error = bench.audit().catch_up(&bench.journal).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Corrupt);
    assert!(error.message.contains("If the audit key was replaced"), "{error}");
    assert_eq!(bench.file(), file);
}

#[tokio::test]
async fn what_a_newer_keywheel_wrote_is_refused() {
    let bench = Bench::written().await;
    let note = bench.journal.notes.lock().unwrap().clone();
    bench.read().await;
    // The same line as a later format would write it, with the signature that it would have.
    let mut lines = lines_of(&bench.file());
    let last = String::from_utf8(lines.pop().unwrap()).unwrap().replace("\"format\":1", "\"format\":2");
    let mut newer: serde_json::Map<_, _> = serde_json::from_str(&last).unwrap();
    newer.remove("mac");
    let mut text = Vec::new();
    super::super::seal::Seal::new(bench.keys.audit()).close(&newer, &mut text).unwrap();
    lines.push(text);
    bench.replace(&joined(&lines));
    *bench.journal.notes.lock().unwrap() = note;
    let error = bench.audit().catch_up(&bench.journal).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Unsupported);
    assert_eq!(show(&bench.path(), &Filter::default()).unwrap_err().kind, ErrorKind::Unsupported);
    let kinds: Vec<_> = bench.verdict().await.problems.iter().map(|problem| problem.kind).collect();
    assert_eq!(kinds, [super::super::ProblemKind::NewerFormat]);
    assert_eq!(bench.file(), joined(&lines));
}
