//! The points, and what becomes of each.

use std::{fmt, sync::Arc};

use keywheel_tests::crash::{self, Recovered, Spot, Story, takes_all};
use keywheel_testservers::{Mishap, Proxy};

use crate::{
    form::{Form, Place},
    server::Way,
    stage::Stage,
};

/// The stories in which keywheel is killed. There is no consumer whose deadline could pass.
pub(crate) const KILLED: [Story; 4] =
    [Story::Forwards, Story::ForwardsWithOverlap, Story::RolledBackByHand, Story::RolledBackAfterTheKill];

/// One point.
pub(crate) struct Point {
    form: Form,
    story: Story,
    event: Event,
}

/// What happens there.
enum Event {
    /// keywheel is killed.
    Kill(Spot),
    /// One store cannot be reached from one request of the last command on, for as long as that runs.
    Outage { place: Place, network: usize, step: String, request: usize },
}

impl fmt::Display for Point {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { form, story, event } = self;
        match event {
            Event::Kill(spot) => write!(f, "{form}, {story}, {spot}"),
            Event::Outage { place, step, request, .. } => {
                write!(f, "{form}, {story}, {place} down in {step}, request {}", request + 1)
            }
        }
    }
}

/// The heading above [`Point::row`].
pub(crate) fn heading() -> String {
    format!("{:<38} {:<26} {:<20}", "stores", "flow", "trouble")
}

impl Point {
    /// The first columns of its row.
    pub(crate) fn row(&self) -> String {
        let Self { form, story, event } = self;
        let what = match event {
            Event::Kill(_) => "killed".to_owned(),
            Event::Outage { place, .. } => format!("{place} down"),
        };
        format!("{form:<38} {story:<26} {what:<20}")
    }

    /// Where its row stands.
    pub(crate) fn place(&self) -> (Form, Story, Option<Place>) {
        let down = match self.event {
            Event::Kill(_) => None,
            Event::Outage { place, .. } => Some(place),
        };
        (self.form, self.story, down)
    }

    pub(crate) fn is_outage(&self) -> bool {
        matches!(self.event, Event::Outage { .. })
    }

    pub(crate) fn play(&self, moto: u16) -> Result<Recovered, String> {
        match &self.event {
            Event::Kill(spot) => crash::kill(&mut Stage::set(moto, self.form, self.story, Way::Direct), spot),
            Event::Outage { network, request, .. } => {
                let mut stage = Stage::set(moto, self.form, self.story, Way::Network);
                let network = Arc::clone(stage.networks().nth(*network).expect("it was counted").1);
                let trouble = crash::Trouble {
                    network: &network,
                    request: *request,
                    mishap: Mishap::Outage,
                    lasts: true,
                    meanwhile: &|| {},
                    kills: false,
                };
                let recovered = crash::meet(&mut stage, &trouble)?;
                recovered.ok_or_else(|| "the command did not send this request".to_owned())
            }
        }
    }
}

/// Every `share`-th kill of a form and a story, and each outage where there are several stores.
pub(crate) fn points(moto: u16, form: Form, story: Story, share: usize) -> Vec<Point> {
    let spots = crash::boundaries(&mut Stage::set(moto, form, story, Way::Direct));
    let share = if takes_all() { 1 } else { share };
    // Others in each story.
    let spots = spots.into_iter().skip(story as usize % share).step_by(share);
    let mut points: Vec<_> = spots.map(|spot| Point { form, story, event: Event::Kill(spot) }).collect();
    // A kill before the rollback has no request of its own.
    if form.is_fan_out() && story != Story::RolledBackAfterTheKill {
        points.extend(outages(moto, form, story));
    }
    points
}

/// In each step, each of the stores that it asks.
fn outages(moto: u16, form: Form, story: Story) -> Vec<Point> {
    let mut stage = Stage::set(moto, form, story, Way::Network);
    let (places, networks): (Vec<_>, Vec<Arc<Proxy>>) =
        stage.networks().map(|(store, network)| (store.place, Arc::clone(network))).unzip();
    let networks: Vec<&Proxy> = networks.iter().map(|network| &**network).collect();
    let steps = crash::steps(&mut stage, &networks);
    let outages = steps.into_iter().enumerate().flat_map(|(number, step)| {
        let place = places[step.network];
        // The first request, or another one: a store may be lost in the middle of what a step does there.
        step.requests(1, number).into_iter().map(move |request| {
            let event = Event::Outage { place, network: step.network, step: step.action.clone(), request };
            Point { form, story, event }
        })
    });
    outages.collect()
}
