//! Trouble while keywheel lives: the network loses something, or the server dies and comes back; or keywheel dies between
//! two requests of a step.

use std::{fmt, time::Duration};

use keywheel_tests::{
    crash::{self, Recovered, Story},
    pause,
};
use keywheel_testservers::{Mishap, Proxy};

use crate::{
    server::{Server, Strategy},
    stage::{Ground, Stage},
};

/// Longer than any call waits for its answer.
const LATE: Duration = Duration::from_secs(31);

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
    /// It arrives, and keywheel is killed before it hears of it.
    Killed,
}

impl Trouble {
    pub(crate) const ALL: [Self; 6] =
        [Self::RequestLost, Self::ReplyLost, Self::Late, Self::Outage, Self::Restarted, Self::Killed];

    /// How many requests of each step meet it.
    pub(crate) fn share(self) -> usize {
        match self {
            Self::RequestLost | Self::ReplyLost => 3,
            Self::Outage | Self::Restarted => 2,
            Self::Late => 1,
            // Where a step makes what only its reply shows, the server says so.
            Self::Killed => 0,
        }
    }

    fn mishap(self) -> Mishap {
        match self {
            Self::RequestLost => Mishap::RequestLost,
            Self::ReplyLost => Mishap::ReplyLost,
            Self::Late => Mishap::Late(LATE),
            Self::Outage => Mishap::Outage,
            Self::Restarted | Self::Killed => Mishap::Silence,
        }
    }

    /// Whether it may last for longer than a rotation is tried before it is undone.
    fn lasts(self) -> bool {
        match self {
            Self::RequestLost | Self::ReplyLost | Self::Late | Self::Killed => false,
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
            Self::Killed => "killed in a step",
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
    let mut stage = Stage::set(ground, strategy, story, &network.ports());
    let meanwhile = || {
        if trouble == Trouble::Restarted {
            // Sometimes it has carried the request out by then, and sometimes not.
            pause(Duration::from_millis([0, 2, 20][request % 3]));
            ground.server.restart();
        } else if trouble == Trouble::Killed {
            // Long enough for it to be carried out.
            pause(Duration::from_millis(200));
        }
    };
    let trouble = crash::Trouble {
        network: network.weather(),
        request,
        mishap: trouble.mishap(),
        lasts: trouble.lasts(),
        meanwhile: &meanwhile,
        kills: trouble == Trouble::Killed,
    };
    crash::meet(&mut stage, &trouble)
}
