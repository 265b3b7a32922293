//! Routes as a person reads them. A change here is a change of what keywheel does to somebody's systems.

use std::fmt::Write;

use insta::assert_snapshot;
use rstest::rstest;

use super::{
    specs::{With, file_only},
    story::Story,
};
use crate::{
    error::{Effect, ErrorKind},
    fingerprint::Fingerprinter,
    rotation::{Action, Event, Next, RotationSpec, StepFacts, StoreIndex, VersionFact, forward},
    rotator::Strategy,
    value::SecretValue,
};

/// One action a line, as `plan` describes it.
fn read(spec: &RotationSpec, route: &[Action]) -> String {
    route.iter().map(|action| action.describe(spec)).collect::<Vec<_>>().join("\n")
}

fn read_forward(spec: &RotationSpec) -> String {
    read(spec, &forward(spec))
}

/// For each number of actions done, and for each action left in flight: the way back from there.
fn read_undo(spec: &RotationSpec) -> String {
    let mut text = String::new();
    let mut story = Story::of(spec.clone());
    while let Some(action) = story.history.action() {
        let mut dying = story.clone();
        // A gate is passed, never in flight.
        if action != Action::Overlap {
            dying.begin();
        }
        let back = match dying.history.way_back() {
            Ok(()) => {
                dying.turn_back().route().iter().map(|action| short(*action)).collect::<Vec<_>>().join(" ")
            }
            Err(why) => format!("no way back: {why}"),
        };
        writeln!(text, "{}: {back}", short(action)).unwrap();
        story.step();
    }
    text
}

fn short(action: Action) -> String {
    match action {
        Action::Stage(store)
        | Action::PublishNext(store)
        | Action::Promote(store)
        | Action::Retire(store)
        | Action::Unpromote(store)
        | Action::Discard(store) => format!("{action}({})", store.0),
        Action::Notify(consumer, phase) | Action::Adopt(consumer, phase) => {
            format!("{action}({},{phase})", consumer.0)
        }
        Action::Look
        | Action::Mint
        | Action::Apply
        | Action::Verify
        | Action::Overlap
        | Action::Revoke
        | Action::Confirm
        | Action::Unapply => action.to_string(),
    }
}

#[test]
fn a_credential_in_one_store() {
    assert_snapshot!(read_forward(&file_only()), @r"
    stage in store-0
    promote in store-0
    retire in store-0
    ");
}

#[test]
fn a_credential_in_three_stores_with_two_consumers_and_an_overlap() {
    let spec = file_only().in_stores(3).for_consumers(2).overlapping();
    assert_snapshot!(read_forward(&spec), @r"
    stage in store-0
    stage in store-1
    stage in store-2
    promote in store-0
    promote in store-1
    promote in store-2
    notify app-0
    notify app-1
    adopt app-0
    adopt app-1
    overlap
    retire in store-2
    retire in store-1
    retire in store-0
    ");
}

#[test]
fn a_credential_at_an_in_place_target() {
    let spec = file_only().at_target(Strategy::InPlace).for_consumers(1);
    assert_snapshot!(read_forward(&spec), @r"
    stage in store-0
    apply at db
    verify at db
    promote in store-0
    notify app-0
    adopt app-0
    confirm at db
    retire in store-0
    ");
}

#[rstest]
fn a_credential_at_a_target_that_keeps_the_old_one(
    #[values(Strategy::Overlap, Strategy::Alternating)] strategy: Strategy,
) {
    let spec = file_only().at_target(strategy).for_consumers(1).overlapping();
    insta::allow_duplicates! {
    assert_snapshot!(read_forward(&spec), @r"
    stage in store-0
    apply at db
    verify at db
    promote in store-0
    notify app-0
    adopt app-0
    overlap
    revoke at db
    confirm at db
    retire in store-0
    ");
    }
}

#[test]
fn a_minted_credential_in_two_stores() {
    let spec = file_only().in_stores(2).at_target(Strategy::Minted).for_consumers(1).overlapping();
    assert_snapshot!(read_forward(&spec), @r"
    mint at db
    stage in store-1
    verify at db
    promote in store-0
    promote in store-1
    notify app-0
    adopt app-0
    overlap
    revoke at db
    confirm at db
    retire in store-1
    retire in store-0
    ");
}

#[test]
fn a_credential_that_the_target_makes_in_the_place_of_the_old_one() {
    let spec = file_only().in_stores(2).at_target(Strategy::Reissued).for_consumers(1);
    assert_snapshot!(read_forward(&spec), @r"
    look at db
    mint at db
    verify at db
    stage in store-1
    promote in store-0
    promote in store-1
    notify app-0
    adopt app-0
    confirm at db
    retire in store-1
    retire in store-0
    ");
}

#[test]
fn a_value_that_nobody_is_told_is_not_proven_dead() {
    let mut spec = file_only().at_target(Strategy::Reissued);
    spec.target.as_mut().unwrap().confirms = false;
    assert!(!forward(&spec).contains(&Action::Confirm));
    let written = serde_json::to_string(&spec).unwrap();
    assert_eq!(serde_json::from_str::<RotationSpec>(&written).unwrap(), spec);
}

#[test]
fn a_key_that_the_target_adds_a_version_to() {
    let spec = file_only().at_target(Strategy::Versioned).for_consumers(1).overlapping();
    assert_snapshot!(read_forward(&spec), @r"
    look at db
    mint at db
    verify at db
    promote in store-0
    notify app-0
    adopt app-0
    overlap
    revoke at db
    confirm at db
    retire in store-0
    ");
}

#[test]
fn a_signing_key_in_two_stores() {
    let spec = file_only().in_stores(2).for_consumers(1).overlapping().signing();
    assert_snapshot!(read_forward(&spec), @r"
    stage in store-0
    stage in store-1
    publish-next in store-0
    publish-next in store-1
    notify app-0 of the next key
    adopt app-0 of the next key
    promote in store-0
    promote in store-1
    notify app-0
    adopt app-0
    overlap
    retire in store-1
    retire in store-0
    ");
}

#[test]
fn the_way_back_of_a_credential_in_two_stores() {
    assert_snapshot!(read_undo(&file_only().in_stores(2).for_consumers(1)), @r"
    stage(0): discard(0)
    stage(1): discard(1) discard(0)
    promote(0): unpromote(0) notify(0,rolled-back) adopt(0,rolled-back) discard(1) discard(0)
    promote(1): unpromote(1) unpromote(0) notify(0,rolled-back) adopt(0,rolled-back) discard(1) discard(0)
    notify(0,promoted): unpromote(1) unpromote(0) notify(0,rolled-back) adopt(0,rolled-back) discard(1) discard(0)
    adopt(0,promoted): unpromote(1) unpromote(0) notify(0,rolled-back) adopt(0,rolled-back) discard(1) discard(0)
    retire(1): no way back: the old value is being retired
    retire(0): no way back: the old value is being retired
    ");
}

#[test]
fn the_way_back_at_an_in_place_target() {
    assert_snapshot!(read_undo(&file_only().at_target(Strategy::InPlace).for_consumers(1)), @r"
    stage(0): discard(0)
    apply: unapply discard(0)
    verify: unapply discard(0)
    promote(0): unapply unpromote(0) notify(0,rolled-back) adopt(0,rolled-back) discard(0)
    notify(0,promoted): unapply unpromote(0) notify(0,rolled-back) adopt(0,rolled-back) discard(0)
    adopt(0,promoted): unapply unpromote(0) notify(0,rolled-back) adopt(0,rolled-back) discard(0)
    confirm: unapply unpromote(0) notify(0,rolled-back) adopt(0,rolled-back) discard(0)
    retire(0): no way back: the old value is being retired
    ");
}

#[test]
fn the_way_back_at_a_target_that_keeps_the_old_one() {
    assert_snapshot!(read_undo(&file_only().at_target(Strategy::Overlap).for_consumers(1).overlapping()), @r"
    stage(0): discard(0)
    apply: unapply discard(0)
    verify: unapply discard(0)
    promote(0): unpromote(0) notify(0,rolled-back) adopt(0,rolled-back) overlap unapply discard(0)
    notify(0,promoted): unpromote(0) notify(0,rolled-back) adopt(0,rolled-back) overlap unapply discard(0)
    adopt(0,promoted): unpromote(0) notify(0,rolled-back) adopt(0,rolled-back) overlap unapply discard(0)
    overlap: unpromote(0) notify(0,rolled-back) adopt(0,rolled-back) overlap unapply discard(0)
    revoke: no way back: the old value is being retired
    confirm: no way back: the old value is being retired
    retire(0): no way back: the old value is being retired
    ");
}

#[test]
fn the_way_back_of_a_minted_credential() {
    assert_snapshot!(read_undo(&file_only().at_target(Strategy::Minted)), @r"
    mint: unapply discard(0)
    verify: unapply discard(0)
    promote(0): unpromote(0) unapply discard(0)
    revoke: no way back: the old value is being retired
    confirm: no way back: the old value is being retired
    retire(0): no way back: the old value is being retired
    ");
}

#[test]
fn the_way_back_of_a_signing_key() {
    assert_snapshot!(read_undo(&file_only().for_consumers(1).overlapping().signing()), @r"
    stage(0): discard(0)
    publish-next(0): discard(0) notify(0,rolled-back)
    notify(0,next-published): discard(0) notify(0,rolled-back)
    adopt(0,next-published): discard(0) notify(0,rolled-back)
    promote(0): unpromote(0) notify(0,rolled-back) adopt(0,rolled-back) overlap discard(0)
    notify(0,promoted): unpromote(0) notify(0,rolled-back) adopt(0,rolled-back) overlap discard(0)
    adopt(0,promoted): unpromote(0) notify(0,rolled-back) adopt(0,rolled-back) overlap discard(0)
    overlap: unpromote(0) notify(0,rolled-back) adopt(0,rolled-back) overlap discard(0)
    retire(0): no way back: the old value is being retired
    ");
}

#[test]
fn where_the_target_replaced_the_old_value_only_giving_up_is_left() {
    assert_snapshot!(read_undo(&file_only().in_stores(2).at_target(Strategy::Reissued)), @r"
    look: 
    mint: discard(0)
    verify: discard(0)
    stage(1): discard(1) discard(0)
    promote(0): no way back: the target has made a new value in the place of the old one, which it cannot be told again
    promote(1): no way back: the target has made a new value in the place of the old one, which it cannot be told again
    confirm: no way back: the target has made a new value in the place of the old one, which it cannot be told again
    retire(1): no way back: the old value is being retired
    retire(0): no way back: the old value is being retired
    ");
}

#[test]
fn where_the_target_added_a_version_the_stores_go_back_and_the_version_stays() {
    assert_snapshot!(read_undo(&file_only().at_target(Strategy::Versioned).for_consumers(1)), @r"
    look: 
    mint: discard(0)
    verify: discard(0)
    promote(0): unpromote(0) notify(0,rolled-back) adopt(0,rolled-back) discard(0)
    notify(0,promoted): unpromote(0) notify(0,rolled-back) adopt(0,rolled-back) discard(0)
    adopt(0,promoted): unpromote(0) notify(0,rolled-back) adopt(0,rolled-back) discard(0)
    revoke: no way back: the old value is being retired
    confirm: no way back: the old value is being retired
    retire(0): no way back: the old value is being retired
    ");
}

#[test]
fn whoever_may_have_made_the_target_replace_its_credential_goes_on_or_asks() {
    let mut story = Story::of(file_only().at_target(Strategy::Reissued));
    story.up_to(|action| action == Action::Mint).begin();
    story.fail(ErrorKind::TimedOut, Effect::MaybeApplied);
    for _ in 0..50 {
        let Next::Wait { until, .. } = story.history.next(story.now) else { panic!("it should wait") };
        assert!(until.duration_since(story.now).as_secs() >= 30, "the target may still be about to make one");
        story.pass_time(3600).begin();
        story.fail(ErrorKind::Unavailable, Effect::NotApplied);
    }
    story.pass_time(3600).begin();
    story.fail(ErrorKind::PermissionDenied, Effect::NotApplied);
    assert!(matches!(story.history.next(story.now), Next::Park { .. }));
    let ways = story.history.ways_on();
    assert_eq!((ways.roll_back, ways.give_up), (false, true));
}

#[test]
fn whoever_certainly_did_not_goes_back() {
    let mut story = Story::of(file_only().at_target(Strategy::Reissued));
    story.up_to(|action| action == Action::Mint).begin();
    story.fail(ErrorKind::PermissionDenied, Effect::NotApplied);
    assert!(matches!(story.history.next(story.now), Next::TurnBack { .. }));
}

#[test]
fn a_look_is_remembered_and_a_value_that_took_the_place_of_the_staged_one_too() {
    let mut story = Story::of(file_only().at_target(Strategy::Reissued));
    story.up_to(|action| action == Action::Verify);
    assert_eq!(story.history.facts.generation, Some("7".into()));
    let action = story.begin();
    let newer = VersionFact {
        id: "0-3".into(),
        fingerprint: Fingerprinter::plain().of(&SecretValue::copy_from(b"newer")),
        identity: None,
    };
    let facts = StepFacts { new: Some(newer.clone()), ..StepFacts::default() };
    story.write(Event::Done { action, facts });
    assert_eq!(story.history.facts.new[&StoreIndex::PRIMARY], newer);
}
