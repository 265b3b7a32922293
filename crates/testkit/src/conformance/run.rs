//! Runs one case.

use std::fmt;

/// Runs one case over one fresh fixture, on a runtime of two threads, so that a reader and a writer really overlap.
pub fn run<F, M, C>(make: impl FnOnce() -> M, case: impl FnOnce(F) -> C)
where
    M: Future<Output = F>,
    C: Future<Output = ()>,
{
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("a runtime starts")
        .block_on(async { case(make().await).await });
}

/// Says why a case shows nothing for this implementation.
pub(super) fn skipped(missing: impl fmt::Display) {
    println!("skipped: {missing}");
}
