//! The way back: by command, and by the entry's own rule.

use std::time::Duration;

use keywheel_core::{
    plan::WaitingFor,
    rotation::{Action, Direction, OnDeadline, Outcome},
    rotator::Strategy,
    secret::Stage,
};
use keywheel_engine::Ended;
use keywheel_testkit::memory::Behaviour;
use rstest::rstest;

use crate::{
    scene::{HOUR, OLD, Scene},
    world::World,
};

fn waits(ended: &Ended) -> bool {
    matches!(ended, Ended::Waiting { why: WaitingFor::Overlap | WaitingFor::OverlapOfUndo, .. })
}

fn rolled_back(ended: &Ended) -> bool {
    matches!(ended, Ended::Finished { outcome: Outcome::RolledBack, .. })
}

#[rstest]
#[tokio::test]
async fn a_command_in_the_overlap_brings_the_old_value_back_everywhere(
    #[values(
        None,
        Some(Strategy::InPlace),
        Some(Strategy::Overlap),
        Some(Strategy::Alternating),
        Some(Strategy::Minted)
    )]
    strategy: Option<Strategy>,
    #[values(1, 2)] stores: usize,
) {
    let scene = Scene { strategy, ..Scene::unchecked() }.used_by(Behaviour::AfterLooks(1));
    let world = World::of(scene.in_stores(stores).overlapping(HOUR));
    assert!(waits(&world.rotate().await));
    let new = world.view().primary(Stage::Current).unwrap();
    let report = world.engine().roll_back(&world.name(), "the application misbehaves").await.unwrap();
    let old: Vec<_> = (0..stores).map(|_| Some(OLD.to_vec())).collect();
    assert_eq!(world.view().current(), old);
    assert!(world.view().accepts(OLD));
    let keeps_old = strategy.is_some_and(Strategy::keeps_old);
    // Where both can be accepted, the new one is for an overlap: consumers may hold it.
    assert_eq!(waits(&report.ended), keeps_old, "{report:?}");
    if keeps_old {
        assert!(world.view().accepts(&new));
        world.clock.advance(HOUR);
        world.run_due().await;
    }
    assert_eq!(world.history().unwrap().outcome, Some(Outcome::RolledBack));
    assert_eq!(world.history().unwrap().undo.unwrap().reason, "the application misbehaves");
    world.assert_right_at_the_end().await;
    assert!(world.engine().roll_back(&world.name(), "again").await.is_err());
    // And the next rotation is none the worse for it.
    world.clock.advance(HOUR);
    assert!(waits(&world.rotate().await));
    world.clock.advance(HOUR);
    world.run_due().await;
    assert_eq!(world.history().unwrap().outcome, Some(Outcome::Succeeded));
    world.assert_right_at_the_end().await;
}

#[rstest]
#[tokio::test]
async fn a_consumer_that_never_moves_brings_the_old_value_back_where_its_entry_says_so(
    #[values(Strategy::InPlace, Strategy::Overlap, Strategy::Alternating, Strategy::Minted)]
    strategy: Strategy,
    #[values(Behaviour::Never, Behaviour::Partly(2))] behaviour: Behaviour,
    #[values(Duration::ZERO, HOUR)] overlap: Duration,
) {
    let scene = Scene::credential(strategy).used_by(behaviour.clone()).on_deadline(OnDeadline::RollBack);
    let world = World::of(scene.overlapping(overlap));
    let ended = world.rotate().await;
    assert_eq!(waits(&ended), strategy.keeps_old() && !overlap.is_zero(), "{ended:?}");
    assert_eq!(world.view().primary(Stage::Current).as_deref(), Some(OLD));
    world.clock.advance(overlap);
    world.run_due().await;
    let history = world.history().unwrap();
    assert_eq!(history.outcome, Some(Outcome::RolledBack));
    assert!(history.undo.unwrap().reason.contains("did not move within"));
    world.assert_right_at_the_end().await;
}

/// Parked because its consumer never moves.
async fn parked() -> World {
    let world = World::of(Scene::credential(Strategy::Overlap).used_by(Behaviour::Never));
    let ended = world.rotate().await;
    assert!(
        matches!(&ended, Ended::Parked { reason, .. } if reason.contains("did not move within")),
        "{ended:?}"
    );
    assert!(world.view().accepts(OLD), "nothing is guessed: the consumer still uses the old value");
    assert_eq!(world.run_due().await.items, [], "a person is needed");
    world
}

#[tokio::test]
async fn a_parked_rotation_ends_when_a_person_vouches_for_the_consumer() {
    let world = parked().await;
    world.view().consumers[0].restart();
    let report = world.engine().vouch(&world.name(), "restarted by hand").await.unwrap();
    assert_eq!(report.ended, Ended::Finished { outcome: Outcome::Succeeded, reason: None });
    let evidence = world.history().unwrap().facts.evidence;
    let vouched = |(action, words): &(Action, String)| {
        matches!(action, Action::Adopt(..)) && words == "vouched for: restarted by hand"
    };
    assert!(evidence.iter().any(vouched), "{evidence:?}");
    world.assert_right_at_the_end().await;
}

#[tokio::test]
async fn a_parked_rotation_looks_again_when_it_is_resumed() {
    let world = parked().await;
    let again = world.engine().go_on(&world.name()).await.unwrap();
    assert!(matches!(again.ended, Ended::Parked { .. }), "the consumer has not moved: {again:?}");
    world.view().consumers[0].restart();
    let report = world.engine().go_on(&world.name()).await.unwrap();
    assert_eq!(report.ended, Ended::Finished { outcome: Outcome::Succeeded, reason: None });
    world.assert_right_at_the_end().await;
}

#[tokio::test]
async fn a_parked_rotation_goes_back_on_command() {
    let world = parked().await;
    let report = world.engine().roll_back(&world.name(), "never mind").await.unwrap();
    assert!(rolled_back(&report.ended), "{report:?}");
    world.assert_right_at_the_end().await;
}

#[tokio::test]
async fn nothing_to_go_back_to_is_said_and_changes_nothing() {
    let world = World::of(Scene::credential(Strategy::Overlap).bare_from(0).overlapping(HOUR));
    // The first value of a secret waits for nobody to leave an old one.
    assert_eq!(world.rotate().await, Ended::Finished { outcome: Outcome::Succeeded, reason: None });
    let before = world.view().everything();
    let refused = world.engine().roll_back(&world.name(), "why not").await.unwrap_err();
    assert!(refused.message.contains("nothing to go back to"), "{refused}");
    assert_eq!(world.view().everything(), before);
    world.assert_right_at_the_end().await;
}

#[tokio::test]
async fn a_first_value_that_nobody_takes_over_is_parked_and_not_taken_back() {
    let scene = Scene::credential(Strategy::Overlap).bare_from(0).used_by(Behaviour::Never);
    let world = World::of(scene.on_deadline(OnDeadline::RollBack));
    let ended = world.rotate().await;
    assert!(matches!(ended, Ended::Parked { .. }), "{ended:?}");
    assert_eq!(world.history().unwrap().direction, Direction::Forward);
    assert!(world.engine().roll_back(&world.name(), "take it back").await.is_err());
    world.view().consumers[0].restart();
    world.engine().go_on(&world.name()).await.unwrap();
    world.assert_right_at_the_end().await;
}
