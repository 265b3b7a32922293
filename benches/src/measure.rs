//! Time, memory, and what is made of them.

use std::{
    fs,
    time::{Duration, Instant},
};

/// What a benchmark ends in.
pub(crate) enum Verdict {
    /// A figure for another process to compare.
    Measured,
    /// Every ratio is within its limit.
    Within,
    /// This one is not.
    Beyond(String),
}

/// The result of a benchmark.
pub(crate) type Outcome<T = Verdict> = Result<T, String>;

/// How long `work` takes.
pub(crate) fn timed<T>(work: impl FnOnce() -> T) -> (Duration, T) {
    #[expect(clippy::disallowed_methods, reason = "a benchmark measures real time")]
    let start = Instant::now();
    let result = work();
    (start.elapsed(), result)
}

/// The most memory that this process ever held, in bytes.
pub(crate) fn peak_memory() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or("0 kB");
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap_or(0) * 1024
}

/// Words for any error.
pub(crate) fn words(error: impl std::fmt::Display) -> String {
    error.to_string()
}

/// In mebibytes, for people.
#[expect(clippy::cast_precision_loss, reason = "a figure for people")]
pub(crate) fn mib(bytes: u64) -> f64 {
    bytes as f64 / (1024.0 * 1024.0)
}

/// In milliseconds, for people.
pub(crate) fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}

/// How many of `count` fell on a second.
pub(crate) fn per_second(count: usize, time: Duration) -> f64 {
    f64::from(u32::try_from(count).unwrap_or(u32::MAX)) / time.as_secs_f64()
}
