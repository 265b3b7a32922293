//! The points, and what becomes of each.

use std::fmt;

use keywheel_tests::crash::{self, Recovered, Spot, Story};

use crate::{
    server::Strategy,
    stage::{Ground, Stage},
    trouble::{self, Network, Trouble},
};

/// One point.
pub(crate) struct Point {
    pub(crate) strategy: Strategy,
    pub(crate) story: Story,
    pub(crate) event: Event,
}

/// What happens there.
pub(crate) enum Event {
    /// keywheel is killed.
    Kill(Spot),
    /// One request of a step meets trouble.
    Trouble { trouble: Trouble, step: String, request: usize },
}

impl fmt::Display for Point {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { strategy, story, event } = self;
        match event {
            Event::Kill(spot) => write!(f, "{strategy}, {story}, {spot}"),
            Event::Trouble { trouble, step, request } => {
                write!(f, "{strategy}, {story}, {trouble} in {step}, request {}", request + 1)
            }
        }
    }
}

impl Point {
    /// The first columns of its row.
    pub(crate) fn row(&self, server: &str) -> String {
        let Self { strategy, story, event } = self;
        let what = match event {
            Event::Kill(_) => "killed".to_owned(),
            Event::Trouble { trouble, .. } => trouble.to_string(),
        };
        format!("{server:<9} {strategy:<12} {story:<26} {what:<16}")
    }

    /// Where its row stands.
    pub(crate) fn place(&self) -> (Strategy, Story, Option<Trouble>) {
        let trouble = match self.event {
            Event::Kill(_) => None,
            Event::Trouble { trouble, .. } => Some(trouble),
        };
        (self.strategy, self.story, trouble)
    }

    /// Whether the server is restarted: nobody else may use it meanwhile.
    pub(crate) fn restarts(&self) -> bool {
        matches!(self.event, Event::Trouble { trouble: Trouble::Restarted, .. })
    }

    /// Whether it waits for a deadline.
    pub(crate) fn is_long(&self) -> bool {
        matches!(self.event, Event::Trouble { trouble: Trouble::Late, .. })
    }

    /// `None` if its request was not sent this time.
    pub(crate) fn play(&self, ground: &Ground) -> Result<Option<Recovered>, String> {
        match &self.event {
            Event::Kill(spot) => {
                let mut stage = Stage::set(ground, self.strategy, self.story, &ground.server.ports());
                crash::kill(&mut stage, spot).map(Some)
            }
            Event::Trouble { trouble, request, .. } => {
                trouble::meet(ground, self.strategy, self.story, *trouble, *request)
            }
        }
    }
}

/// The heading above [`Point::row`].
pub(crate) fn heading() -> String {
    format!("{:<9} {:<12} {:<26} {:<16}", "server", "strategy", "flow", "trouble")
}

/// Every point of a strategy and a story.
pub(crate) fn points(ground: &Ground, strategy: Strategy, story: Story) -> Vec<Point> {
    let mut points = Vec::new();
    if strategy.killed().contains(&story) {
        let mut stage = Stage::set(ground, strategy, story, &ground.server.ports());
        let spots = crash::boundaries(&mut stage);
        points.extend(spots.into_iter().map(|spot| Point { strategy, story, event: Event::Kill(spot) }));
    }
    if strategy.troubled().contains(&story) {
        let network = Network::before(ground.server.as_ref());
        let mut stage = Stage::set(ground, strategy, story, &network.ports());
        let steps = crash::steps(&mut stage, &[network.weather()]);
        for trouble in Trouble::ALL {
            let share = ground.server.share(trouble);
            points.extend(steps.iter().flat_map(|step| {
                step.requests(share, trouble as usize).into_iter().map(move |request| {
                    let event = Event::Trouble { trouble, step: step.action.clone(), request };
                    Point { strategy, story, event }
                })
            }));
        }
    }
    points
}
