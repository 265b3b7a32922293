//! Leases: one holder, growing fences, takeover from the dead at once and from the silent after a while.

use std::time::Duration;

use futures::executor::block_on;
use jiff::SignedDuration;
use keywheel_core::{
    Effect, ErrorKind, Fence,
    journal::{Acquired, Journal, Lease},
};
use keywheel_journal_sqlite::SqliteJournal;
use rstest::rstest;

use crate::support::{MINUTE, Place, all, append, begin, initiator, lease, secret, started};

/// Longer than any test runs, so that no sign of life comes in between.
const NO_HEARTBEAT: Duration = Duration::from_hours(1);

fn acquire(journal: &SqliteJournal, lifetime: Duration) -> Acquired {
    block_on(journal.acquire(&secret(1), &initiator(), lifetime)).unwrap()
}

fn yes(fence: u64) -> Acquired {
    Acquired::Yes(Lease { secret: secret(1), fence: Fence(fence) })
}

fn taken_over(fence: u64) -> Acquired {
    Acquired::TakenOver(Lease { secret: secret(1), fence: Fence(fence) })
}

fn assert_fenced(journal: &SqliteJournal, fence: u64) {
    let before = all(journal);
    let lease = Lease { secret: secret(1), fence: Fence(fence) };
    let error = append(journal, &lease, 1, begin()).unwrap_err();
    assert_eq!((error.kind, error.effect), (ErrorKind::Fenced, Effect::NotApplied), "{error}");
    assert_eq!(all(journal), before);
}

#[rstest]
fn one_holder_has_it_and_is_named_to_the_others() {
    let place = Place::new();
    let (one, two) = (place.open(), place.open());
    assert_eq!(acquire(&one, MINUTE), yes(1));
    let Acquired::HeldBy(holder) = acquire(&two, MINUTE) else { panic!("two holders") };
    assert_eq!(holder.initiator, initiator());
    assert_eq!(holder.since, "2026-03-01T00:00:00Z".parse().unwrap());
}

#[rstest]
fn of_many_that_ask_at_once_one_gets_it() {
    let place = Place::new();
    let journals: Vec<_> = (0..8).map(|_| place.open()).collect();
    let threads: Vec<_> = journals
        .iter()
        .map(|journal| {
            let journal = std::sync::Arc::clone(journal);
            std::thread::spawn(move || acquire(&journal, MINUTE))
        })
        .collect();
    let answers = threads.into_iter().map(|thread| thread.join().unwrap());
    assert_eq!(answers.filter(|answer| *answer == yes(1)).count(), 1);
}

#[rstest]
fn asking_again_gives_it_again_with_the_same_fence() {
    let place = Place::new();
    let journal = place.open();
    assert_eq!(acquire(&journal, MINUTE), yes(1));
    place.clock.jump(SignedDuration::from_hours(2));
    assert_eq!(acquire(&journal, MINUTE), yes(1));
}

#[rstest]
fn a_released_lease_is_fenced_and_the_next_fence_is_greater() {
    let place = Place::new();
    let (one, two) = (place.open(), place.open());
    let first = lease(&one, &secret(1));
    append(&one, &first, 1, started(&first)).unwrap();
    block_on(one.release(&first)).unwrap();
    block_on(one.release(&first)).unwrap();
    assert_fenced(&one, 1);
    assert_eq!(acquire(&two, MINUTE), yes(2));
    assert_fenced(&one, 1);
    block_on(one.release(&first)).unwrap();
    append(&two, &Lease { secret: secret(1), fence: Fence(2) }, 1, begin()).unwrap();
}

#[rstest]
fn fences_grow_over_restarts() {
    let place = Place::new();
    for fence in 1..4 {
        assert_eq!(acquire(&place.open(), MINUTE), yes(fence));
    }
}

#[rstest]
fn a_lease_that_was_never_given_is_fenced() {
    let place = Place::new();
    assert_fenced(&place.open(), 1);
}

#[rstest]
fn a_guessed_fence_of_anothers_lease_is_fenced() {
    let place = Place::new();
    let (one, two) = (place.open(), place.open());
    lease(&one, &secret(1));
    assert_fenced(&two, 1);
}

#[rstest]
fn a_record_under_another_secrets_lease_is_refused() {
    let place = Place::new();
    let journal = place.open();
    let (one, two) = (lease(&journal, &secret(1)), lease(&journal, &secret(2)));
    let record = crate::support::record(&two, 1, begin());
    let error = block_on(journal.append(&one, record)).unwrap_err();
    assert_eq!((error.kind, error.effect), (ErrorKind::Internal, Effect::NotApplied));
}

#[rstest]
fn a_living_but_silent_holder_loses_it_when_it_expires_and_its_late_append_is_fenced() {
    let place = Place::new();
    let (one, two) = (place.open(), place.open());
    assert_eq!(acquire(&one, NO_HEARTBEAT), yes(1));
    place.clock.jump(SignedDuration::from_mins(59));
    assert!(matches!(acquire(&two, NO_HEARTBEAT), Acquired::HeldBy(_)));
    place.clock.jump(SignedDuration::from_mins(1));
    assert_eq!(acquire(&two, NO_HEARTBEAT), taken_over(2));
    assert_fenced(&one, 1);
    assert!(matches!(acquire(&one, NO_HEARTBEAT), Acquired::HeldBy(_)));
}

#[rstest]
fn that_a_lease_was_taken_over_is_told_until_it_is_given_back() {
    let place = Place::new();
    let (one, two) = (place.open(), place.open());
    assert_eq!(acquire(&one, NO_HEARTBEAT), yes(1));
    place.clock.jump(SignedDuration::from_hours(1));
    assert_eq!(acquire(&two, NO_HEARTBEAT), taken_over(2));
    assert_eq!(acquire(&two, NO_HEARTBEAT), taken_over(2));
    drop(two);
    let three = place.open();
    assert_eq!(acquire(&three, NO_HEARTBEAT), taken_over(3));
    block_on(three.release(&Lease { secret: secret(1), fence: Fence(3) })).unwrap();
    assert_eq!(acquire(&one, NO_HEARTBEAT), yes(4));
}

#[rstest]
fn signs_of_life_keep_it() {
    let place = Place::new();
    let (one, two) = (place.open(), place.open());
    let lifetime = Duration::from_millis(300);
    assert_eq!(acquire(&one, lifetime), yes(1));
    for _ in 0..4 {
        place.clock.jump(SignedDuration::from_millis(250));
        // Real time for a heartbeat: a third of the lifetime, and some patience with a busy machine.
        pause(Duration::from_millis(400));
        assert!(matches!(acquire(&two, lifetime), Acquired::HeldBy(_)));
    }
}

#[rstest]
#[case::back(SignedDuration::from_hours(-1))]
#[case::forward(SignedDuration::from_hours(1))]
fn a_clock_that_jumps_does_not_take_a_lease_from_its_holder(#[case] jump: SignedDuration) {
    let place = Place::new();
    let journal = place.open();
    let lease = lease(&journal, &secret(1));
    place.clock.jump(jump);
    append(&journal, &lease, 1, started(&lease)).unwrap();
    assert_eq!(acquire(&journal, MINUTE), yes(1));
}

#[rstest]
fn closing_a_journal_gives_its_leases_back_and_removes_its_lock_file() {
    let place = Place::new();
    let two = place.open();
    lease(&place.open(), &secret(1));
    assert_eq!(acquire(&two, MINUTE), yes(2));
    let holders = place.path().with_file_name("journal.db.holders");
    assert_eq!(std::fs::read_dir(holders).unwrap().count(), 1);
}

#[expect(clippy::disallowed_methods, reason = "the heartbeat runs in real time")]
fn pause(duration: Duration) {
    std::thread::sleep(duration);
}
