//! Routes as a person reads them. A change here is a change of what keywheel does to somebody's systems.

use std::fmt::Write;

use insta::assert_snapshot;
use rstest::rstest;

use super::{
    specs::{With, file_only},
    story::Story,
};
use crate::{
    rotation::{Action, RotationSpec, forward},
    rotator::Strategy,
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
        Action::Mint
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
