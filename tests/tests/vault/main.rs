//! The real binary over the KV engine of Vault: killed at every boundary of every flow, some of the recoveries on a server
//! that is down at first; and in trouble at its requests: the network loses one, its reply, or everything. Then `keywheel
//! resume`, and a look at everything that the server holds, from outside.
//!
//! Each point is a scene and a KV engine of its own: on the fake that is held to recorded exchanges, and, a share of them, on
//! a real `OpenBao`. Whoever is to be down there is killed, and started again with what it has on its disk.

mod form;
mod point;
mod server;
mod stage;
mod two;

use std::panic::{AssertUnwindSafe, catch_unwind};

use keywheel_tests::{Stopwatch, at_once, crash::Table};
use keywheel_testservers::OpenBao;

use crate::{form::Form, point::Point, server::Kind};

/// Points at once: most of the time they wait for processes.
const AT_ONCE: usize = 12;

#[test]
fn killed_or_in_trouble_anywhere_no_value_is_lost_and_resume_ends_it() {
    let flows: Vec<_> = Form::ALL
        .into_iter()
        .flat_map(|form| form.stories().iter().map(move |story| (form, *story)))
        .collect();
    let mut table = Table::new(point::heading());
    for (server, least) in [(Kind::Fake, 400), (Kind::OpenBao, 40)] {
        let watch = Stopwatch::start();
        // It is shared for as long as somebody has it.
        let _kept = (server == Kind::OpenBao).then(OpenBao::shared);
        let mut points: Vec<Point> =
            at_once(AT_ONCE, &flows, |(form, story)| point::points(server, *form, *story))
                .into_iter()
                .flatten()
                .collect();
        // Those that wait for a deadline first: they are the long ones.
        points.sort_by_key(|point| !point.is_long());
        let results = at_once(AT_ONCE, &points, |point| {
            catch_unwind(AssertUnwindSafe(|| point.play()))
                .unwrap_or_else(|_| Err("the harness itself failed, as told above".to_owned()))
        });
        let mut played: Vec<_> = points.iter().zip(&results).collect();
        played.sort_by_key(|(point, _)| point.place());
        for (point, result) in played {
            table.add(point.row(), point, result);
        }
        println!("{} points on {server} in {:.0?}", points.len(), watch.elapsed());
        assert!(points.len() > least, "only {} points were found on {server}", points.len());
    }
    println!("{table}");
    assert_eq!(table.broken(), 0, "an invariant was broken");
}
