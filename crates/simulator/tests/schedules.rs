//! Schedules that once broke the engine, and the whole of what one fault can do to some scenarios.

use keywheel_simulator::{
    Scenario, Schedule,
    report::{Seed, story},
    sweep::{Until, exhaustive, met, one},
};
use rstest::rstest;

/// Each was found by the sweep, and shrunk. The name says what the engine does about it.
#[rstest]
#[case::a_value_that_arrives_late_is_not_mistaken_for_the_one_in_memory(
    "native/in-place/undo store.put-pending#1=late"
)]
#[case::a_mint_that_was_revoked_as_an_orphan_is_not_used_when_it_arrives(
    "native/minted/forward store.put-pending#1=late"
)]
#[case::a_credential_in_use_is_no_orphan(
    "sibling/minted/forward/nobody journal.last-rotation#2=stale-lease store.put-current#1=crash-after"
)]
#[case::a_lease_is_asked_for_again_before_the_target_hears("native/in-place/forward store.look#4=paused")]
#[case::what_was_rotated_in_the_future_is_not_overtaken_for_ever(
    "last-writer/overlap/forward/2-stores/nobody journal.append.started#1=stale-lease journal.release#3=clock-back"
)]
#[case::a_rotation_in_its_overlap_is_seen_by_another_installation(
    "native/alternating/forward journal.append.begin-adopt#1=rival"
)]
#[case::what_is_current_is_looked_at_before_the_target_hears("native/in-place/forward store.look#3=rival")]
#[case::company_is_refused_when_our_own_value_is_there_already(
    "native/in-place/undo store.look#3=rival store.put-pending#2=crash-after"
)]
#[case::company_on_its_way_back_is_refused_too(
    "sibling/alternating/forward/partly journal.last-rotation#2=rival"
)]
#[case::a_target_yields_to_what_somebody_else_made_current(
    "native/in-place/undo store.look#3=rival journal.append.begin-apply#1=crash-after"
)]
#[case::a_rotation_whose_values_were_replaced_ends(
    "native/minted/undo/2-stores/late+late/at-once store.put-current#1=crash-after store.drop#1=paused \
     journal.append.done-retire#2=crash-before journal.since#7=rival"
)]
#[case::a_version_that_moved_while_it_was_read_is_read_again(
    "native/in-place/undo store.look#9=stale-lease store.put-current#2=crash-after"
)]
#[case::a_value_staged_for_the_user_whose_turn_was_taken_is_not_applied(
    "last-writer/alternating/undo/2-stores/nobody/at-once store.look#3=rival journal.append.done-stage#1=crash-before"
)]
#[case::a_credential_that_the_store_has_is_no_orphan(
    "native/minted/forward journal.append.begin-mint#1=stale-lease store.put-current#1=crash-after"
)]
#[case::a_current_value_that_changed_is_left_to_whoever_changed_it(
    "native/in-place/forward store.put-pending#1=rival"
)]
#[case::what_a_promotion_displaced_is_known_after_a_crash(
    "native/reissued/forward target.generation#2=rival store.put-current#2=crash-after"
)]
#[case::a_promoted_version_that_another_one_displaced_is_no_dead_end(
    "native/reissued/forward target.generation#2=rival store.put-current#1=crash-after"
)]
#[case::a_target_that_was_made_to_make_another_one_is_no_dead_end(
    "sibling/reissued/undo target.reissue#1=rival store.put-current#1=crash-after"
)]
#[case::a_version_of_a_key_that_two_took_is_not_ended(
    "native/versioned/forward target.generation#2=rival store.put-pending#2=crash-after"
)]
#[case::the_way_back_waits_for_what_is_on_its_way(
    "native/in-place/forward target.apply#1=late target.probe#1=refused target.probe#2=refused target.probe#3=refused"
)]
#[case::a_deadline_is_not_moved_by_the_clock(
    "native/minted/forward/2-stores/partly/at-once store.look#4=stale-lease consumer.adopted.promoted#26=clock-back"
)]
#[case::a_living_holder_is_given_time_to_notice_before_the_target_hears_anything_else(
    "sibling/in-place/forward/late+late journal.append.begin-stage#1=paused store.read#1=stale-lease \
     target.probe#2=refused journal.records#2=crash-before"
)]
#[case::a_living_holder_is_given_time_to_notice_before_credentials_are_listed(
    "last-writer/minted/undo/2-stores/nobody/at-once journal.since#3=stale-lease \
     journal.append.begin-mint#2=stale-lease second-store.look#13=crash-before"
)]
#[case::a_value_that_arrives_for_the_user_whose_turn_was_taken_is_not_applied(
    "native/alternating/forward journal.last-rotation#2=rival store.put-pending#2=late"
)]
#[case::a_living_holder_is_given_time_to_notice_before_a_rotation_ends(
    "last-writer/unchecked/forward/nobody journal.note#2=paused journal.last-rotation#3=throttled \
     journal.append.begin-stage#3=stale-lease journal.unfinished-of#5=crash-before"
)]
fn a_schedule_that_broke_it_once_does_not_any_more(#[case] seed: &str) {
    let seed: Seed = seed.parse().unwrap();
    let life = one(&seed.scenario, seed.schedule()).unwrap();
    assert_eq!(life.violations, [], "{}", story(&life));
    let met = met(&life).len();
    assert_eq!(met, seed.meetings.len(), "not every request is called so any more:\n{}", story(&life));
}

/// The last fault befalls a request that is not made any more: what used to lead to it is refused before.
#[rstest]
#[case::what_is_current_is_looked_at_before_the_target_hears(
    "last-writer/in-place/undo store.look#3=rival target.apply#3=late"
)]
fn a_schedule_that_broke_it_once_is_not_reached_any_more(#[case] seed: &str) {
    let seed: Seed = seed.parse().unwrap();
    let life = one(&seed.scenario, seed.schedule()).unwrap();
    assert_eq!(life.violations, [], "{}", story(&life));
    assert_eq!(met(&life).len() + 1, seed.meetings.len(), "{}", story(&life));
}

#[test]
fn every_scenario_ends_when_nothing_fails() {
    for scenario in Scenario::every() {
        let life = one(&scenario, Schedule::Calm).unwrap();
        assert_eq!(life.violations, [], "{scenario}:\n{}", story(&life));
        assert!(life.parked.is_empty(), "{scenario}: {:?}", life.parked);
    }
}

#[rstest]
#[case("native/in-place/undo")]
#[case("sibling/overlap/forward")]
#[case("last-writer/minted/forward")]
#[case("sibling/unchecked/signing")]
#[case("native/overlap/undo/handed")]
#[case("sibling/alternating/forward/handed")]
#[case("native/unchecked/signing-undo/handed")]
fn one_fault_breaks_nothing(#[case] scenario: Scenario) {
    let totals = exhaustive(&[scenario], 1, Until::Through).unwrap();
    assert_eq!(totals.failed, 0, "{totals}");
    assert!(totals.lives > 300, "{totals}");
}

#[test]
fn a_life_is_the_same_twice() {
    let seed: Seed = "native/overlap/undo store.look#4=paused target.revoke#1=late".parse().unwrap();
    let [first, second] = [(); 2].map(|()| one(&seed.scenario, seed.schedule()).unwrap());
    assert_eq!(story(&first), story(&second));
}
