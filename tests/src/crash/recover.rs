//! After trouble in the middle of a command: `resume` ends what is left.

use std::time::Duration;

use keywheel_testservers::{Stopwatch, pause};

use super::{
    kill::{Recovered, SIGKILL},
    stage::{Stage, expect, outwait_the_overlap, told},
    story::End,
};
use crate::keywheel::Said;

/// How long keywheel waits for another try before it leaves it to `resume`.
pub const PATIENCE: &str = "2s";

/// How long `resume` may be repeated, and how often.
const RECOVERY: Duration = Duration::from_mins(2);
const BETWEEN: Duration = Duration::from_millis(500);

/// Ends what the command `arguments`, which `said` so, has left. `lasts` is whether the trouble may have lasted for longer
/// than a rotation is tried before it is undone.
///
/// # Errors
/// What did not hold.
pub fn recover(
    stage: &mut dyn Stage,
    said: &Said,
    arguments: &[&str],
    lasts: bool,
) -> Result<Recovered, String> {
    let story = stage.story();
    let mut turned_back = false;
    let mut by_itself = false;
    let killed = said.signal() == Some(SIGKILL);
    let watch = Stopwatch::start();
    match said.code() {
        Some(0) => by_itself = true,
        Some(20) => turned_back = true,
        Some(21) => expect(said.words().contains("resume"), || format!("no way on: {}", told(said)))?,
        // Nothing was begun: a person types it again.
        Some(1) => {
            let again = stage.scene().keywheel(arguments);
            expect(again.code() == Some(0), || format!("{}; typed again: {}", told(said), told(&again)))?;
        }
        None if killed => {}
        _ => return Err(format!("no honest end: {}", told(said))),
    }
    loop {
        let said = stage.scene().keywheel(&["resume", "--yes", "--patience", PATIENCE]);
        stage.nobody_is_locked_out().map_err(|why| format!("after resume: {why}"))?;
        match said.code() {
            Some(0) => break,
            Some(20) => turned_back = true,
            Some(21) if watch.elapsed() < RECOVERY => pause(BETWEEN),
            _ => return Err(format!("resume says {}", told(&said))),
        }
    }
    outwait_the_overlap(stage)?;
    let turned_back = turned_back && story.end() == End::New;
    expect(!turned_back || lasts, || "what passes by itself turned it back".to_owned())?;
    stage.has_ended(if turned_back { End::Old } else { story.end() })?;
    Ok(match (turned_back, by_itself) {
        (true, _) => Recovered::TurnedBack,
        (false, true) => Recovered::ByItself,
        (false, false) if killed => Recovered::KilledOnce,
        (false, false) => Recovered::ByResume,
    })
}
