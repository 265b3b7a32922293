//! Time, for tests that watch real processes.

use std::{
    thread,
    time::{Duration, Instant},
};

/// Long enough for a busy machine; a test that waits this long has failed.
const LONGEST: Duration = Duration::from_secs(30);

/// How long something takes.
pub struct Stopwatch(Instant);

impl Stopwatch {
    /// Starts now.
    #[expect(clippy::disallowed_methods, reason = "real processes are timed here")]
    pub fn start() -> Self {
        Self(Instant::now())
    }

    /// Since the start.
    pub fn elapsed(&self) -> Duration {
        self.0.elapsed()
    }
}

/// A moment.
#[expect(clippy::disallowed_methods, reason = "waits for real processes")]
pub fn pause(time: Duration) {
    thread::sleep(time);
}

/// Looks again and again until there is something to see.
///
/// # Panics
/// When nothing comes: `what` is what was waited for.
pub fn until<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let watch = Stopwatch::start();
    loop {
        if let Some(seen) = look() {
            return seen;
        }
        assert!(watch.elapsed() < LONGEST, "waited {LONGEST:?} for {what}");
        pause(Duration::from_millis(2));
    }
}
