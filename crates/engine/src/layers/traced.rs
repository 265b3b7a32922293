//! What each call came to, for whoever reads the log.

use std::sync::Arc;

use keywheel_core::{CallContext, Clock, Effect, Error, Result};

use super::layer::{Layer, Layered};

/// Leaves one event for each call, when it has ended: `on` (the label), `operation`, `milliseconds`, and for a failure its
/// `kind` and whether something `may_be_applied`. Failures at the level of debugging, the rest below it.
///
/// # Contract
/// - What is asked and answered passes through unchanged.
/// - No event holds an argument, an answer or the text of an error: nothing from which a value could be read.
#[derive(Clone)]
pub struct Traced {
    clock: Arc<dyn Clock>,
    label: Arc<str>,
}

impl Traced {
    /// Events that name the calls' receiver `label`.
    pub fn new(clock: Arc<dyn Clock>, label: &str) -> Self {
        Self { clock, label: label.into() }
    }

    /// Leaves events of the calls to `inner`, named `label`.
    pub fn around<T: ?Sized>(inner: Arc<T>, clock: Arc<dyn Clock>, label: &str) -> Layered<Self, T> {
        Layered::new(Self::new(clock, label), inner)
    }

    async fn told<T>(&self, operation: &'static str, call: impl Future<Output = Result<T>>) -> Result<T> {
        let began = self.clock.now();
        let result = call.await;
        // By the wall clock, as everything here: a clock that was set meanwhile shows in no more than this number.
        let milliseconds = self.clock.now().duration_since(began).as_millis();
        let on = &*self.label;
        match &result {
            Ok(_) => tracing::trace!(on, operation, %milliseconds, "call"),
            Err(Error { kind, effect, .. }) => {
                let may_be_applied = *effect == Effect::MaybeApplied;
                tracing::debug!(on, operation, %milliseconds, %kind, may_be_applied, "call failed");
            }
        }
        result
    }
}

impl Layer for Traced {
    async fn look<T, F>(&self, operation: &'static str, call: impl Fn() -> F + Send + Sync) -> Result<T>
    where
        T: Send,
        F: Future<Output = Result<T>> + Send,
    {
        self.told(operation, call()).await
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
        self.told(operation, call(context)).await
    }

    async fn write<T, F>(&self, operation: &'static str, call: impl FnOnce() -> F + Send) -> Result<T>
    where
        T: Send,
        F: Future<Output = Result<T>> + Send,
    {
        self.told(operation, call()).await
    }
}
