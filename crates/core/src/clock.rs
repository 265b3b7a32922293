//! Time as the engine sees it.

use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;

/// Wall-clock time and sleep, so that a simulator can own both.
///
/// # Contract
/// - `now` is wall-clock time in UTC; it may jump in either direction. Nothing durable may rely on it going forward:
///   the state machine measures from recorded times and never lets a jump back undo one.
/// - `sleep` returns after at least `duration` of running time.
#[async_trait]
pub trait Clock: Send + Sync {
    /// The current instant.
    fn now(&self) -> Timestamp;

    /// Waits without holding a thread.
    async fn sleep(&self, duration: Duration);
}
