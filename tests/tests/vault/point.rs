//! The points, and what becomes of each.

use std::{fmt, sync::Arc};

use keywheel_tests::crash::{self, Recovered, Spot, Story, unharmed};
use keywheel_testservers::Mishap;

use crate::{
    form::Form,
    stage::{Stage, Way},
};

/// Of so many kills the recovery from one finds the server down at first.
const DOWN: usize = 5;

/// One point.
pub(crate) struct Point {
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
        let Self { form, story, event } = self;
        match event {
            Event::Kill { spot, down: false } => write!(f, "{form}, {story}, {spot}"),
            Event::Kill { spot, down: true } => write!(f, "{form}, {story}, {spot}, and Vault is down"),
            Event::Trouble { trouble, request } => {
                write!(f, "{form}, {story}, {trouble} at request {}", request + 1)
            }
        }
    }
}

impl Point {
    /// The first columns of its row.
    pub(crate) fn row(&self) -> String {
        let Self { form, story, event } = self;
        let what = match event {
            Event::Kill { down: false, .. } => "killed".to_owned(),
            Event::Kill { down: true, .. } => "killed, Vault down".to_owned(),
            Event::Trouble { trouble, .. } => trouble.to_string(),
        };
        format!("{form:<15} {story:<26} {what:<18}")
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
                let mut stage = Stage::set(self.form, self.story, Way::Direct);
                stage.down_after_the_kill = *down;
                crash::kill(&mut stage, spot)
            }
            Event::Trouble { trouble, request } => {
                let mut stage = Stage::set(self.form, self.story, Way::Network);
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
    format!("{:<15} {:<26} {:<18}", "secret", "flow", "trouble")
}

/// Every point of a form and a story.
pub(crate) fn points(form: Form, story: Story) -> Vec<Point> {
    let spots = crash::boundaries(&mut Stage::set(form, story, Way::Direct));
    let kill = |(number, spot)| {
        let event = Event::Kill { spot, down: number % DOWN == DOWN - 1 };
        Point { form, story, event }
    };
    let mut points: Vec<_> = spots.into_iter().enumerate().map(kill).collect();
    // A kill before the rollback has no request of its own, and whoever waits for a deadline sends the same.
    if !matches!(story, Story::RolledBackAfterTheKill | Story::DeadlinePassed) {
        points.extend((0..requests(form, story)).map(|request| {
            // Each request meets one trouble, and each trouble another share of the requests in each flow.
            let trouble = Trouble::ALL[(request + form as usize + story as usize) % Trouble::ALL.len()];
            Point { form, story, event: Event::Trouble { trouble, request } }
        }));
    }
    points
}

/// How many requests the last command sends when nothing happens to it.
fn requests(form: Form, story: Story) -> usize {
    let stage = Stage::set(form, story, Way::Network);
    let network = stage.network();
    let mut before = 0;
    for leg in story.legs() {
        before = network.sent();
        unharmed(&stage, leg).unwrap_or_else(|why| panic!("{form}, {story}, without trouble: {why}"));
    }
    network.sent() - before
}
