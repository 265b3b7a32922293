//! A scene on which a story is played, and what is looked at from outside.

use std::time::Duration;

use keywheel_testservers::pause;

use super::story::{End, Leg, Story};
use crate::{keywheel::Said, scene::Scene};

/// A scene with its story.
pub trait Stage {
    /// What is played.
    fn story(&self) -> Story;

    /// Where.
    fn scene(&self) -> &Scene;

    /// Keeps the scene for whoever looks why it failed.
    fn scene_mut(&mut self) -> &mut Scene;

    /// Whether old and new are accepted side by side.
    fn both_are_accepted(&self) -> bool;

    /// What must hold at every instant.
    ///
    /// # Errors
    /// What does not.
    fn nobody_is_locked_out(&mut self) -> Result<(), String>;

    /// What must hold in the end.
    ///
    /// # Errors
    /// What does not.
    fn has_ended(&mut self, end: End) -> Result<(), String>;
}

/// Runs a command to which nothing happens.
///
/// # Errors
/// When it ends otherwise than it should.
pub fn unharmed(stage: &dyn Stage, leg: &Leg) -> Result<(), String> {
    let said = stage.scene().keywheel(leg.arguments);
    expect(said.code() == Some(leg.code), || format!("{:?} says {}", leg.arguments, told(&said)))
}

/// A `resume` that finds the way back waiting for its overlap leaves it to the next one.
///
/// # Errors
/// When that one ends otherwise than it should.
pub fn outwait_the_overlap(stage: &dyn Stage) -> Result<(), String> {
    if stage.story().overlap(stage.both_are_accepted()) != "1s" {
        return Ok(());
    }
    pause(Duration::from_secs(1));
    let said = stage.scene().keywheel(&["resume", "--yes"]);
    expect(matches!(said.code(), Some(0 | 20)), || format!("resume after the overlap says {}", told(&said)))
}

/// Insists.
///
/// # Errors
/// With `why`, when it does not hold.
pub fn expect(holds: bool, why: impl FnOnce() -> String) -> Result<(), String> {
    if holds { Ok(()) } else { Err(why()) }
}

/// How a call ended, and what it said.
pub fn told(said: &Said) -> String {
    format!("{}:\n{}", said.status, said.words())
}
