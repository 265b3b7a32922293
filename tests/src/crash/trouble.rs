//! Trouble while keywheel lives: one request of a story's last command meets it.

use std::{process::Child, time::Duration};

use keywheel_testservers::{Mishap, Proxy, Weather, pause};
use rustix::process::{Pid, Signal, kill_process};

use super::{
    kill::Recovered,
    recover::{PATIENCE, recover},
    stage::{Stage, told, unharmed},
};
use crate::keywheel::Said;

/// Between two looks whether a late request has arrived.
const BETWEEN: Duration = Duration::from_millis(500);

/// What happens to which request.
pub struct Trouble<'a> {
    /// Through which it is sent.
    pub network: &'a Proxy,
    /// Counted over the whole command.
    pub request: usize,
    /// What happens to it.
    pub mishap: Mishap,
    /// Whether it may last for longer than a rotation is tried before it is undone.
    pub lasts: bool,
    /// What else happens then.
    pub meanwhile: &'a dyn Fn(),
    /// Whether keywheel is killed then.
    pub kills: bool,
}

/// Has the story's last command meet its trouble, and ends what is left. `None` if the command did not send so many
/// requests.
///
/// # Errors
/// What did not hold, and where the scene is kept.
pub fn meet(stage: &mut dyn Stage, trouble: &Trouble<'_>) -> Result<Option<Recovered>, String> {
    play(stage, trouble)
        .map_err(|why| format!("{why}\n  the scene is kept in {}", stage.scene_mut().keep().display()))
}

fn play(stage: &mut dyn Stage, trouble: &Trouble<'_>) -> Result<Option<Recovered>, String> {
    let story = stage.story();
    let (last, first) = story.legs().split_last().unwrap();
    for leg in first {
        unharmed(stage, leg)?;
    }
    trouble.network.set(Weather::Once(trouble.request, trouble.mishap));
    let mut words = last.arguments.to_vec();
    words.extend(["--patience", PATIENCE]);
    let mut keywheel = stage.scene().command(&words).start();
    let struck = trouble.strikes(&mut keywheel);
    let looked = if struck { trouble.look(stage, &keywheel) } else { Ok(()) };
    let said = Said::new(&keywheel.wait_with_output().unwrap());
    looked.map_err(|why| format!("{why}; then {words:?} says {}", told(&said)))?;
    while trouble.network.is_holding() {
        pause(BETWEEN);
    }
    trouble.network.set(Weather::Fair);
    stage.nobody_is_locked_out().map_err(|why| format!("after {words:?}: {why}; {}", told(&said)))?;
    let recovered = recover(stage, &said, last.arguments, trouble.lasts)?;
    Ok(struck.then_some(recovered))
}

impl Trouble<'_> {
    /// Whether it came before the command ended.
    fn strikes(&self, keywheel: &mut Child) -> bool {
        loop {
            if self.network.has_struck() {
                return true;
            }
            if keywheel.try_wait().is_ok_and(|ended| ended.is_some()) {
                return self.network.has_struck();
            }
            pause(Duration::from_millis(1));
        }
    }

    /// A look from outside while keywheel stands still, or lies dead.
    fn look(&self, stage: &mut dyn Stage, keywheel: &Child) -> Result<(), String> {
        (self.meanwhile)();
        let keywheel = Pid::from_child(keywheel);
        let send = |signal| kill_process(keywheel, signal).map_err(|error| error.to_string());
        send(if self.kills { Signal::KILL } else { Signal::STOP })?;
        pause(Duration::from_millis(5));
        let looked = stage.nobody_is_locked_out();
        if !self.kills {
            send(Signal::CONT)?;
        }
        looked.map_err(|why| format!("in the middle of it: {why}"))
    }
}
