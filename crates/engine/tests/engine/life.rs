//! Whole lives in which nothing fails.

use std::time::Duration;

use keywheel_core::{plan::WaitingFor, rotation::Outcome, rotator::Strategy, secret::Stage};
use keywheel_engine::Ended;
use keywheel_testkit::memory::Behaviour;
use rstest::rstest;

use crate::{
    scene::{HOUR, OLD, Scene},
    world::World,
};

fn succeeded() -> Ended {
    Ended::Finished { outcome: Outcome::Succeeded, reason: None }
}

#[rstest]
#[tokio::test]
async fn a_rotation_ends_with_the_new_value_everywhere_and_the_old_one_dead(
    #[values(
        None,
        Some(Strategy::InPlace),
        Some(Strategy::Overlap),
        Some(Strategy::Alternating),
        Some(Strategy::Minted),
        Some(Strategy::Reissued),
        Some(Strategy::Versioned)
    )]
    strategy: Option<Strategy>,
    #[values(1, 2)] stores: usize,
    #[values(0, 1)] consumers: usize,
    #[values(Duration::ZERO, HOUR)] overlap: Duration,
) {
    let scene =
        Scene { strategy, consumers: vec![Behaviour::AfterLooks(2); consumers], ..Scene::unchecked() };
    let world = World::of(scene.in_stores(stores).overlapping(overlap));
    let ended = world.rotate().await;
    if overlap.is_zero() {
        assert_eq!(ended, succeeded());
    } else {
        assert!(matches!(ended, Ended::Waiting { why: WaitingFor::Overlap, .. }), "{ended:?}");
        let keeps_old = strategy.is_none_or(Strategy::keeps_old);
        assert_eq!(world.view().accepts(OLD), keeps_old, "in the overlap");
        assert_eq!(world.view().primary(Stage::Previous).as_deref(), Some(OLD));
        world.clock.advance(overlap);
        assert_eq!(world.run_due().await.items[0].ended, succeeded());
    }
    world.assert_right_at_the_end().await;
    for second in 1..4 {
        world.clock.advance(HOUR * 2);
        let ended = world.rotate().await;
        world.clock.advance(overlap);
        if !overlap.is_zero() {
            world.run_due().await;
        }
        assert_eq!(world.history().unwrap().outcome, Some(Outcome::Succeeded), "{second}: {ended:?}");
        world.assert_right_at_the_end().await;
    }
}
