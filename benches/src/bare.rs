//! What a program does that only changes passwords: the loop beside which keywheel is measured.

use std::{
    sync::atomic::{AtomicUsize, Ordering},
    thread,
    time::Duration,
};

use crate::measure::{Outcome, timed};

/// How long the workers take to do `work` for each number below `count`, side by side.
pub(crate) fn each<W: Send>(
    workers: &mut [W],
    count: usize,
    work: impl Fn(&mut W, usize) -> Outcome<()> + Sync,
) -> Outcome<Duration> {
    let (next, work) = (AtomicUsize::new(0), &work);
    let next = &next;
    let (time, results) = timed(|| {
        thread::scope(|scope| {
            let threads: Vec<_> = workers
                .iter_mut()
                .map(|worker| {
                    scope.spawn(move || {
                        loop {
                            let number = next.fetch_add(1, Ordering::Relaxed);
                            if number >= count {
                                return Ok::<_, String>(());
                            }
                            work(worker, number)?;
                        }
                    })
                })
                .collect();
            threads.into_iter().map(thread::ScopedJoinHandle::join).collect::<Vec<_>>()
        })
    });
    for result in results {
        result.map_err(|_| "a worker panicked".to_owned())??;
    }
    Ok(time)
}
