//! Cases that were wrong once.

use std::time::Duration;

use jiff::SignedDuration;
use rstest::rstest;

use super::{
    specs::{HOUR, With, file_only},
    story::{Story, done, parked, vouched},
};
use crate::{
    error::{Effect, ErrorKind},
    id::RotationId,
    notifier::Phase,
    rotation::{
        Action, ConsumerIndex, Event, History, Next, Outcome, Record, RetryPolicy, RotationSpec, Source,
        StepFacts, StoreIndex,
    },
    rotator::Strategy,
};

fn finished(outcome: Outcome) -> Event {
    Event::Finished { outcome, rotated_at: None, current: None }
}

#[test]
fn one_record_written_by_a_slow_clock_does_not_shorten_the_overlap() {
    let mut story = Story::of(file_only().overlapping());
    story.step();
    story.begin();
    let promoted = story.now;
    story.now -= SignedDuration::try_from(2 * HOUR).unwrap();
    story.write(done(Action::Promote(StoreIndex::PRIMARY)));
    story.now = promoted + SignedDuration::from_secs(1);
    assert!(
        matches!(story.history.next(story.now), Next::Wait { .. }),
        "{:?}",
        story.history.next(story.now)
    );
}

#[test]
fn vouching_for_the_next_key_does_not_vouch_that_signers_moved() {
    let mut story = Story::of(file_only().for_consumers(1).signing());
    story.up_to(|action| action == Action::Adopt(ConsumerIndex(0), Phase::NextPublished));
    story.write(vouched(Phase::NextPublished));
    story.step();
    story.up_to(|action| action == Action::Adopt(ConsumerIndex(0), Phase::Promoted));
    assert!(matches!(story.history.next(story.now), Next::Act { .. }), "{:?}", story.history.next(story.now));
}

#[test]
fn vouching_for_adoption_does_not_release_a_rotation_parked_for_something_else() {
    let mut story = Story::of(file_only().in_stores(2).for_consumers(1));
    story.up_to(|action| action == Action::Promote(StoreIndex(1))).begin();
    story.fail(ErrorKind::PermissionDenied, Effect::NotApplied).write(parked());
    story.offer(vouched(Phase::Promoted)).unwrap_err();
    assert_eq!(story.history.next(story.now), Next::Parked);
}

#[test]
fn a_person_can_vouch_for_a_consumer_that_cannot_be_told_any_more() {
    let mut story = Story::of(file_only().for_consumers(1));
    story.up_to(|action| matches!(action, Action::Notify(..))).begin();
    story.fail(ErrorKind::NotFound, Effect::NotApplied).write(parked()).write(vouched(Phase::Promoted));
    assert!(matches!(story.history.next(story.now), Next::Pass(Action::Notify(..))));
}

#[test]
fn a_way_back_after_the_promote_keeps_both_values_accepted_for_the_overlap() {
    let mut story = Story::of(file_only().at_target(Strategy::Overlap).overlapping());
    story.up_to(|action| action == Action::Overlap).turn_back();
    let waits = story.route().iter().position(|action| *action == Action::Overlap);
    let refused = story.route().iter().position(|action| *action == Action::Unapply);
    assert!(waits.is_some() && waits < refused, "{:?}", story.route());
}

#[rstest]
#[case::forward_is_not_rolled_back(false, Outcome::RolledBack)]
#[case::forward_is_not_unchanged(false, Outcome::Unchanged)]
#[case::undo_is_no_success(true, Outcome::Succeeded)]
fn a_rotation_ends_in_the_outcome_of_its_direction(#[case] back: bool, #[case] wrong: Outcome) {
    let mut story = Story::of(file_only());
    story.step();
    if back {
        story.turn_back();
    }
    while story.history.action().is_some() {
        story.step();
    }
    story.offer(finished(wrong)).unwrap_err();
}

#[test]
fn an_unchanged_rotation_does_not_end_as_a_success() {
    let mut story = Story::of(file_only());
    let action = story.begin();
    story.write(Event::Done { action, facts: StepFacts { unchanged: true, ..StepFacts::default() } });
    story.offer(finished(Outcome::Succeeded)).unwrap_err();
}

#[test]
fn only_staging_in_the_primary_store_can_find_the_value_unchanged() {
    let mut story = Story::of(file_only().in_stores(2));
    story.step();
    let action = story.begin();
    story
        .offer(Event::Done { action, facts: StepFacts { unchanged: true, ..StepFacts::default() } })
        .unwrap_err();
}

#[test]
fn staging_names_the_version_that_it_made() {
    let mut story = Story::of(file_only());
    let action = story.begin();
    story.offer(Event::Done { action, facts: StepFacts::default() }).unwrap_err();
}

#[test]
fn a_parked_rotation_passes_no_gate() {
    let mut story = Story::of(file_only().overlapping());
    story.up_to(|action| action == Action::Overlap).write(parked()).pass_time(7200);
    story.offer(done(Action::Overlap)).unwrap_err();
}

#[test]
fn a_parked_rotation_does_not_end() {
    let mut story = Story::of(file_only());
    story.steps(3).write(parked());
    story.offer(finished(Outcome::Succeeded)).unwrap_err();
}

#[test]
fn a_gate_is_not_begun() {
    let mut story = Story::of(file_only().overlapping());
    story.up_to(|action| action == Action::Overlap);
    story.offer(Event::Begin { action: Action::Overlap }).unwrap_err();
}

#[test]
fn a_record_with_an_earlier_number_is_refused() {
    let mut story = Story::of(file_only());
    story.step();
    let mut record = story.record(parked());
    record.seq = 1;
    story.history.apply(&record).unwrap_err();
}

#[test]
fn an_overlap_of_less_than_a_second_survives_the_journal() {
    let spec = RotationSpec { overlap: Duration::from_millis(500), ..file_only() };
    let story = Story::of(spec);
    let reread: Record = serde_json::from_str(&serde_json::to_string(&story.records[0]).unwrap()).unwrap();
    assert_eq!(History::begin(&reread).unwrap().progress().0, story.route());
}

#[rstest]
#[case::issued_by_nobody(RotationSpec { source: Source::Minted, ..file_only() })]
#[case::issued_and_provided(RotationSpec { source: Source::Provided, ..file_only().at_target(Strategy::Minted) })]
#[case::issued_in_place(RotationSpec { source: Source::Minted, ..file_only().at_target(Strategy::InPlace) })]
fn a_value_is_minted_exactly_where_the_target_mints(#[case] spec: RotationSpec) {
    let mut record = Story::of(file_only()).records[0].clone();
    let Event::Started(started) = &mut record.body.event else { panic!("it starts") };
    started.spec = spec;
    History::begin(&record).unwrap_err();
}

#[test]
fn no_wait_is_longer_than_the_longest() {
    let policy = RetryPolicy::default();
    for seed in 0..=255 {
        let wait = policy.wait(40, RotationId::from_random([seed; 16]));
        assert!(wait <= Duration::from_millis(policy.longest_wait_ms), "{wait:?}");
    }
}

/// The request may reach an in-place target after a login with the old value worked, and shut everybody out.
#[test]
fn the_way_back_waits_for_a_request_that_got_no_answer() {
    let mut story = Story::of(file_only().at_target(Strategy::InPlace));
    story.up_to(|action| action == Action::Apply).begin();
    story.fail(ErrorKind::TimedOut, Effect::MaybeApplied).turn_back();
    let waits = |story: &Story| matches!(story.history.next(story.now), Next::Wait { .. });
    assert!(waits(&story));
    assert!(waits(story.pass_time(29)));
    assert!(!waits(story.pass_time(1)));
    story.now -= SignedDuration::from_hours(24);
    assert!(!waits(&story), "a clock that was set back makes it wait for days");
}

#[rstest]
#[case::an_answer(ErrorKind::Conflict, Effect::MaybeApplied)]
#[case::nothing_was_sent(ErrorKind::TimedOut, Effect::NotApplied)]
fn the_way_back_does_not_wait_where_nothing_is_on_its_way(#[case] kind: ErrorKind, #[case] effect: Effect) {
    let mut story = Story::of(file_only().at_target(Strategy::InPlace));
    story.up_to(|action| action == Action::Apply).begin();
    story.fail(kind, effect).turn_back();
    assert!(matches!(story.history.next(story.now), Next::Act { .. }), "{:?}", story.history.next(story.now));
}

/// It may arrive when the next one has made another credential: one whose value nobody has, beside it.
#[test]
fn a_mint_that_got_no_answer_is_not_asked_for_again_before_it_has_arrived() {
    let waits = |story: &Story| matches!(story.history.next(story.now), Next::Wait { .. });
    let mut story = Story::of(file_only().at_target(Strategy::Minted));
    story.up_to(|action| action == Action::Mint).begin();
    story.fail(ErrorKind::TimedOut, Effect::MaybeApplied).pass_time(29);
    assert!(waits(&story));
    story.pass_time(1);
    let next = story.history.next(story.now);
    assert_eq!(next, Next::Act { action: Action::Mint, probe_first: true });
    // Where there was an answer nothing is on its way.
    let mut story = Story::of(file_only().at_target(Strategy::Minted));
    story.up_to(|action| action == Action::Mint).begin();
    story.fail(ErrorKind::Unavailable, Effect::MaybeApplied).pass_time(5);
    assert!(!waits(&story));
}

#[test]
fn what_was_found_to_have_happened_is_not_waited_for_any_more() {
    let mut story = Story::of(file_only().at_target(Strategy::InPlace));
    story.up_to(|action| action == Action::Apply).begin();
    story.fail(ErrorKind::TimedOut, Effect::MaybeApplied).pass_time(60);
    story.step();
    story.turn_back();
    assert!(matches!(story.history.next(story.now), Next::Act { .. }), "{:?}", story.history.next(story.now));
}
