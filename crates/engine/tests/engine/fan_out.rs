//! Several stores: each gets there, however long one of them is away.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use keywheel_core::{
    Error, ErrorKind,
    plan::WaitingFor,
    rotation::{Next, Outcome, WaitFor},
    rotator::Strategy,
    secret::{Secret, Stage},
};
use keywheel_engine::Ended;
use keywheel_testkit::memory::Behaviour;

use crate::{
    parts::{Hook, Hooked},
    scene::{HOUR, OLD, Scene},
    world::{Settings, World},
};

/// A world whose second store refuses one call while it is down.
fn with_a_second_store_down_at(operation: &'static str) -> (World, Arc<AtomicBool>) {
    let down = Arc::new(AtomicBool::new(true));
    let asked = Arc::clone(&down);
    let hook: Hook = Arc::new(move |call| {
        let fails = call == operation && asked.load(Ordering::Relaxed);
        Box::pin(async move {
            if fails {
                return Err(Error::not_applied(ErrorKind::Unavailable, call, "the store is down"));
            }
            Ok(Box::new(()) as Box<_>)
        })
    });
    let wrap = Arc::new(move |inner| Arc::new(Hooked { inner, hook: Arc::clone(&hook) }) as Arc<dyn Secret>);
    let scene = Scene::credential(Strategy::Overlap).in_stores(2).used_by(Behaviour::Immediately);
    let settings = Settings { patience: Duration::ZERO, wrap_store: (1, wrap), ..Settings::default() };
    (World::with([scene.overlapping(HOUR)], settings), down)
}

#[tokio::test]
async fn a_store_that_is_down_at_promote_is_waited_for_and_caught_up_with() {
    let (world, down) = with_a_second_store_down_at("promote");
    let mut ended = world.rotate().await;
    // Far beyond the attempts that are made before the first promote: there is no way but forward.
    for attempt in 1..12 {
        let Ended::Waiting { until, why: WaitingFor::Retry(failure) } = &ended else {
            panic!("{attempt}: {ended:?}")
        };
        assert!(failure.contains("the store is down"), "{failure}");
        assert_ne!(world.view().current()[0].as_deref(), Some(OLD));
        assert_eq!(world.view().current()[1].as_deref(), Some(OLD));
        assert!(world.view().accepts(OLD), "whoever reads the second store gets in");
        world.clock.advance(until.duration_since(world.now()).unsigned_abs());
        ended = world.run_due().await.items[0].ended.clone();
    }
    down.store(false, Ordering::Relaxed);
    let Next::Wait { until: retried, why: WaitFor::Retry } = world.history().unwrap().next(world.now())
    else {
        panic!("it is tried again")
    };
    world.clock.advance(retried.duration_since(world.now()).unsigned_abs());
    world.run_due().await;
    world.clock.advance(HOUR);
    world.run_due().await;
    assert_eq!(world.history().unwrap().outcome, Some(Outcome::Succeeded));
    world.assert_right_at_the_end().await;
}

#[tokio::test]
async fn a_store_that_is_down_before_the_first_promote_turns_the_rotation_back() {
    let (world, _down) = with_a_second_store_down_at("stage");
    let mut ended = world.rotate().await;
    while let Ended::Waiting { until, .. } = ended {
        world.clock.advance(until.duration_since(world.now()).unsigned_abs());
        ended = world.run_due().await.items[0].ended.clone();
    }
    assert!(matches!(ended, Ended::Finished { outcome: Outcome::RolledBack, .. }), "{ended:?}");
    assert_eq!(world.view().target.as_ref().unwrap().logins(), 0, "the target never heard of it");
    world.assert_right_at_the_end().await;
}

#[tokio::test]
async fn a_store_that_had_no_value_gets_the_old_one_when_the_rotation_goes_back() {
    let scene = Scene::credential(Strategy::Alternating).in_stores(3).bare_from(1);
    let world = World::of(scene.overlapping(HOUR));
    world.rotate().await;
    assert_eq!(world.view().current()[0], world.view().current()[2]);
    world.engine().roll_back(&world.name(), "back").await.unwrap();
    world.clock.advance(HOUR);
    world.run_due().await;
    assert_eq!(world.view().current(), vec![Some(OLD.to_vec()); 3]);
    for index in 0..3 {
        assert_eq!(world.view().logging_in(index), [Stage::Current], "store {index}");
    }
    world.assert_right_at_the_end().await;
}
