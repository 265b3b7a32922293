//! The real binary, killed at every boundary of every flow; then `keywheel resume`, and a look from outside.
//!
//! Each point is a scene of its own: a fresh directory and a running consumer. After the kill no version that the
//! consumer uses may be lost and no store may show anything but a whole value; after `resume` nothing may be left.

mod form;
mod play;
mod story;
mod table;

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use keywheel_tests::Stopwatch;

use crate::{
    form::Form,
    play::{Point, boundaries, play},
    story::Story,
    table::Table,
};

/// Points at once: most of the time they wait for disks and deadlines.
const AT_ONCE: usize = 6;

#[test]
fn killed_at_any_boundary_nobody_is_locked_out_and_resume_ends_it() {
    let watch = Stopwatch::start();
    let stories: Vec<_> = Form::ALL
        .into_iter()
        .flat_map(|form| Story::ALL.into_iter().map(move |story| (form, story)))
        .collect();
    let mut points: Vec<Point> =
        at_once(&stories, |(form, story)| boundaries(*form, *story)).into_iter().flatten().collect();
    // Those that wait for a deadline first: they are the long ones.
    points.sort_by_key(|point| point.story != Story::DeadlinePassed);
    let results = at_once(&points, |point| {
        catch_unwind(AssertUnwindSafe(|| play(point)))
            .unwrap_or_else(|_| Err("the harness itself failed, as told above".to_owned()))
    });
    let table = Table::new(&points, &results);
    println!("{table}\nin {:.0?}", watch.elapsed());
    assert!(points.len() > 500, "only {} points were found", points.len());
    assert_eq!(table.broken(), 0, "a kill broke an invariant");
}

/// `work` on each of `items`, several at once; the results in the order of the items.
fn at_once<T: Sync, R: Send>(items: &[T], work: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let next = AtomicUsize::new(0);
    let results = Mutex::new(Vec::with_capacity(items.len()));
    std::thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                while let Some((number, item)) = Some(next.fetch_add(1, Ordering::Relaxed))
                    .and_then(|number| Some((number, items.get(number)?)))
                {
                    let result = work(item);
                    results.lock().expect("no worker panics with it").push((number, result));
                }
            });
        }
    });
    let mut results = results.into_inner().expect("no worker panics with it");
    results.sort_by_key(|(number, _)| *number);
    results.into_iter().map(|(_, result)| result).collect()
}
