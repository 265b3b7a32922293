//! Consumers told by a command.

mod capture;
mod environment;
mod hand_over;
mod line;
mod notifier;
mod run;
mod settings;
mod tell;

pub use environment::PASSED_ON;
pub(crate) use environment::about;
pub use hand_over::HandOver;
pub use line::CommandLine;
pub use notifier::CommandNotifier;
pub(crate) use run::{Outcome, Run};
pub use settings::{CommandConsumer, CommandSettings};
pub(crate) use tell::{tell, time_left};
