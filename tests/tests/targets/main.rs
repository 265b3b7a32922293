//! The real binary against real servers, killed at every boundary of every flow, and in trouble at its requests: the network
//! loses one, its reply, or everything, and the server is killed and started again. Then `keywheel resume`, and a look from
//! outside: a login with every value that is durable anywhere, by means of the server's own.
//!
//! Each point is a scene and a user of its own. After the kill, and in the middle of the trouble, some durable version must log
//! in, with a strategy that keeps the old credential the current one; in the end the current one must, and no other. Then
//! everything that the server has written down is searched for every value.

mod iam;
mod mariadb;
mod play;
mod postgres;
mod rabbitmq;
mod redis;
mod server;
mod stage;
mod trouble;

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    thread,
};

use keywheel_tests::{
    Stopwatch, at_once,
    crash::{Recovered, Table},
};
use rstest::rstest;

use crate::{
    play::{Point, heading, points},
    server::Server,
    stage::Ground,
};

/// Points at once: most of the time they wait for disks and servers, or for a deadline.
const AT_ONCE: usize = 6;
const WAITING_AT_ONCE: usize = 24;

/// So many points in a hundred may find fewer requests than there were when they were counted.
const MISSED: usize = 5;

#[rstest]
#[case::iam(&iam::start)]
#[case::mariadb(&mariadb::start)]
#[case::postgres(&postgres::start)]
#[case::rabbitmq(&rabbitmq::start)]
#[case::redis(&redis::start)]
fn killed_or_in_trouble_anywhere_nobody_is_locked_out_and_resume_ends_it(
    #[case] start: &(dyn Fn() -> Box<dyn Server> + Sync),
) {
    let watch = Stopwatch::start();
    let ground = Ground::new(start());
    let server = ground.server.as_ref();
    let flows: Vec<_> = server
        .strategies()
        .iter()
        .flat_map(|strategy| strategy.killed().iter().map(move |story| (*strategy, *story)))
        .collect();
    let points = at_once(AT_ONCE, &flows, |(strategy, story)| points(&ground, *strategy, *story));
    let (restarts, others): (Vec<_>, Vec<_>) = points.into_iter().flatten().partition(Point::restarts);
    let (long, short): (Vec<_>, Vec<_>) = others.into_iter().partition(Point::is_long);
    // Started before there is anything else to do: while all else is played, a server may need minutes.
    let restarted = Ground::new(start());
    let (results, mut found) = thread::scope(|scope| {
        let restarts = scope.spawn(|| {
            // One after the other, on a server that nobody else uses.
            let results = at_once(1, &restarts, |point| play(point, &restarted));
            (results, search(&restarted))
        });
        let long = scope.spawn(|| at_once(WAITING_AT_ONCE, &long, |point| play(point, &ground)));
        let short = at_once(AT_ONCE, &short, |point| play(point, &ground));
        let (restarts, found) = restarts.join().expect("played and searched");
        ([short, long.join().expect("played"), restarts].concat(), found)
    });
    found.extend(search(&ground));
    let points = [short, long, restarts].into_iter().flatten();
    let mut played: Vec<_> = points.zip(results).collect();
    played.sort_by_key(|(point, _)| point.place());
    let mut table = Table::new(heading());
    let mut missed = 0;
    for (point, result) in &played {
        match result.clone().transpose() {
            Some(result) => table.add(point.row(server.name()), point, &result),
            None => missed += 1,
        }
    }
    println!("{table}\nin {:.0?}; {missed} points missed their request", watch.elapsed());
    let least: usize = server.strategies().iter().map(|strategy| strategy.least()).sum();
    assert!(table.points() > least, "only {} points were found", table.points());
    assert!(missed * 100 <= MISSED * played.len(), "{missed} points missed their request");
    assert_eq!(table.broken(), 0, "an invariant was broken");
    assert!(found.is_empty(), "{} has written down {found:?}", server.name());
}

fn play(point: &Point, ground: &Ground) -> Result<Option<Recovered>, String> {
    catch_unwind(AssertUnwindSafe(|| point.play(ground)))
        .unwrap_or_else(|_| Err("the harness itself failed, as told above".to_owned()))
}

/// The values that the server has written down.
fn search(ground: &Ground) -> Vec<String> {
    let (values, found) = ground.written_values();
    println!("{}: {values} passwords, {} of them written down by it", ground.server.name(), found.len());
    found
}
