//! The real binary over stores that are services, killed at every boundary of every flow; then `keywheel resume`, and a look
//! from outside, with nothing of keywheel's own. The service lives on.
//!
//! Each point is a scene and a secret of its own. After the kill every store shows a whole value, the old one or the one that
//! was made; in the end all of them show the same one, and nothing of the other is left that anybody could ask for.

mod aws;
mod stage;

use std::{
    fmt,
    panic::{AssertUnwindSafe, catch_unwind},
};

use keywheel_tests::{
    Stopwatch, at_once,
    crash::{self, Recovered, Spot, Story, Table},
};
use keywheel_testservers::Moto;

use crate::stage::{Form, Stage};

/// Points at once: the stand-in answers one request after the other.
const AT_ONCE: usize = 3;

/// There is no consumer whose deadline could pass.
const STORIES: [Story; 4] =
    [Story::Forwards, Story::ForwardsWithOverlap, Story::RolledBackByHand, Story::RolledBackAfterTheKill];

struct Point {
    form: Form,
    story: Story,
    spot: Spot,
}

impl fmt::Display for Point {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { form, story, spot } = self;
        write!(f, "{form}, {story}, {spot}")
    }
}

#[test]
fn killed_at_any_boundary_every_store_shows_a_whole_value_and_resume_ends_it() {
    let watch = Stopwatch::start();
    let moto = Moto::start();
    let flows: Vec<_> = Form::ALL.into_iter().flat_map(|form| STORIES.map(|story| (form, story))).collect();
    let points: Vec<Point> = at_once(AT_ONCE, &flows, |(form, story)| {
        let spots = crash::boundaries(&mut Stage::set(moto.port(), *form, *story));
        spots.into_iter().map(|spot| Point { form: *form, story: *story, spot }).collect::<Vec<_>>()
    })
    .into_iter()
    .flatten()
    .collect();
    let results = at_once(AT_ONCE, &points, |point| play(point, moto.port()));
    let mut table = Table::new(format!("{:<34} {:<26}", "stores", "flow"));
    for (point, result) in points.iter().zip(&results) {
        table.add(format!("{:<34} {:<26}", point.form, point.story), point, result);
    }
    println!("{table}\nin {:.0?}", watch.elapsed());
    assert!(points.len() > 200, "only {} points were found", points.len());
    assert_eq!(table.broken(), 0, "a kill broke an invariant");
}

fn play(point: &Point, port: u16) -> Result<Recovered, String> {
    catch_unwind(AssertUnwindSafe(|| {
        crash::kill(&mut Stage::set(port, point.form, point.story), &point.spot)
    }))
    .unwrap_or_else(|_| Err("the harness itself failed, as told above".to_owned()))
}
