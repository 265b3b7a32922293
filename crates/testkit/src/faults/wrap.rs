//! The decorator; each trait that it forwards has a file of its own.

use std::sync::Arc;

use super::plan::FaultPlan;

/// Something real, with the faults of a plan in front of it.
///
/// Every asynchronous call but `examine` is counted by the plan. Several decorators share one plan, so that "the
/// seventh call" means the seventh of the whole run.
#[derive(Debug)]
pub struct Faulty<T: ?Sized> {
    pub(super) inner: Arc<T>,
    pub(super) plan: FaultPlan,
    pub(super) label: Arc<str>,
}

impl<T: ?Sized> Faulty<T> {
    /// Puts `plan` in front of `inner`; the plan's list of calls names it `label`.
    pub fn new(inner: Arc<T>, plan: FaultPlan, label: &str) -> Self {
        Self { inner, plan, label: label.into() }
    }
}

impl<T: ?Sized> Clone for Faulty<T> {
    fn clone(&self) -> Self {
        Self { inner: Arc::clone(&self.inner), plan: self.plan.clone(), label: Arc::clone(&self.label) }
    }
}
