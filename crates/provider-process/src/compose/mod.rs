//! Consumers that are services of Docker Compose.

mod notifier;
mod settings;

pub use notifier::ComposeNotifier;
pub use settings::{ComposeConsumer, ComposeSettings};
