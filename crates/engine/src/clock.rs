//! The machine's clock. The only place in the workspace that reads it.

use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use keywheel_core::Clock;

/// Wall-clock time of this machine, sleep by the tokio runtime.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

#[async_trait]
impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is where time comes from")]
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    #[expect(clippy::disallowed_methods, reason = "this is where sleep comes from")]
    async fn sleep(&self, duration: Duration) {
        tokio::time::sleep(duration).await;
    }
}
