//! Processes that live and die until a rotation has ended, as a service manager and an operator would bring it there.

use keywheel_core::{
    plan::Selection,
    rotation::{Direction, History, Next, Outcome, WaitFor},
};

use crate::world::{World, run};

/// More processes than any rotation here needs.
const MOST: usize = 40;

/// What the operator wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wish {
    /// The new value.
    Forward,
    /// The old one again, once the new one is current everywhere.
    Back,
}

/// How a rotation came to its end.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Lived {
    pub(crate) outcome: Outcome,
    pub(crate) crashes: usize,
    pub(crate) parked: usize,
}

/// Starts one process after another until the rotation of the first secret has ended.
///
/// # Errors
/// What was wrong from outside, after whichever process it showed first.
pub(crate) async fn live(world: &mut World, wish: Wish) -> Result<Lived, Vec<String>> {
    let (mut crashes, mut parked) = (0, 0);
    for _ in 0..MOST {
        let history = world.history();
        if let Some(outcome) = history.as_ref().and_then(|history| history.outcome) {
            let wrongs = world.wrongs_at_the_end().await;
            return if wrongs.is_empty() { Ok(Lived { outcome, crashes, parked }) } else { Err(wrongs) };
        }
        parked += usize::from(history.as_ref().is_some_and(|history| history.parked.is_some()));
        if world.faults.clone().until_crash(process(world, history.as_ref(), wish)).await.is_none() {
            crashes += 1;
            world.restart();
        }
        let wrongs = world.wrongs();
        if !wrongs.is_empty() {
            return Err(wrongs);
        }
    }
    Err(vec![format!("it does not end: {:?}", world.history().map(|history| history.next(world.now())))])
}

/// One process: looks where the rotation stands, as `status` would, and does what brings it on. Whatever fails is told
/// to nobody: the next process looks again.
async fn process(world: &World, history: Option<&History>, wish: Wish) {
    let engine = world.engine();
    let name = world.name();
    let Some(history) = history else {
        let _ = run(&engine, &Selection::Names(vec![name]), world.now()).await;
        return;
    };
    let next = history.next(world.now());
    if next == Next::Parked {
        let _ = engine.go_on(&name).await;
        return;
    }
    if let Next::Wait { until, why } = next {
        let forward = history.direction == Direction::Forward;
        if why == WaitFor::Overlap && wish == Wish::Back && forward {
            let _ = engine.roll_back(&name, "the operator wants the old value").await;
            return;
        }
        world.clock.advance(until.duration_since(world.now()).unsigned_abs());
    }
    let _ = run(&engine, &Selection::Due, world.now()).await;
}
