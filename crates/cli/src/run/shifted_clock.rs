//! A clock that is off by what `KEYWHEEL_CLOCK_OFFSET` says, in seconds: how the end-to-end tests set a clock back.

use std::time::Duration;

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use keywheel::{core::Clock, engine::SystemClock};

/// The machine's clock, off by a fixed time.
pub(crate) struct ShiftedClock(SignedDuration);

impl ShiftedClock {
    /// As the environment says; not off without a word from it.
    pub(crate) fn from_environment() -> Self {
        let seconds = std::env::var("KEYWHEEL_CLOCK_OFFSET").ok().and_then(|text| text.parse().ok());
        Self(SignedDuration::from_secs(seconds.unwrap_or(0)))
    }
}

#[async_trait]
impl Clock for ShiftedClock {
    fn now(&self) -> Timestamp {
        let now = SystemClock.now();
        now.checked_add(self.0).unwrap_or(now)
    }

    fn running(&self) -> Duration {
        SystemClock.running()
    }

    async fn sleep(&self, duration: Duration) {
        SystemClock.sleep(duration).await;
    }
}
