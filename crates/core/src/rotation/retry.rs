//! How long to wait before the same action is tried again, and when to stop trying.

use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBuilder};
use serde::{Deserialize, Serialize};

use crate::id::RotationId;

/// Patience with a failing call.
///
/// Before anything was promoted, `attempts` tries are made and then the rotation is undone: nobody uses the new value
/// yet, so going back is cheap. Afterwards the engine keeps trying, ever more slowly, for as long as it takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct RetryPolicy {
    /// Tries of one action before the first promote, the first one included.
    pub attempts: u32,
    /// The first wait, in milliseconds.
    pub first_wait_ms: u64,
    /// The longest wait, in milliseconds.
    pub longest_wait_ms: u64,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self { attempts: 4, first_wait_ms: 200, longest_wait_ms: 15 * 60 * 1000 }
    }
}

impl RetryPolicy {
    /// The wait after the `failures`-th failure in a row of one action.
    ///
    /// The jitter is derived from the rotation: a resumed run computes the same wait as the run that died, and a
    /// thousand rotations that failed together do not come back together.
    pub fn wait(&self, failures: u32, rotation: RotationId) -> Duration {
        let seed = rotation.as_bytes().iter().fold(u64::from(failures), |seed, byte| {
            seed.wrapping_mul(0x0100_0000_01b3).wrapping_add(u64::from(*byte))
        });
        let longest = Duration::from_millis(self.longest_wait_ms);
        ExponentialBuilder::default()
            .with_min_delay(Duration::from_millis(self.first_wait_ms))
            .with_max_delay(longest)
            .with_factor(2.0)
            .without_max_times()
            .with_jitter()
            .with_jitter_seed(seed)
            .build()
            .nth(usize::try_from(failures.saturating_sub(1)).unwrap_or(usize::MAX).min(64))
            .unwrap_or(longest)
            // The jitter is added behind the cap.
            .min(longest)
    }
}
