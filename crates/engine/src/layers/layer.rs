//! What happens around a call, and around what.

use std::sync::Arc;

use keywheel_core::{CallContext, Result, provider::Finding};

/// What happens around each call to a store, a target, a consumer or a journal.
///
/// # Contract
/// - A layer keeps the contract of what it wraps. It may refuse a call, give up waiting for it, or make it later; it
///   changes neither what is asked nor what is answered.
/// - A call that changes something is made once or not at all. If it was not made, or not waited for, the error's effect
///   says so: `NotApplied` if nothing was sent, else `MaybeApplied`.
/// - `operation` is the method's name, for errors and events. A layer never sees a value.
pub trait Layer: Send + Sync {
    /// A call that only looks: it changes nothing, so it may be made again.
    fn look<T, F>(
        &self,
        operation: &'static str,
        call: impl Fn() -> F + Send + Sync,
    ) -> impl Future<Output = Result<T>> + Send
    where
        T: Send,
        F: Future<Output = Result<T>> + Send;

    /// A call that may change a store, a target or a consumer, under the circumstances that it is given.
    fn change<T, F>(
        &self,
        operation: &'static str,
        context: CallContext,
        call: impl FnOnce(CallContext) -> F + Send,
    ) -> impl Future<Output = Result<T>> + Send
    where
        T: Send,
        F: Future<Output = Result<T>> + Send;

    /// A call that may change a journal.
    fn write<T, F>(
        &self,
        operation: &'static str,
        call: impl FnOnce() -> F + Send,
    ) -> impl Future<Output = Result<T>> + Send
    where
        T: Send,
        F: Future<Output = Result<T>> + Send;
}

/// `inner` with a [`Layer`] around each of its calls. Implements whatever `inner` implements of
/// [`Secret`](keywheel_core::secret::Secret), [`Rotator`](keywheel_core::rotator::Rotator),
/// [`Notifier`](keywheel_core::notifier::Notifier) and [`Journal`](keywheel_core::journal::Journal).
///
/// What asks nobody (`capabilities`, `strategy`, `next_identity`) passes through as it is.
#[derive(Debug)]
pub struct Layered<L, T: ?Sized> {
    pub(super) layer: L,
    pub(super) inner: Arc<T>,
}

impl<L, T: ?Sized> Layered<L, T> {
    /// Puts `layer` around `inner`.
    pub fn new(layer: L, inner: Arc<T>) -> Self {
        Self { layer, inner }
    }
}

/// An examination is a look whose failures are findings: one that does not end becomes one.
pub(crate) async fn examined<F>(layer: &impl Layer, examine: impl Fn() -> F + Send + Sync) -> Vec<Finding>
where
    F: Future<Output = Vec<Finding>> + Send,
{
    let call = || {
        let findings = examine();
        async { Ok(findings.await) }
    };
    layer.look("examine", call).await.unwrap_or_else(|error| {
        vec![Finding::error(error.to_string(), "see whether it can be reached from here, and answers")]
    })
}
