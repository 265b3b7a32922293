//! Everything that runs at TRACE write outside the stores, searched for every value that was ever made, in every form,
//! in pieces of 12 bytes. `cargo xtask leaks` runs all of it; the tests run a share of the points.

mod dumps;
mod encodings;
mod everything;
mod ground;
mod needles;
mod planted;
mod points;
mod values;

use std::thread;

use keywheel_tests::Stopwatch;

use crate::{everything::everything, points::every_point};

/// Set by `cargo xtask leaks`.
const ALL: &str = "KEYWHEEL_LEAKS";

/// Without it, one point of so many: a prime, so that all four points of a step take their turns.
const SHARE: usize = 19;

#[test]
fn no_value_is_found_anywhere_outside_the_stores() {
    let watch = Stopwatch::start();
    let all = std::env::var_os(ALL).is_some();
    // Side by side: one waits for consumers, the other for many short processes.
    let (first, (points, more)) = thread::scope(|scope| {
        let first = scope.spawn(everything);
        let points = every_point(if all { 1 } else { SHARE });
        (first.join().expect("every command was run, as told above"), points)
    });
    assert!(first.values >= 25, "only {} values were made", first.values);
    assert!(first.control >= 8, "the search finds only {} of the values where they are", first.control);
    assert!(points >= if all { 400 } else { 40 }, "only {points} points were found");
    assert!(more.control >= points, "the search finds only {} of the values where they are", more.control);
    let figures = first.and(more);
    println!(
        "{points} points, {} staged values in the journals, {} lines of log, {} values found in stores, in {:.0?}",
        figures.staged,
        figures.lines_of_log,
        figures.control,
        watch.elapsed()
    );
    assert!(figures.found.is_empty(), "found: {:#?}", figures.found);
    assert!(figures.staged >= points, "only {} values were staged", figures.staged);
    assert!(figures.lines_of_log > 10 * points, "only {} lines of log were searched", figures.lines_of_log);
    println!(
        "leaks: {} values, {} pieces, {} bytes in {} outputs searched, none found",
        figures.values, figures.pieces, figures.bytes, figures.outputs
    );
}
