//! Consumers that are units of systemd.

mod name;
mod notifier;

pub use name::{UnitAction, UnitName};
pub use notifier::UnitNotifier;
