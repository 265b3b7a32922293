//! Where a build's time comes from.

use std::sync::Arc;

/// Where this build's time comes from: the machine.
#[cfg(not(feature = "failpoints"))]
pub(crate) fn clock() -> Arc<keywheel::engine::SystemClock> {
    Arc::new(keywheel::engine::SystemClock)
}

/// Where this build's time comes from: the machine, as far off as the environment says.
#[cfg(feature = "failpoints")]
pub(crate) fn clock() -> Arc<super::shifted_clock::ShiftedClock> {
    Arc::new(super::shifted_clock::ShiftedClock::from_environment())
}
