//! Processes that live and die until a rotation has ended, as a service manager and an operator would bring it there.

use keywheel_core::{
    plan::Selection,
    rotation::{History, Next, Outcome},
};

use crate::world::{World, run};

/// More processes than any rotation here needs.
const MOST: usize = 40;

/// Starts one process after another until the rotation of the first secret has ended.
///
/// # Errors
/// What was wrong from outside, after whichever process it showed first.
pub(crate) async fn live(world: &mut World) -> Result<Outcome, Vec<String>> {
    for _ in 0..MOST {
        let history = world.history();
        if let Some(outcome) = history.as_ref().and_then(|history| history.outcome) {
            let wrongs = world.wrongs_at_the_end().await;
            return if wrongs.is_empty() { Ok(outcome) } else { Err(wrongs) };
        }
        if world.faults.clone().until_crash(process(world, history.as_ref())).await.is_none() {
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
async fn process(world: &World, history: Option<&History>) {
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
    if let Next::Wait { until, .. } = next {
        world.clock.advance(until.duration_since(world.now()).unsigned_abs());
    }
    let _ = run(&engine, &Selection::Due, world.now()).await;
}
