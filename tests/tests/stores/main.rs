//! The real binary over stores that are services, killed at every boundary of every flow; then `keywheel resume`, and a look
//! from outside, with nothing of keywheel's own. Where one secret is in a file and in every service, each of the services
//! in turn cannot be reached while keywheel lives, from within each step that asks it, and is there again before `resume`.
//!
//! Each point is a scene and a secret of its own. After the kill every store shows a whole value, the old one or the one that
//! was made; in the end all of them show the same one, `verify` says so, and nothing of the other is left that anybody could
//! ask for.

mod aws;
mod form;
mod front;
mod point;
mod server;
mod stage;
mod throttled;

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    thread,
};

use keywheel_tests::{
    Stopwatch, at_once,
    crash::{Recovered, Table},
};
use keywheel_testservers::Moto;
use rstest::rstest;

use crate::{
    form::Form,
    point::{Point, heading, points},
};

/// Points at once: the stand-in for AWS answers one request after the other.
const AT_ONCE: usize = 3;

/// Outages at once: most of the time they wait for keywheel to give up.
const WAITING_AT_ONCE: usize = 8;

#[rstest]
#[case::aws(&Form::AWS, 3, 70)]
#[case::fan_out(Form::fan_out(), 7, 80)]
fn killed_or_out_of_reach_anywhere_every_store_shows_a_whole_value_and_resume_ends_it(
    #[case] forms: &[Form],
    #[case] share: usize,
    #[case] least: usize,
) {
    let watch = Stopwatch::start();
    let moto = Moto::start();
    let flows: Vec<_> = forms.iter().flat_map(|form| point::KILLED.map(|story| (*form, story))).collect();
    let points: Vec<Point> =
        at_once(AT_ONCE, &flows, |(form, story)| points(moto.port(), *form, *story, share))
            .into_iter()
            .flatten()
            .collect();
    let (outages, kills): (Vec<_>, Vec<_>) = points.into_iter().partition(Point::is_outage);
    let results = thread::scope(|scope| {
        let outages = scope.spawn(|| at_once(WAITING_AT_ONCE, &outages, |point| play(point, moto.port())));
        let kills = at_once(AT_ONCE, &kills, |point| play(point, moto.port()));
        [kills, outages.join().expect("played")].concat()
    });
    let mut played: Vec<_> = kills.iter().chain(&outages).zip(&results).collect();
    played.sort_by_key(|(point, _)| point.place());
    let mut table = Table::new(heading());
    for (point, result) in &played {
        table.add(point.row(), point, result);
    }
    println!("{table}\nin {:.0?}", watch.elapsed());
    assert!(played.len() > least, "only {} points were found", played.len());
    assert_eq!(table.broken(), 0, "an invariant was broken");
}

fn play(point: &Point, moto: u16) -> Result<Recovered, String> {
    catch_unwind(AssertUnwindSafe(|| point.play(moto)))
        .unwrap_or_else(|_| Err("the harness itself failed, as told above".to_owned()))
}
