//! Consumers told by an HTTP call.

mod notifier;
mod settings;

pub use notifier::HttpNotifier;
pub use settings::{Body, HttpConsumer, HttpSettings, Method, ReloadSettings};
