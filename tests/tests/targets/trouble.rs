//! Trouble while keywheel lives: the network loses something, or the server dies and comes back.

use std::{fmt, process::Child, time::Duration};

use keywheel_tests::{
    Said,
    crash::{PATIENCE, Recovered, Stage as _, Story, recover, told, unharmed},
    pause,
};
use keywheel_testservers::{Mishap, Proxy, Weather};
use rustix::process::{Pid, Signal, kill_process};

use crate::{
    server::{Server, Strategy},
    stage::{Ground, Stage},
};

/// The stories that meet it, in their last command.
pub(crate) const STORIES: [Story; 3] = [Story::Forwards, Story::ForwardsWithOverlap, Story::RolledBackByHand];

/// Longer than any call waits for its answer.
const LATE: Duration = Duration::from_secs(31);

/// Between two looks whether a late request has arrived.
const BETWEEN: Duration = Duration::from_millis(500);

/// What happens to one request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Trouble {
    /// It does not arrive, and the connection is reset.
    RequestLost,
    /// It arrives, and the connection is reset instead of a reply.
    ReplyLost,
    /// It arrives when its sender has given it up.
    Late,
    /// It does not arrive, and nobody is reached for as long as the command runs.
    Outage,
    /// It arrives; instead of a reply the server is killed, and started again.
    Restarted,
}

impl Trouble {
    pub(crate) const ALL: [Self; 5] =
        [Self::RequestLost, Self::ReplyLost, Self::Late, Self::Outage, Self::Restarted];

    /// How many requests of each step meet it.
    pub(crate) fn share(self) -> usize {
        match self {
            Self::RequestLost | Self::ReplyLost => 3,
            Self::Outage | Self::Restarted => 2,
            Self::Late => 1,
        }
    }

    fn mishap(self) -> Mishap {
        match self {
            Self::RequestLost => Mishap::RequestLost,
            Self::ReplyLost => Mishap::ReplyLost,
            Self::Late => Mishap::Late(LATE),
            Self::Outage => Mishap::Outage,
            Self::Restarted => Mishap::Silence,
        }
    }

    /// Whether it may last for longer than a rotation is tried before it is undone.
    fn lasts(self) -> bool {
        match self {
            Self::RequestLost | Self::ReplyLost | Self::Late => false,
            Self::Outage | Self::Restarted => true,
        }
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::RequestLost => "request lost",
            Self::ReplyLost => "reply lost",
            Self::Late => "request late",
            Self::Outage => "network down",
            Self::Restarted => "server restarted",
        })
    }
}

/// Between keywheel and the server.
pub(crate) struct Network(Vec<Proxy>);

impl Network {
    pub(crate) fn before(server: &dyn Server) -> Self {
        let mut ports = server.ports().into_iter();
        let first = Proxy::to(ports.next().expect("a port"));
        let others: Vec<_> = ports.map(|port| first.beside(port)).collect();
        Self([first].into_iter().chain(others).collect())
    }

    pub(crate) fn ports(&self) -> Vec<u16> {
        self.0.iter().map(Proxy::port).collect()
    }

    /// All of them are in the same weather.
    pub(crate) fn weather(&self) -> &Proxy {
        &self.0[0]
    }
}

/// Has one request of the last command meet its trouble. `None` if the command did not send so many.
///
/// # Errors
/// What did not hold, and where the scene is kept.
pub(crate) fn meet(
    ground: &Ground,
    strategy: Strategy,
    story: Story,
    trouble: Trouble,
    request: usize,
) -> Result<Option<Recovered>, String> {
    let network = Network::before(ground.server.as_ref());
    let stage = Stage::set(ground, strategy, story, &network.ports());
    let mut meeting = Meeting { ground, network, stage, trouble, request };
    meeting.play().map_err(|why| {
        format!("{why}\n  the scene is kept in {}", meeting.stage.scene_mut().keep().display())
    })
}

struct Meeting<'a> {
    ground: &'a Ground,
    network: Network,
    stage: Stage<'a>,
    trouble: Trouble,
    request: usize,
}

impl Meeting<'_> {
    fn play(&mut self) -> Result<Option<Recovered>, String> {
        let story = self.stage.story();
        let (last, first) = story.legs().split_last().expect("a command");
        for leg in first {
            unharmed(&self.stage, leg)?;
        }
        self.network.weather().set(Weather::Once(self.request, self.trouble.mishap()));
        let mut words = last.arguments.to_vec();
        words.extend(["--patience", PATIENCE]);
        let mut keywheel = self.stage.scene().command(&words).start();
        let struck = self.wait_for_the_trouble(&mut keywheel);
        let looked = if struck { self.look_at_the_trouble(&keywheel) } else { Ok(()) };
        let said = Said::new(&keywheel.wait_with_output().expect("a child ends"));
        looked.map_err(|why| format!("{why}; then {words:?} says {}", told(&said)))?;
        while self.network.weather().is_holding() {
            pause(BETWEEN);
        }
        self.network.weather().set(Weather::Fair);
        self.stage
            .nobody_is_locked_out()
            .map_err(|why| format!("after {words:?}: {why}; {}", told(&said)))?;
        let recovered = recover(&mut self.stage, &said, last.arguments, self.trouble.lasts())?;
        Ok(struck.then_some(recovered))
    }

    /// Whether it came before the command ended.
    fn wait_for_the_trouble(&self, keywheel: &mut Child) -> bool {
        loop {
            if self.network.weather().has_struck() {
                return true;
            }
            if keywheel.try_wait().is_ok_and(|ended| ended.is_some()) {
                return self.network.weather().has_struck();
            }
            pause(Duration::from_millis(1));
        }
    }

    /// A look from outside while keywheel stands still.
    fn look_at_the_trouble(&mut self, keywheel: &Child) -> Result<(), String> {
        if self.trouble == Trouble::Restarted {
            // Sometimes it has carried the request out by then, and sometimes not.
            pause(Duration::from_millis([0, 2, 20][self.request % 3]));
            self.ground.server.restart();
        }
        let keywheel = Pid::from_child(keywheel);
        let send = |signal| kill_process(keywheel, signal).map_err(|error| error.to_string());
        send(Signal::STOP)?;
        pause(Duration::from_millis(5));
        let looked = self.stage.nobody_is_locked_out();
        send(Signal::CONT)?;
        looked.map_err(|why| format!("in the middle of it: {why}"))
    }
}
