//! Laws of the routes and of folding, checked at every point of every rotation.

use std::collections::BTreeSet;

use rstest::rstest;

use super::{
    specs::{With, every_spec, file_only},
    story::{Story, cut, turn_back},
};
use crate::{
    error::{Effect, ErrorKind},
    notifier::Phase,
    rotation::{Action, Direction, Flow, History, Next, Outcome, StoreIndex, forward},
    rotator::Strategy,
};

/// Every rotation, stopped after every number of actions: with the next one untouched, in flight, and refused.
fn every_stop() -> impl Iterator<Item = Story> {
    every_spec().into_iter().flat_map(|spec| {
        let length = forward(&spec).len();
        (0..=length).flat_map(move |count| {
            let mut idle = Story::of(spec.clone());
            idle.steps(count);
            let mut stops = vec![idle.clone()];
            if count < length && idle.history.action() != Some(Action::Overlap) {
                let mut flying = idle;
                flying.begin();
                stops.push(flying.clone());
                flying.fail(ErrorKind::Rejected, Effect::NotApplied);
                stops.push(flying);
            }
            stops
        })
    })
}

/// The stores that an action of `route` names, for the actions that `pick` picks.
fn stores(actions: &[Action], pick: impl Fn(Action) -> Option<StoreIndex>) -> BTreeSet<StoreIndex> {
    actions.iter().filter_map(|action| pick(*action)).collect()
}

/// Forward actions that are done or in flight: told by the records, not by what the history made of them.
fn begun(story: &Story) -> Vec<Action> {
    let (route, done) = story.history.progress();
    let mut begun = route[..done].to_vec();
    begun.extend(story.history.in_flight);
    begun
}

#[test]
fn an_undo_names_exactly_the_stores_that_may_hold_the_new_value() {
    for mut story in every_stop().filter(|story| story.history.way_back().is_ok()) {
        let begun = begun(&story);
        let held = stores(&begun, |action| {
            if action == Action::Mint {
                Some(StoreIndex::PRIMARY)
            } else if let Action::Stage(store) = action {
                Some(store)
            } else {
                None
            }
        });
        let promoted =
            stores(&begun, |action| if let Action::Promote(store) = action { Some(store) } else { None });
        // What a target has made of the credential that it had cannot be taken back.
        let target_knows = !story.history.spec().reissues()
            && begun.iter().any(|action| matches!(action, Action::Apply | Action::Mint));
        let undo = story.turn_back().route();
        assert_eq!(
            stores(undo, |action| if let Action::Discard(store) = action { Some(store) } else { None }),
            held
        );
        assert_eq!(
            stores(undo, |action| if let Action::Unpromote(store) = action { Some(store) } else { None }),
            promoted
        );
        assert_eq!(undo.contains(&Action::Unapply), target_knows, "{begun:?} → {undo:?}");
    }
}

#[test]
fn discarding_from_the_primary_store_is_the_last_store_action_of_an_undo() {
    for mut story in every_stop().filter(|story| story.history.way_back().is_ok()) {
        let undo = story.turn_back().route();
        let last = undo.iter().rfind(|action| matches!(action, Action::Discard(_) | Action::Unpromote(_)));
        assert!(last.is_none_or(|action| *action == Action::Discard(StoreIndex::PRIMARY)), "{undo:?}");
    }
}

#[test]
fn an_undo_brings_every_store_back_before_it_takes_the_new_value_from_any() {
    for mut story in every_stop().filter(|story| story.history.way_back().is_ok()) {
        let undo = story.turn_back().route();
        let back = undo.iter().rposition(|action| matches!(action, Action::Unpromote(_)));
        let gone = undo.iter().position(|action| matches!(action, Action::Discard(_)));
        assert!(back.is_none() || back < gone, "{undo:?}");
    }
}

#[test]
fn where_both_values_can_be_accepted_an_undo_keeps_the_new_one_until_consumers_left_it() {
    for mut story in every_stop().filter(|story| story.history.way_back().is_ok()) {
        let keeps_old = story.history.spec().target.as_ref().is_none_or(|target| target.strategy.keeps_old());
        let undo = story.turn_back().route();
        let left = undo.iter().rposition(|action| matches!(action, Action::Adopt(_, Phase::RolledBack)));
        let refused = undo.iter().position(|action| *action == Action::Unapply);
        if let (true, Some(left), Some(refused)) = (keeps_old, left, refused) {
            assert!(left < refused, "{undo:?}");
        }
    }
}

#[test]
fn there_is_no_undo_once_the_old_value_may_have_begun_to_die() {
    let mut dying = 0;
    for mut story in every_stop() {
        if begun(&story).iter().any(|action| matches!(action, Action::Revoke | Action::Retire(_))) {
            story.history.way_back().unwrap_err();
            story.offer(turn_back()).unwrap_err();
            dying += 1;
        }
    }
    assert!(dying > 0);
}

#[test]
fn a_revoke_that_was_refused_leaves_the_way_back_open() {
    let mut story = Story::of(file_only().at_target(Strategy::Overlap));
    story.up_to(|action| action == Action::Revoke).begin();
    assert_eq!(story.history.way_back(), Err("the old value is being retired"));
    story.fail(ErrorKind::PermissionDenied, Effect::NotApplied);
    assert_eq!(story.history.way_back(), Ok(()));
}

#[test]
fn the_new_value_is_durable_before_a_target_or_a_consumer_hears_of_it() {
    for spec in every_spec() {
        let route = forward(&spec);
        assert!(matches!(route[0], Action::Look | Action::Mint | Action::Stage(StoreIndex::PRIMARY)));
        let staged = route.iter().rposition(|action| matches!(action, Action::Mint | Action::Stage(_)));
        let heard = route.iter().position(|action| {
            matches!(action, Action::Apply | Action::PublishNext(_) | Action::Promote(_) | Action::Notify(..))
        });
        assert!(staged < heard, "{route:?}");
    }
}

#[test]
fn nothing_is_promoted_that_was_not_verified() {
    for spec in every_spec().into_iter().filter(|spec| spec.target.is_some()) {
        let route = forward(&spec);
        let verified = route.iter().position(|action| *action == Action::Verify).unwrap();
        let promoted = route.iter().position(|action| matches!(action, Action::Promote(_))).unwrap();
        assert!(verified < promoted, "{route:?}");
    }
}

#[test]
fn a_key_is_signed_with_only_after_every_verifier_showed_that_it_has_it() {
    for spec in every_spec().into_iter().filter(|spec| spec.flow == Flow::SigningKey) {
        let route = forward(&spec);
        let promoted = route.iter().position(|action| matches!(action, Action::Promote(_))).unwrap();
        let before = &route[..promoted];
        for store in spec.store_indexes() {
            assert!(before.contains(&Action::PublishNext(store)));
        }
        for consumer in spec.consumer_indexes() {
            assert!(before.contains(&Action::Adopt(consumer, Phase::NextPublished)));
        }
    }
}

#[test]
fn the_old_value_goes_after_adoption_and_overlap_and_from_the_primary_store_last() {
    for spec in every_spec() {
        let route = forward(&spec);
        let dies =
            route.iter().position(|action| matches!(action, Action::Revoke | Action::Retire(_))).unwrap();
        let before = &route[..dies];
        assert_eq!(before.contains(&Action::Overlap), !spec.overlap.is_zero());
        for consumer in spec.consumer_indexes() {
            assert!(before.contains(&Action::Adopt(consumer, Phase::Promoted)));
        }
        assert_eq!(route.last(), Some(&Action::Retire(StoreIndex::PRIMARY)));
    }
}

#[test]
fn folding_a_part_and_then_the_rest_is_folding_the_whole() {
    for mut story in every_stop() {
        if story.history.way_back().is_ok() {
            story.turn_back();
            while story.history.action().is_some() {
                story.step();
            }
        }
        for cut in 1..=story.records.len() {
            let mut history = History::replay(&story.records[..cut]).unwrap().unwrap();
            for record in &story.records[cut..] {
                history.apply(record).unwrap();
            }
            assert_eq!(history, story.history);
        }
    }
}

#[test]
fn no_records_are_no_rotation() {
    assert_eq!(History::replay([]), Ok(None));
}

#[rstest]
#[case::refused_until_patience_ends(ErrorKind::Unavailable, Effect::NotApplied, 4, Direction::Undo)]
#[case::refused_for_good(ErrorKind::PermissionDenied, Effect::NotApplied, 1, Direction::Undo)]
#[case::unknown_is_tried_again_whatever_the_kind(
    ErrorKind::PermissionDenied,
    Effect::MaybeApplied,
    4,
    Direction::Undo
)]
fn before_the_first_promote_a_failure_leads_back(
    #[case] kind: ErrorKind,
    #[case] effect: Effect,
    #[case] attempts: u32,
    #[case] ends: Direction,
) {
    let mut story = Story::of(file_only().at_target(Strategy::Overlap));
    story.up_to(|action| action == Action::Apply);
    for _ in 0..attempts {
        assert!(matches!(story.history.next(story.now), Next::Act { .. }));
        story.begin();
        story.fail(kind, effect);
        story.pass_time(3600);
    }
    let Next::TurnBack { reason } = story.history.next(story.now) else { panic!("it should turn back") };
    assert_eq!(reason, "apply at db failed: it said no");
    assert_eq!(story.turn_back().history.direction, ends);
}

#[test]
fn after_the_first_promote_a_passing_failure_never_leads_back_and_a_lasting_one_asks_a_person() {
    let mut story = Story::of(file_only().in_stores(2));
    story.up_to(|action| action == Action::Promote(StoreIndex(1)));
    for _ in 0..50 {
        story.begin();
        story.fail(ErrorKind::Unavailable, Effect::NotApplied);
        assert!(matches!(story.history.next(story.now), Next::Wait { .. }));
        story.pass_time(3600);
    }
    story.begin();
    story.fail(ErrorKind::PermissionDenied, Effect::NotApplied);
    assert!(matches!(story.history.next(story.now), Next::Park { .. }));
}

#[test]
fn an_attempt_without_an_outcome_is_looked_at_before_it_is_repeated() {
    let mut story = Story::of(file_only());
    assert_eq!(
        story.history.next(story.now),
        Next::Act { action: Action::Stage(StoreIndex::PRIMARY), probe_first: false }
    );
    story.begin();
    assert_eq!(
        story.history.next(story.now),
        Next::Act { action: Action::Stage(StoreIndex::PRIMARY), probe_first: true }
    );
}

#[test]
fn doubt_and_failures_of_one_action_do_not_reach_the_next() {
    let mut story = Story::of(file_only());
    story.begin();
    story.fail(ErrorKind::TimedOut, Effect::MaybeApplied).pass_time(60).step();
    assert_eq!(
        story.history.next(story.now),
        Next::Act { action: Action::Promote(StoreIndex::PRIMARY), probe_first: false }
    );
    assert_eq!(story.history.failure, None);
}

#[test]
fn cutting_the_overlap_of_the_way_forward_does_not_cut_that_of_the_way_back() {
    let mut story = Story::of(file_only().overlapping().signing());
    story.up_to(|action| action == Action::Overlap).write(cut());
    assert_eq!(story.history.next(story.now), Next::Pass(Action::Overlap));
    story.turn_back().up_to(|action| action == Action::Overlap);
    assert!(matches!(story.history.next(story.now), Next::Wait { .. }));
}

#[test]
fn a_value_that_was_current_already_ends_the_rotation_unchanged() {
    let mut story = Story::of(file_only().in_stores(2));
    let action = story.begin();
    let facts = crate::rotation::StepFacts { unchanged: true, ..Default::default() };
    story.write(crate::rotation::Event::Done { action, facts });
    assert_eq!(story.history.next(story.now), Next::Finish(Outcome::Unchanged));
}
