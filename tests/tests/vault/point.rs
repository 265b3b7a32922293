//! The points, and what becomes of each.

use std::{fmt, sync::Arc};

use keywheel_tests::crash::{self, Recovered, Spot, Story, unharmed};
use keywheel_testservers::Mishap;

use crate::{
    form::Form,
    server::Kind,
    stage::{Stage, Way},
};

/// Of so many kills the recovery from one finds the server down at first.
const DOWN: usize = 5;

/// Of so many points one is played on the real server, unless all are: each look at it is a number of requests.
const REAL: usize = 12;

/// Set by `cargo xtask crash --all`.
const ALL: &str = "KEYWHEEL_CRASH_ALL";

/// One point.
pub(crate) struct Point {
    server: Kind,
    form: Form,
    story: Story,
    event: Event,
}

/// What happens there.
enum Event {
    /// keywheel is killed.
    Kill { spot: Spot, down: bool },
    /// One request of the last command meets trouble.
    Trouble { trouble: Trouble, request: usize },
}

/// What happens to one request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Trouble {
    /// It does not arrive, and the connection is reset.
    RequestLost,
    /// It arrives, and the connection is reset instead of a reply.
    ReplyLost,
    /// It does not arrive, and nobody is reached for as long as the command runs.
    Outage,
}

impl Trouble {
    const ALL: [Self; 3] = [Self::RequestLost, Self::ReplyLost, Self::Outage];

    fn mishap(self) -> Mishap {
        match self {
            Self::RequestLost => Mishap::RequestLost,
            Self::ReplyLost => Mishap::ReplyLost,
            Self::Outage => Mishap::Outage,
        }
    }

    /// Whether it may last for longer than a rotation is tried before it is undone.
    fn lasts(self) -> bool {
        match self {
            Self::RequestLost | Self::ReplyLost => false,
            Self::Outage => true,
        }
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::RequestLost => "request lost",
            Self::ReplyLost => "reply lost",
            Self::Outage => "network down",
        })
    }
}

impl fmt::Display for Point {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { server, form, story, event } = self;
        match event {
            Event::Kill { spot, down: false } => write!(f, "{server}, {form}, {story}, {spot}"),
            Event::Kill { spot, down: true } => {
                write!(f, "{server}, {form}, {story}, {spot}, and it is down")
            }
            Event::Trouble { trouble, request } => {
                write!(f, "{server}, {form}, {story}, {trouble} at request {}", request + 1)
            }
        }
    }
}

impl Point {
    /// The first columns of its row.
    pub(crate) fn row(&self) -> String {
        let Self { server, form, story, event } = self;
        let what = match event {
            Event::Kill { down: false, .. } => "killed".to_owned(),
            Event::Kill { down: true, .. } => "killed, it is down".to_owned(),
            Event::Trouble { trouble, .. } => trouble.to_string(),
        };
        format!("{server:<7} {form:<15} {story:<26} {what:<18}")
    }

    /// Where its row stands.
    pub(crate) fn place(&self) -> (Form, Story, bool, Option<Trouble>) {
        match self.event {
            Event::Kill { down, .. } => (self.form, self.story, down, None),
            Event::Trouble { trouble, .. } => (self.form, self.story, true, Some(trouble)),
        }
    }

    /// Whether it waits for a deadline.
    pub(crate) fn is_long(&self) -> bool {
        self.story == Story::DeadlinePassed
    }

    pub(crate) fn play(&self) -> Result<Recovered, String> {
        match &self.event {
            Event::Kill { spot, down } => {
                let way = if *down { Way::Mortal } else { Way::Direct };
                let mut stage = Stage::set(self.server, self.form, self.story, way);
                stage.down_after_the_kill = *down;
                crash::kill(&mut stage, spot)
            }
            Event::Trouble { trouble, request } => {
                let mut stage = Stage::set(self.server, self.form, self.story, Way::Network);
                let network = Arc::clone(stage.network());
                let trouble = crash::Trouble {
                    network: &network,
                    request: *request,
                    mishap: trouble.mishap(),
                    lasts: trouble.lasts(),
                    meanwhile: &|| {},
                    kills: false,
                };
                let recovered = crash::meet(&mut stage, &trouble)?;
                recovered.ok_or_else(|| "the command did not send this request".to_owned())
            }
        }
    }
}

/// The heading above [`Point::row`].
pub(crate) fn heading() -> String {
    format!("{:<7} {:<15} {:<26} {:<18}", "server", "secret", "flow", "trouble")
}

/// Every point of a form and a story, or a share of them.
pub(crate) fn points(server: Kind, form: Form, story: Story) -> Vec<Point> {
    let spots = crash::boundaries(&mut Stage::set(server, form, story, Way::Direct));
    let kill = |(number, spot)| {
        let event = Event::Kill { spot, down: number % DOWN == DOWN - 1 };
        Point { server, form, story, event }
    };
    let mut points: Vec<_> = spots.into_iter().enumerate().map(kill).collect();
    // A kill before the rollback has no request of its own, and whoever waits for a deadline sends the same.
    if !matches!(story, Story::RolledBackAfterTheKill | Story::DeadlinePassed) {
        points.extend((0..requests(server, form, story)).map(|request| {
            // Each request meets one trouble, and each trouble another share of the requests in each flow.
            let trouble = Trouble::ALL[(request + form as usize + story as usize) % Trouble::ALL.len()];
            Point { server, form, story, event: Event::Trouble { trouble, request } }
        }));
    }
    match server {
        Kind::OpenBao if std::env::var_os(ALL).is_none() => {
            share(points, form as usize * 5 + story as usize * 7)
        }
        Kind::Fake | Kind::OpenBao => points,
    }
}

/// One recovery on a server that is down at first, and a few of the other points; others in each `turn`.
fn share(points: Vec<Point>, turn: usize) -> Vec<Point> {
    let is_down = |point: &Point| matches!(point.event, Event::Kill { down: true, .. });
    let (down, others): (Vec<_>, Vec<_>) = points.into_iter().partition(is_down);
    let of_those = turn % down.len().max(1);
    down.into_iter()
        .skip(of_those)
        .take(1)
        .chain(others.into_iter().skip(turn % REAL).step_by(REAL))
        .collect()
}

/// How many requests the last command sends when nothing happens to it.
fn requests(server: Kind, form: Form, story: Story) -> usize {
    let stage = Stage::set(server, form, story, Way::Network);
    let network = stage.network();
    let mut before = 0;
    for leg in story.legs() {
        before = network.sent();
        unharmed(&stage, leg)
            .unwrap_or_else(|why| panic!("{server}, {form}, {story}, without trouble: {why}"));
    }
    network.sent() - before
}
