//! The real binary over the KV engine of Vault: killed at every boundary of every flow, some of the recoveries on a server
//! that is down at first; and in trouble at its requests: the network loses one, its reply, or everything. Then `keywheel
//! resume`, and a look at everything that the server holds, from outside.
//!
//! Each point is a scene and a server of its own: the fake that is held to recorded exchanges.

mod form;
mod point;
mod stage;
mod two;

use std::panic::{AssertUnwindSafe, catch_unwind};

use keywheel_tests::{Stopwatch, at_once, crash::Table};

use crate::{form::Form, point::Point};

/// Points at once: most of the time they wait for processes.
const AT_ONCE: usize = 12;

#[test]
fn killed_or_in_trouble_anywhere_no_value_is_lost_and_resume_ends_it() {
    let watch = Stopwatch::start();
    let flows: Vec<_> = Form::ALL
        .into_iter()
        .flat_map(|form| form.stories().iter().map(move |story| (form, *story)))
        .collect();
    let mut points: Vec<Point> = at_once(AT_ONCE, &flows, |(form, story)| point::points(*form, *story))
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
    let mut table = Table::new(point::heading());
    for (point, result) in played {
        table.add(point.row(), point, result);
    }
    println!("{table}\nin {:.0?}", watch.elapsed());
    assert!(points.len() > 400, "only {} points were found", points.len());
    assert_eq!(table.broken(), 0, "an invariant was broken");
}
