//! Times for people.

use jiff::Timestamp;
use keywheel::core::{Clock, plan::Moment};

use crate::run;

/// The current time.
pub(crate) fn now() -> Timestamp {
    run::clock().now()
}

/// A time and how far it is from now.
pub(crate) fn moment(at: Timestamp) -> String {
    Moment { at, now: now() }.to_string()
}
