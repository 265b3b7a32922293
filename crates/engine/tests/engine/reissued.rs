//! Targets that make the next credential of the one that they have, which nobody can put back.

use keywheel_core::{
    ErrorKind,
    plan::WaitingFor,
    rotation::{Action, Outcome, StoreIndex},
    rotator::Strategy,
    secret::Stage,
};
use keywheel_engine::Ended;
use keywheel_testkit::{
    faults::{Fault, FaultPlan},
    memory::{Behaviour, MemoryTarget},
};
use rstest::rstest;

use crate::{
    process::live,
    scene::{HOUR, OLD, Scene},
    world::{Settings, World},
};

fn scene(strategy: Strategy) -> Scene {
    Scene::credential(strategy).in_stores(2).used_by(Behaviour::Immediately)
}

fn world(strategy: Strategy, faults: impl IntoIterator<Item = (u64, Fault)>) -> World {
    World::with([scene(strategy)], Settings { faults: FaultPlan::at(faults), ..Settings::default() })
}

fn target(world: &World) -> &MemoryTarget {
    world.view().target.as_ref().expect("a checked secret")
}

/// The numbers of the calls of `operation` in a life without faults, in order.
async fn calls(strategy: Strategy, operation: &str) -> Vec<u64> {
    let world = world(strategy, []);
    world.rotate().await;
    let calls = world.faults.calls();
    calls.iter().filter(|call| call.operation == operation).map(|call| call.number).collect()
}

/// The number of the call that writes that `action` is done, in a life without faults.
async fn written_done(strategy: Strategy, action: Action) -> u64 {
    let world = world(strategy, []);
    world.rotate().await;
    let numbers: Vec<_> = world
        .faults
        .calls()
        .iter()
        .filter(|call| call.operation == "append")
        .map(|call| call.number)
        .collect();
    let position = world
        .records()
        .iter()
        .position(|record| {
            matches!(record.body.event, keywheel_core::rotation::Event::Done { action: done, .. } if done == action)
        })
        .expect("it is done");
    numbers[position]
}

#[rstest]
#[tokio::test]
async fn a_lost_answer_is_not_asked_for_twice(
    #[values(Strategy::Reissued, Strategy::Versioned)] strategy: Strategy,
    #[values(Fault::CrashAfter, Fault::LostReply)] fault: Fault,
) {
    let number = calls(strategy, "reissue").await[0];
    let mut world = world(strategy, [(number, fault)]);
    assert_eq!(live(&mut world).await, Ok(Outcome::Succeeded));
    assert_eq!(target(&world).made(), 1, "it had made one, and that one is taken");
}

#[rstest]
#[tokio::test]
async fn a_lost_question_is_asked_again(
    #[values(Strategy::Reissued, Strategy::Versioned)] strategy: Strategy,
    #[values(Fault::CrashBefore, Fault::LostRequest)] fault: Fault,
) {
    let number = calls(strategy, "reissue").await[0];
    let mut world = world(strategy, [(number, fault)]);
    assert_eq!(live(&mut world).await, Ok(Outcome::Succeeded));
    assert_eq!(target(&world).made(), 1);
}

/// A world that died when the first value was staged, and whose target has made another one since.
async fn moved_on(further: Option<(u64, Fault)>) -> World {
    let staged = written_done(Strategy::Reissued, Action::Mint).await;
    let mut world = world(Strategy::Reissued, [(staged, Fault::CrashAfter)].into_iter().chain(further));
    assert_eq!(world.faults.clone().until_crash(world.rotate()).await, None, "it dies");
    world.restart();
    target(&world).moves_on();
    world
}

#[tokio::test]
async fn what_the_target_made_meanwhile_takes_the_place_of_what_was_staged() {
    let mut world = moved_on(None).await;
    assert_eq!(live(&mut world).await, Ok(Outcome::Succeeded));
    assert_eq!(target(&world).made(), 2, "ours, and the other one");
    assert_eq!(world.view().current(), vec![Some(b"made-0002".to_vec()); 2]);
    let evidence: Vec<_> = world.history().unwrap().facts.evidence;
    assert!(
        evidence
            .iter()
            .any(|(action, words)| *action == Action::Verify && words.contains("another value by then")),
        "{evidence:?}"
    );
}

#[rstest]
#[tokio::test]
async fn whatever_dies_while_that_is_staged_is_taken_up_again(
    #[values(Fault::CrashBefore, Fault::CrashAfter, Fault::LostReply, Fault::LostRequest)] fault: Fault,
) {
    let mut calm = moved_on(None).await;
    let before = calm.faults.calls().len();
    live(&mut calm).await.unwrap();
    let after = calm.faults.calls().len();
    let mut seen = 0;
    for number in calm.faults.calls()[before..after].iter().map(|call| call.number) {
        let mut world = moved_on(Some((number, fault))).await;
        let outcome = live(&mut world).await;
        assert_eq!(outcome, Ok(Outcome::Succeeded), "{fault:?} at call {number}");
        assert_eq!(target(&world).made(), 2, "{fault:?} at call {number}");
        seen += 1;
    }
    assert!(seen > 30, "{seen} points");
}

/// A world whose rotation is parked before the promotion: the second store refuses for good.
async fn parked(strategy: Strategy) -> World {
    let stages = calls(strategy, "stage").await;
    let world = world(strategy, [(stages[1], Fault::Refusal(ErrorKind::PermissionDenied))]);
    let ended = world.rotate().await;
    let right = if strategy == Strategy::Reissued {
        matches!(ended, Ended::Parked { .. })
    } else {
        matches!(ended, Ended::Finished { outcome: Outcome::RolledBack, .. })
    };
    assert!(right, "{ended:?}");
    world
}

#[tokio::test]
async fn nothing_goes_back_by_itself_to_what_the_target_refuses() {
    let world = parked(Strategy::Reissued).await;
    assert_eq!(world.view().primary(Stage::Pending).as_deref(), Some(&b"made-0001"[..]), "it is kept");
    let ways = world.history().unwrap().ways_on();
    assert_eq!((ways.roll_back, ways.give_up), (false, true));
    // The cause is gone, and the same value goes on.
    world.engine().go_on(&world.name()).await.unwrap();
    assert_eq!(world.history().unwrap().outcome, Some(Outcome::Succeeded));
    assert_eq!(target(&world).made(), 1);
    world.assert_right_at_the_end().await;
}

#[tokio::test]
async fn a_person_may_give_up_and_the_next_rotation_takes_what_works() {
    let world = parked(Strategy::Reissued).await;
    world.engine().roll_back(&world.name(), "the second store is gone").await.unwrap();
    assert_eq!(world.history().unwrap().outcome, Some(Outcome::RolledBack));
    assert_eq!(world.view().current(), vec![Some(OLD.to_vec()); 2]);
    assert_eq!(world.view().primary(Stage::Pending), None);
    world.clock.advance(HOUR * 2);
    world.rotate().await;
    assert_eq!(world.history().unwrap().outcome, Some(Outcome::Succeeded));
    world.assert_right_at_the_end().await;
}

#[tokio::test]
async fn after_the_promotion_there_is_no_way_back() {
    let world = World::of(scene(Strategy::Reissued).overlapping(HOUR));
    let ended = world.rotate().await;
    assert!(matches!(ended, Ended::Waiting { why: WaitingFor::Overlap, .. }), "{ended:?}");
    let error = world.engine().roll_back(&world.name(), "it misbehaves").await.unwrap_err();
    assert!(error.to_string().contains("cannot be told again"), "{error}");
    assert!(!world.began(|action| matches!(action, Action::Unpromote(_))));
    world.assert_right();
}

/// A world that died when the first value was staged.
async fn died_staged() -> World {
    let staged = written_done(Strategy::Reissued, Action::Mint).await;
    let mut world = world(Strategy::Reissued, [(staged, Fault::CrashAfter)]);
    assert_eq!(world.faults.clone().until_crash(world.rotate()).await, None, "it dies");
    world.restart();
    world
}

#[tokio::test]
async fn what_somebody_made_current_meanwhile_and_the_target_refuses_is_displaced() {
    let mut world = died_staged().await;
    world.view().secrets[0].overwrite(b"what-nobody-accepts");
    assert_eq!(live(&mut world).await, Ok(Outcome::Succeeded));
    assert_eq!(world.view().current(), vec![Some(b"made-0001".to_vec()); 2]);
}

#[tokio::test]
async fn whoever_made_the_same_value_current_is_no_obstacle() {
    let mut world = died_staged().await;
    target(&world).moves_on();
    world.view().secrets[0].overwrite(b"made-0002");
    assert_eq!(live(&mut world).await, Ok(Outcome::Succeeded));
    assert_eq!(world.view().current(), vec![Some(b"made-0002".to_vec()); 2]);
    assert_eq!(target(&world).made(), 2);
}

#[tokio::test]
async fn where_versions_stay_the_stores_go_back_by_themselves() {
    let world = parked(Strategy::Versioned).await;
    assert_eq!(world.view().current(), vec![Some(OLD.to_vec()); 2]);
    assert!(world.view().accepts(OLD));
    world.assert_right_at_the_end().await;
}

#[tokio::test]
async fn a_rollback_in_the_overlap_leaves_both_versions() {
    let world = World::of(scene(Strategy::Versioned).overlapping(HOUR));
    world.rotate().await;
    world.engine().roll_back(&world.name(), "it misbehaves").await.unwrap();
    world.clock.advance(HOUR);
    world.run_due().await;
    assert_eq!(world.history().unwrap().outcome, Some(Outcome::RolledBack));
    assert_eq!(world.view().current(), vec![Some(OLD.to_vec()); 2]);
    assert!(world.view().accepts(OLD) && world.view().accepts(b"made-0001"), "what was made stays");
    assert!(!world.began(|action| action == Action::Unapply));
    world.assert_right_at_the_end().await;
    // The next one takes the next number, and ends every older version.
    world.clock.advance(HOUR);
    world.rotate().await;
    world.clock.advance(HOUR);
    world.run_due().await;
    assert_eq!(world.history().unwrap().outcome, Some(Outcome::Succeeded));
    assert!(!world.view().accepts(OLD) && !world.view().accepts(b"made-0001"));
    world.assert_right_at_the_end().await;
}

#[tokio::test]
async fn what_the_system_that_checks_refuses_is_asked_for_once_more_and_then_a_person_is() {
    let mut world = world(Strategy::Reissued, []);
    world.log_in_at(MemoryTarget::in_place("app").accepting("app", OLD));
    let ended = world.rotate().await;
    let Ended::Parked { reason, .. } = &ended else { panic!("{ended:?}") };
    assert!(reason.contains("is refused, and with another one"), "{reason}");
    assert!(target(&world).made() >= 2, "another one was asked for");
    assert!(!world.began(|action| matches!(action, Action::Promote(_))));
}

#[tokio::test]
async fn the_old_value_is_dead_when_the_system_that_checks_says_so() {
    let checks = MemoryTarget::overlap("app").accepting("app", OLD).accepting("app", b"made-0001");
    let mut world = world(Strategy::Reissued, []);
    world.log_in_at(checks);
    let ended = world.rotate().await;
    let Ended::Parked { reason, .. } = &ended else { panic!("{ended:?}") };
    assert!(reason.contains("still works"), "{reason}");
    assert_eq!(target(&world).made(), 1);
    assert!(
        !world.began(|action| action == Action::Retire(StoreIndex::PRIMARY)),
        "it is kept, since it lives"
    );
}
