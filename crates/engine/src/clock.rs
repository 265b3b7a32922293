//! The machine's clocks. The only place in the workspace that reads them.

use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use keywheel_core::Clock;
use rustix::time::{ClockId, clock_gettime};

/// Wall-clock time of this machine, the time since it was booted, sleep by the tokio runtime.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

#[async_trait]
impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is where time comes from")]
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    fn running(&self) -> Duration {
        // Not the monotonic clock of the standard library: that one stands still while the machine is suspended.
        let time = clock_gettime(ClockId::Boottime);
        Duration::try_from(time).unwrap_or_default()
    }

    #[expect(clippy::disallowed_methods, reason = "this is where sleep comes from")]
    async fn sleep(&self, duration: Duration) {
        tokio::time::sleep(duration).await;
    }
}
