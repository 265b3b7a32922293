//! Time as the engine sees it.

use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;

/// Wall-clock time, running time and sleep, so that a simulator can own them.
///
/// # Contract
/// - `now` is wall-clock time in UTC; it may jump in either direction. Nothing durable may rely on it going forward:
///   the state machine measures from recorded times and never lets a jump back undo one.
/// - `running` never jumps, and goes on while the process, or the whole machine, is stopped.
/// - `sleep` returns after at least `duration` of running time.
#[async_trait]
pub trait Clock: Send + Sync {
    /// The current instant.
    fn now(&self) -> Timestamp;

    /// The time that has passed since some moment that stays the same for this process.
    fn running(&self) -> Duration;

    /// Waits without holding a thread.
    async fn sleep(&self, duration: Duration);
}
