//! The overlap: measured from what is written down, by nobody's timer.

use keywheel_core::{plan::WaitingFor, rotation::Outcome, rotator::Strategy, secret::Stage};
use keywheel_engine::Ended;

use crate::{
    scene::{HOUR, NEARLY_AN_HOUR, OLD, SECOND, Scene},
    world::World,
};

async fn in_overlap() -> World {
    let world = World::of(Scene::credential(Strategy::Overlap).overlapping(HOUR));
    let ended = world.rotate().await;
    assert!(matches!(ended, Ended::Waiting { why: WaitingFor::Overlap, .. }), "{ended:?}");
    world
}

#[tokio::test]
async fn what_fell_due_while_nothing_ran_is_done_by_the_next_run() {
    let mut world = in_overlap().await;
    world.restart();
    world.clock.advance(240 * HOUR);
    world.run_due().await;
    assert_eq!(world.history().unwrap().outcome, Some(Outcome::Succeeded));
    world.assert_right_at_the_end().await;
}

#[tokio::test]
async fn a_clock_that_is_set_back_never_makes_it_shorter() {
    for back in [SECOND, HOUR / 2, 24 * HOUR] {
        let world = in_overlap().await;
        world.clock.advance(NEARLY_AN_HOUR / 4);
        world.clock.set_back(back);
        world.clock.advance(NEARLY_AN_HOUR / 4 * 3);
        assert_eq!(world.run_due().await.items, [], "set back by {back:?}");
        assert!(world.view().accepts(OLD));
        world.clock.advance(back + SECOND);
        world.run_due().await;
        assert_eq!(world.history().unwrap().outcome, Some(Outcome::Succeeded), "set back by {back:?}");
        world.assert_right_at_the_end().await;
    }
}

#[tokio::test]
async fn a_command_ends_it_at_once() {
    let world = in_overlap().await;
    let report = world.engine().retire(&world.name(), "the old value leaked").await.unwrap();
    assert_eq!(report.ended, Ended::Finished { outcome: Outcome::Succeeded, reason: None });
    world.assert_right_at_the_end().await;
    assert!(world.engine().retire(&world.name(), "again").await.is_err());
}

#[tokio::test]
async fn the_next_run_is_told_when_it_ends() {
    let world = in_overlap().await;
    let plan = world.plan(&keywheel_core::plan::Selection::Due).await;
    let until = plan.waiting[0].until.unwrap();
    assert_eq!(plan.next_due, Some(until));
    assert_eq!(until.duration_since(world.now()).unsigned_abs(), HOUR);
    world.clock.advance(NEARLY_AN_HOUR);
    assert_eq!(world.run_due().await.items, []);
    assert_eq!(world.view().primary(Stage::Previous).as_deref(), Some(OLD));
    world.clock.advance(SECOND);
    assert_eq!(world.run_due().await.items.len(), 1);
    world.assert_right_at_the_end().await;
}
