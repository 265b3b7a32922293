//! Each sentence of `Journal`'s contract that is not about leases or damage.

use std::{collections::BTreeSet, os::unix::fs::PermissionsExt, sync::Arc};

use futures::{executor::block_on, future::join_all};
use keywheel_core::{
    Effect, ErrorKind,
    journal::{Journal, LastRotation},
    rotation::{Event, Outcome},
};
use keywheel_journal_sqlite::{SqliteJournal, Verified};
use rstest::rstest;

use crate::support::{
    Place, all, append, begin, finished, initiator, lease, open, record, rotation, secret, started,
};

#[rstest]
fn what_append_returned_is_there_after_reopening_in_order_and_whole() {
    let place = Place::new();
    let written = {
        let journal = place.open();
        let lease = lease(&journal, &secret(1));
        let parked = Event::Parked { reason: "nobody answers: \"naïve\" \u{1F511}\n\u{0}".to_owned() };
        [started(&lease), begin(), parked].map(|event| append(&journal, &lease, 1, event).unwrap())
    };
    let journal = place.open();
    assert_eq!(all(&journal), written);
    assert_eq!(block_on(journal.records(rotation(1))).unwrap(), written);
    assert!(written.is_sorted_by(|a, b| a.seq < b.seq));
    assert_eq!(block_on(journal.verify()).unwrap(), Verified { records: 3, rotations: 1 });
}

#[rstest]
fn numbers_go_on_where_another_process_stopped() {
    let place = Place::new();
    let (one, two) = (place.open(), place.open());
    let (of_one, of_two) = (lease(&one, &secret(1)), lease(&two, &secret(2)));
    let seqs: Vec<u64> = (0..6)
        .map(|turn| match turn % 2 {
            0 => append(&one, &of_one, 1, begin()).unwrap().seq,
            _ => append(&two, &of_two, 2, begin()).unwrap().seq,
        })
        .collect();
    assert!(seqs.is_sorted_by(|a, b| a < b), "{seqs:?}");
    assert_eq!(all(&one), all(&two));
}

#[rstest]
fn unfinished_rotations_come_oldest_first_and_finished_ones_do_not_come() {
    let place = Place::new();
    let journal = place.open();
    for number in [3, 1, 2] {
        let lease = lease(&journal, &secret(number));
        append(&journal, &lease, number, started(&lease)).unwrap();
    }
    for number in [1, 2, 3] {
        append(&journal, &lease(&journal, &secret(number)), number, begin()).unwrap();
    }
    append(&journal, &lease(&journal, &secret(1)), 1, finished(Outcome::Unchanged, None, None)).unwrap();

    let unfinished = block_on(journal.unfinished()).unwrap();
    let rotations: Vec<_> =
        unfinished.iter().map(|records| (records[0].body.rotation, records.len())).collect();
    assert_eq!(rotations, [(rotation(3), 2), (rotation(2), 2)]);
    assert_eq!(block_on(journal.unfinished_of(&secret(3))).unwrap(), unfinished[0]);
    assert_eq!(block_on(journal.unfinished_of(&secret(1))).unwrap(), []);
    assert_eq!(block_on(journal.unfinished_of(&secret(9))).unwrap(), []);
}

#[rstest]
fn rotations_of_a_secret_come_newest_first_up_to_the_limit() {
    let place = Place::new();
    let journal = place.open();
    let lease = lease(&journal, &secret(1));
    for number in [5, 9, 7] {
        append(&journal, &lease, number, started(&lease)).unwrap();
        append(&journal, &lease, number, finished(Outcome::Unchanged, None, None)).unwrap();
    }
    let rotations = |limit| block_on(journal.rotations_of(&secret(1), limit)).unwrap();
    assert_eq!(rotations(2), [rotation(7), rotation(9)]);
    assert_eq!(rotations(usize::MAX), [rotation(7), rotation(9), rotation(5)]);
    assert_eq!(rotations(0), []);
}

#[rstest]
fn since_gives_what_is_newer_up_to_the_limit() {
    let place = Place::new();
    let journal = place.open();
    let lease = lease(&journal, &secret(1));
    let written: Vec<_> = (0..5).map(|_| append(&journal, &lease, 1, begin()).unwrap()).collect();
    assert_eq!(block_on(journal.since(written[1].seq, 2)).unwrap(), written[2..4]);
    assert_eq!(block_on(journal.since(written[4].seq, 2)).unwrap(), []);
    assert_eq!(block_on(journal.since(u64::MAX, 2)).unwrap(), []);
}

#[rstest]
#[case::success(
    finished(Outcome::Succeeded, Some("2026-03-02T00:00:00Z"), Some("aaaaaaaaaaaaaaaa")),
    "2026-03-02T00:00:00Z"
)]
#[case::rollback_keeps_the_time(
    finished(Outcome::RolledBack, None, Some("bbbbbbbbbbbbbbbb")),
    "2026-03-01T00:00:00Z"
)]
#[case::clock_set_back(
    finished(Outcome::Succeeded, Some("2026-02-01T00:00:00Z"), None),
    "2026-03-01T00:00:00Z"
)]
fn last_rotations_reflects_every_finished_record(#[case] second: Event, #[case] rotated_at: &str) {
    let place = Place::new();
    let journal = place.open();
    let lease = lease(&journal, &secret(1));
    append(&journal, &lease, 1, started(&lease)).unwrap();
    assert_eq!(block_on(journal.last_rotation(&secret(1))).unwrap(), None);
    let first = finished(Outcome::Succeeded, Some("2026-03-01T00:00:00Z"), Some("0123456789abcdef"));
    append(&journal, &lease, 1, first).unwrap();
    append(&journal, &lease, 2, started(&lease)).unwrap();
    let Event::Finished { outcome, current, .. } = second else { unreachable!() };
    let last = append(&journal, &lease, 2, second).unwrap();

    let expected = LastRotation {
        secret: secret(1),
        rotation: rotation(2),
        outcome,
        finished_at: last.body.at,
        rotated_at: Some(rotated_at.parse().unwrap()),
        current,
    };
    assert_eq!(block_on(journal.last_rotation(&secret(1))).unwrap(), Some(expected.clone()));
    assert_eq!(block_on(journal.last_rotations()).unwrap(), [expected]);
}

#[rstest]
fn a_refused_append_writes_nothing_and_does_not_spoil_its_group() {
    let place = Place::new();
    let journal = place.open();
    let held: Vec<_> = (0..64).map(|number| lease(&journal, &secret(number))).collect();
    for gone in held.iter().step_by(4) {
        block_on(journal.release(gone)).unwrap();
    }
    let appends =
        held.iter().enumerate().map(|(number, held)| journal.append(held, record(held, number, begin())));
    let outcomes = block_on(join_all(appends));
    for (number, outcome) in outcomes.iter().enumerate() {
        match outcome {
            Ok(_) => assert_ne!(number % 4, 0),
            Err(error) => {
                assert_eq!(number % 4, 0);
                assert_eq!((error.kind, error.effect), (ErrorKind::Fenced, Effect::NotApplied));
            }
        }
    }
    assert_eq!(all(&journal).len(), 48);
    block_on(journal.verify()).unwrap();
}

#[rstest]
fn concurrent_appends_from_many_threads_are_all_there_once() {
    let place = Place::new();
    let journal = place.open();
    let threads: Vec<_> = (0..16)
        .map(|number| {
            let journal = Arc::clone(&journal);
            std::thread::spawn(move || {
                let lease = lease(&journal, &secret(number));
                (0..50).map(|_| append(&journal, &lease, number, begin()).unwrap()).collect::<Vec<_>>()
            })
        })
        .collect();
    let mut written: Vec<_> = threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect();
    written.sort_by_key(|record| record.seq);
    assert_eq!(written.iter().map(|record| record.seq).collect::<BTreeSet<_>>().len(), 800);
    assert_eq!(all(&journal), written);
}

#[rstest]
fn a_finished_rotation_takes_no_more_records_and_belongs_to_one_secret() {
    let place = Place::new();
    let journal = place.open();
    let (one, two) = (lease(&journal, &secret(1)), lease(&journal, &secret(2)));
    append(&journal, &one, 1, started(&one)).unwrap();
    let stranger = append(&journal, &two, 1, begin()).unwrap_err();
    append(&journal, &one, 1, finished(Outcome::Succeeded, None, None)).unwrap();
    let late = append(&journal, &one, 1, begin()).unwrap_err();
    for error in [stranger, late] {
        assert_eq!((error.kind, error.effect), (ErrorKind::Conflict, Effect::NotApplied), "{error}");
    }
    assert_eq!(all(&journal).len(), 2);
}

#[rstest]
fn notes_are_kept_and_replaced() {
    let place = Place::new();
    let journal = place.open();
    assert_eq!(block_on(journal.note("audit head")).unwrap(), None);
    block_on(journal.set_note("audit head", "one")).unwrap();
    block_on(journal.set_note("audit head", "two")).unwrap();
    drop(journal);
    assert_eq!(block_on(place.open().note("audit head")).unwrap().as_deref(), Some("two"));
}

#[rstest]
fn a_reader_sees_what_a_writer_in_another_process_wrote_and_cannot_write() {
    let place = Place::new();
    let journal = place.open();
    let reader = SqliteJournal::open_read_only(place.path()).unwrap();
    let lease = lease(&journal, &secret(1));
    append(&journal, &lease, 1, started(&lease)).unwrap();
    assert_eq!(all(&reader), all(&journal));
    let error = block_on(reader.acquire(&secret(1), &initiator(), crate::support::MINUTE)).unwrap_err();
    assert_eq!((error.kind, error.effect), (ErrorKind::PermissionDenied, Effect::NotApplied));
    let error = append(&reader, &lease, 1, begin()).unwrap_err();
    assert_eq!((error.kind, error.effect), (ErrorKind::PermissionDenied, Effect::NotApplied));
}

#[rstest]
fn a_reader_takes_a_missing_journal_for_an_empty_one_and_creates_nothing() {
    let place = Place::new();
    let journal = SqliteJournal::open_read_only(place.path()).unwrap();
    assert_eq!(all(&journal), []);
    assert_eq!(block_on(journal.unfinished()).unwrap(), Vec::<Vec<_>>::new());
    assert_eq!(block_on(journal.last_rotations()).unwrap(), []);
    assert_eq!(std::fs::read_dir(place.directory.path()).unwrap().count(), 0);
}

#[rstest]
fn files_and_directories_are_for_their_owner_alone() {
    let place = Place::new();
    let journal = place.open();
    lease(&journal, &secret(1));
    let mut seen = Vec::new();
    let mut directories = vec![place.path().parent().unwrap().to_owned()];
    while let Some(directory) = directories.pop() {
        let mode = |path: &std::path::Path| path.metadata().unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&directory), 0o700, "{}", directory.display());
        for entry in std::fs::read_dir(&directory).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                directories.push(path);
            } else {
                assert_eq!(mode(&path), 0o600, "{}", path.display());
                seen.push(path);
            }
        }
    }
    assert_eq!(seen.len(), 5, "the database, -wal, -shm, .head and one lock file: {seen:?}");
}

#[rstest]
fn processes_that_meet_at_a_new_journal_create_one() {
    let place = Place::new();
    let threads: Vec<_> = (0..8)
        .map(|number| {
            let (path, clock) = (place.path(), Arc::clone(&place.clock));
            std::thread::spawn(move || {
                let journal = open(&path, &clock).unwrap();
                let lease = lease(&journal, &secret(number));
                append(&journal, &lease, number, started(&lease)).unwrap();
                journal
            })
        })
        .collect();
    let journals: Vec<_> = threads.into_iter().map(|thread| thread.join().unwrap()).collect();
    assert_eq!(all(&journals[0]).len(), 8);
}
