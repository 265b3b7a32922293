//! Looks that failed for a passing reason are made again.

use std::{
    hash::{DefaultHasher, Hash, Hasher},
    sync::Arc,
    time::Duration,
};

use backon::{BackoffBuilder, ExponentialBuilder};
use keywheel_core::{CallContext, Clock, Effect, Error, ErrorKind, Result};

use super::layer::{Layer, Layered};

const TRIES: usize = 3;
const FIRST_WAIT: Duration = Duration::from_millis(100);

/// No further try begins when the first one is this long ago: what takes long to say no is not asked three times.
const PATIENCE: Duration = Duration::from_secs(5);

/// Makes looks again that failed for a passing reason.
///
/// # Contract
/// - A look (`versions`, `read`, `probe`, `list`, `adopted`, whatever reads a journal) that is refused as `Unavailable` or
///   `RateLimited`, `NotApplied`, is made up to three times, and not after 5 s: after 0.1 to 0.2 s, and after 0.2 to 0.4 s
///   more. Those that were refused together do not come back together. The last answer counts.
/// - One that was given up (`TimedOut`) is not made again: a store that hangs would cost its time limit each time.
/// - A call that changes something goes through exactly once. Whether it is repeated is decided by the rotation's state
///   machine, which writes its intent down first. So do `acquire`, `release`, `append` and `set_note` of a journal.
#[derive(Clone)]
pub struct Retrying {
    clock: Arc<dyn Clock>,
}

impl Retrying {
    /// Waits as `clock` has it.
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock }
    }

    /// Makes looks at `inner` again.
    pub fn around<T: ?Sized>(inner: Arc<T>, clock: Arc<dyn Clock>) -> Layered<Self, T> {
        Layered::new(Self::new(clock), inner)
    }
}

impl Retrying {
    /// Another one for each look, and the same for one that is played again on the same clock.
    fn seed(&self, operation: &str) -> u64 {
        let mut hasher = DefaultHasher::new();
        (self.clock.running(), operation).hash(&mut hasher);
        hasher.finish()
    }
}

fn passes(error: &Error) -> bool {
    matches!(error.kind, ErrorKind::Unavailable | ErrorKind::RateLimited)
        && error.effect == Effect::NotApplied
}

impl Layer for Retrying {
    async fn look<T, F>(&self, operation: &'static str, call: impl Fn() -> F + Send + Sync) -> Result<T>
    where
        T: Send,
        F: Future<Output = Result<T>> + Send,
    {
        let began = self.clock.now();
        let waits = ExponentialBuilder::default()
            .with_min_delay(FIRST_WAIT)
            .with_max_times(TRIES - 1)
            .with_jitter()
            .with_jitter_seed(self.seed(operation));
        for wait in waits.build() {
            let error = match call().await {
                Ok(answer) => return Ok(answer),
                Err(error) => error,
            };
            let took = self.clock.now().duration_since(began).unsigned_abs();
            if !passes(&error) || took > PATIENCE {
                return Err(error);
            }
            tracing::debug!(operation, kind = %error.kind, ?wait, "a look failed and is made again");
            self.clock.sleep(wait).await;
        }
        call().await
    }

    async fn change<T, F>(
        &self,
        _operation: &'static str,
        context: CallContext,
        call: impl FnOnce(CallContext) -> F + Send,
    ) -> Result<T>
    where
        T: Send,
        F: Future<Output = Result<T>> + Send,
    {
        call(context).await
    }

    async fn write<T, F>(&self, _operation: &'static str, call: impl FnOnce() -> F + Send) -> Result<T>
    where
        T: Send,
        F: Future<Output = Result<T>> + Send,
    {
        call().await
    }
}
