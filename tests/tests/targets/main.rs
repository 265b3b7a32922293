//! The real binary against real servers, killed at every boundary of every flow; then `keywheel resume`, and a look from
//! outside: a login with every value that is durable anywhere, by means of the server's own.
//!
//! Each point is a scene and a user of its own on one server. After the kill some durable version must log in, with a
//! strategy that keeps the old credential the current one; in the end the current one must, and no other.

mod mariadb;
mod play;
mod postgres;
mod redis;
mod server;
mod story;
mod table;

use std::panic::{AssertUnwindSafe, catch_unwind};

use keywheel_tests::{Stopwatch, at_once};
use rstest::rstest;

use crate::{
    play::{Point, boundaries, play},
    server::Server,
    story::Story,
    table::Table,
};

/// Points at once: most of the time they wait for disks and servers.
const AT_ONCE: usize = 4;

#[rstest]
#[case::mariadb(&mariadb::start)]
#[case::postgres(&postgres::start)]
#[case::redis(&redis::start)]
fn killed_at_any_boundary_nobody_is_locked_out_and_resume_ends_it(
    #[case] start: &dyn Fn() -> Box<dyn Server>,
) {
    let watch = Stopwatch::start();
    let server = start();
    let server = server.as_ref();
    let stories: Vec<_> = server
        .strategies()
        .iter()
        .flat_map(|strategy| Story::ALL.into_iter().map(move |story| (*strategy, story)))
        .collect();
    let points: Vec<Point> =
        at_once(AT_ONCE, &stories, |(strategy, story)| boundaries(server, *strategy, *story)).concat();
    let results = at_once(AT_ONCE, &points, |point| {
        catch_unwind(AssertUnwindSafe(|| play(server, point)))
            .unwrap_or_else(|_| Err("the harness itself failed, as told above".to_owned()))
    });
    let table = Table::new(server.name(), &points, &results);
    println!("{table}\nin {:.0?}", watch.elapsed());
    assert!(points.len() > 50 * server.strategies().len(), "only {} points were found", points.len());
    assert_eq!(table.broken(), 0, "a kill broke an invariant");
}
