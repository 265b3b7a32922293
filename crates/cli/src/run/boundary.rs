//! Where a build may die.

use std::sync::Arc;

/// Where this build may die: nowhere.
#[cfg(not(feature = "failpoints"))]
pub(crate) fn boundary() -> Arc<keywheel::engine::NoBoundary> {
    Arc::new(keywheel::engine::NoBoundary)
}

/// Where this build may die: where the environment says.
#[cfg(feature = "failpoints")]
pub(crate) fn boundary() -> Arc<super::failpoints::Failpoints> {
    Arc::new(super::failpoints::Failpoints::from_environment())
}
