//! The real binary, killed at every boundary of every flow; then `keywheel resume`, and a look from outside.
//!
//! Each point is a scene of its own: a fresh directory and a running consumer. After the kill no version that the
//! consumer uses may be lost and no store may show anything but a whole value; after `resume` nothing may be left.

mod form;
mod play;

use std::panic::{AssertUnwindSafe, catch_unwind};

use keywheel_tests::{
    Stopwatch, at_once,
    crash::{Story, Table},
};

use crate::{
    form::Form,
    play::{Point, boundaries, play},
};

/// Points at once: most of the time they wait for disks and deadlines.
const AT_ONCE: usize = 6;

#[test]
fn killed_at_any_boundary_nobody_is_locked_out_and_resume_ends_it() {
    let watch = Stopwatch::start();
    let stories: Vec<_> =
        Form::ALL.into_iter().flat_map(|form| Story::ALL.map(|story| (form, story))).collect();
    let mut points: Vec<Point> =
        at_once(AT_ONCE, &stories, |(form, story)| boundaries(*form, *story)).into_iter().flatten().collect();
    // Those that wait for a deadline first: they are the long ones.
    points.sort_by_key(|point| point.story != Story::DeadlinePassed);
    let results = at_once(AT_ONCE, &points, |point| {
        catch_unwind(AssertUnwindSafe(|| play(point)))
            .unwrap_or_else(|_| Err("the harness itself failed, as told above".to_owned()))
    });
    let mut played: Vec<_> = points.iter().zip(&results).collect();
    played.sort_by_key(|(point, _)| (point.form, point.story));
    let mut table = Table::new(format!("{:<15} {:<26}", "secret", "flow"));
    for (point, result) in played {
        table.add(format!("{:<15} {:<26}", point.form, point.story), point, result);
    }
    println!("{table}\nin {:.0?}", watch.elapsed());
    assert!(points.len() > 500, "only {} points were found", points.len());
    assert_eq!(table.broken(), 0, "a kill broke an invariant");
}
