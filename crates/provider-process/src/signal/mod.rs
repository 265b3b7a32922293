//! Consumers told by a signal.

mod name;
mod notifier;
mod pid_file;
mod process;
mod recipient;
mod settings;
mod target;

pub use name::SignalName;
pub use notifier::SignalNotifier;
pub use settings::{SignalConsumer, SignalSettings};
pub use target::SignalTarget;
