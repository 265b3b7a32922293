//! One point: a kill, a look from outside, a recovery, a last look.

use std::fmt;

use super::{
    stage::{Stage, expect, outwait_the_overlap, told, unharmed},
    story::{End, Story},
};

const SIGABRT: i32 = 6;
pub(super) const SIGKILL: i32 = 9;

/// `resume` may take so many calls: one that ends the undo says 20, the next one 0.
const RESUMES: usize = 3;

/// Where a run is killed.
#[derive(Clone, Debug)]
pub struct Spot {
    leg: usize,
    number: usize,
    /// The action and the place around it, as the failpoints write them.
    at: String,
}

/// How a point ended well.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Recovered {
    /// After one kill.
    KilledOnce,
    /// The recovery was killed as well.
    KilledTwice,
    /// Nothing was killed, and the command ended it.
    ByItself,
    /// Nothing was killed; the command said that it is not through, and `resume` ended it.
    ByResume,
    /// Nothing was killed; the rotation was undone.
    TurnedBack,
}

impl fmt::Display for Spot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { leg, number, at } = self;
        write!(f, "command {}, point {number} ({at})", leg + 1)
    }
}

/// Every point of a story: runs it once, unharmed, and has the boundaries written down.
///
/// # Panics
/// When it does not end as it should.
pub fn boundaries(stage: &mut dyn Stage) -> Vec<Spot> {
    let story = stage.story();
    let mut spots = Vec::new();
    for (leg, command) in story.legs().iter().enumerate() {
        let log = format!("boundaries-{leg}");
        stage.scene().command(command.arguments).env("KEYWHEEL_CRASH_LOG", &log).run().exits(command.code);
        if !command.killed {
            continue;
        }
        let log = String::from_utf8(stage.scene().read(&log)).unwrap();
        spots.extend(log.lines().enumerate().map(|(index, line)| {
            let at = line.split('\t').skip(2).collect::<Vec<_>>().join(", ");
            Spot { leg, number: index + 1, at }
        }));
    }
    outwait_the_overlap(stage)
        .and_then(|()| stage.has_ended(story.end()))
        .unwrap_or_else(|why| panic!("{story}, unharmed: {why}"));
    spots
}

/// Kills one run there and recovers.
///
/// # Errors
/// What did not hold, and where the scene is kept.
pub fn kill(stage: &mut dyn Stage, spot: &Spot) -> Result<Recovered, String> {
    play(stage, spot)
        .map_err(|why| format!("{why}\n  the scene is kept in {}", stage.scene_mut().keep().display()))
}

fn play(stage: &mut dyn Stage, spot: &Spot) -> Result<Recovered, String> {
    let story = stage.story();
    let mut recovered = Recovered::KilledOnce;
    for (leg, command) in story.legs().iter().enumerate() {
        if leg != spot.leg {
            unharmed(stage, command)?;
            continue;
        }
        let (with, signal) =
            if spot.number.is_multiple_of(4) { ("SIGKILL", SIGKILL) } else { ("abort", SIGABRT) };
        let said = stage.scene().command(command.arguments).dying_at(spot.number, with).run();
        expect(said.signal() == Some(signal), || format!("not killed by {with}: {}", told(&said)))?;
        stage.nobody_is_locked_out().map_err(|why| format!("after the kill: {why}"))?;
        // A share of the recoveries is killed as well, at different distances from its start.
        if spot.number.is_multiple_of(3) {
            let number = 1 + spot.number / 3 % 8;
            let said = stage.scene().command(story.recovery()).dying_at(number, "abort").run();
            if said.signal() == Some(SIGABRT) {
                recovered = Recovered::KilledTwice;
            }
            stage.nobody_is_locked_out().map_err(|why| format!("after the second kill: {why}"))?;
        } else if story == Story::RolledBackAfterTheKill {
            let said = stage.scene().keywheel(story.recovery());
            expect(said.code() == Some(0), || format!("rollback says {}", told(&said)))?;
        }
        resume(stage)?;
        if story == Story::RolledBackAfterTheKill {
            break;
        }
    }
    stage.has_ended(story.end())?;
    Ok(recovered)
}

fn resume(stage: &dyn Stage) -> Result<(), String> {
    for _ in 0..RESUMES {
        let said = stage.scene().keywheel(&["resume", "--yes"]);
        match (said.code(), stage.story().end()) {
            (Some(0), _) => return outwait_the_overlap(stage),
            (Some(20), End::Old) => {}
            (_, End::Old | End::New) => return Err(format!("resume says {}", told(&said))),
        }
    }
    Err(format!("{RESUMES} calls of resume did not end it"))
}
