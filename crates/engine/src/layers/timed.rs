//! How long one call may take.

use std::{sync::Arc, time::Duration};

use keywheel_core::{CallContext, Clock, Effect, Error, ErrorKind, Result};

use super::layer::{Layer, Layered};

/// How long one call may take before its outcome counts as unknown.
pub const CALL_TIME: Duration = Duration::from_secs(30);

/// Bounds each call in time.
///
/// # Contract
/// - A call that was not answered within [`CALL_TIME`], or by its context's deadline if that comes first, is `TimedOut`:
///   `NotApplied` if it only looks, else `MaybeApplied`, since it may have arrived all the same.
/// - A call that changes something and would begin after its deadline is `TimedOut` and `NotApplied`, and is never made.
///   A process that was stopped in between and wakes up much later must not begin an effect under the circumstances of
///   long ago.
/// - Of an answer that is there and a time that is over, the answer counts.
#[derive(Clone)]
pub struct Timed {
    clock: Arc<dyn Clock>,
}

impl Timed {
    /// Time as `clock` has it: its sleep for the limit, its wall clock for deadlines.
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock }
    }

    /// Bounds the calls to `inner`.
    pub fn around<T: ?Sized>(inner: Arc<T>, clock: Arc<dyn Clock>) -> Layered<Self, T> {
        Layered::new(Self::new(clock), inner)
    }

    async fn within<T>(
        &self,
        time: Duration,
        operation: &'static str,
        effect: Effect,
        call: impl Future<Output = Result<T>>,
    ) -> Result<T> {
        tokio::select! {
            biased;
            result = call => result,
            () = self.clock.sleep(time) => {
                let message = format!("no answer within {} s", time.as_secs());
                Err(Error { effect, ..Error::not_applied(ErrorKind::TimedOut, operation, message) })
            }
        }
    }
}

impl Layer for Timed {
    async fn look<T, F>(&self, operation: &'static str, call: impl Fn() -> F + Send + Sync) -> Result<T>
    where
        T: Send,
        F: Future<Output = Result<T>> + Send,
    {
        self.within(CALL_TIME, operation, Effect::NotApplied, call()).await
    }

    async fn change<T, F>(
        &self,
        operation: &'static str,
        context: CallContext,
        call: impl FnOnce(CallContext) -> F + Send,
    ) -> Result<T>
    where
        T: Send,
        F: Future<Output = Result<T>> + Send,
    {
        let left = context.deadline.saturating_sub(self.clock.running());
        if left.is_zero() {
            return Err(Error::not_applied(
                ErrorKind::TimedOut,
                operation,
                "its time was over before it began: this process stood still",
            ));
        }
        self.within(left.min(CALL_TIME), operation, Effect::MaybeApplied, call(context)).await
    }

    async fn write<T, F>(&self, operation: &'static str, call: impl FnOnce() -> F + Send) -> Result<T>
    where
        T: Send,
        F: Future<Output = Result<T>> + Send,
    {
        self.within(CALL_TIME, operation, Effect::MaybeApplied, call()).await
    }
}
