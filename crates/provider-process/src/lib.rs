//! Consumers that run on this machine: told by a signal or a command, watched through a file or a command.
//!
//! | kind | `notify` | settings |
//! |---|---|---|
//! | `signal` | signals the process in a pid file or all of a name; reloads a unit of systemd | [`SignalSettings`] |
//! | `command` | runs a program without a shell, and may hand it the value | [`CommandSettings`] |
//! | `compose` | makes containers of Docker Compose anew | [`ComposeSettings`] |
//!
//! All look for [`Evidence`] that the consumer moved. Processes are read from `/proc` and held by pidfds, so signals
//! need Linux 5.3 or newer. Everything here needs a Tokio runtime with I/O enabled.

mod command;
mod compose;
mod evidence;
mod inventory_path;
mod kinds;
mod refusal;
mod signal;
mod unit;

pub use command::{CommandConsumer, CommandLine, CommandNotifier, CommandSettings, HandOver, PASSED_ON};
pub use compose::{ComposeConsumer, ComposeNotifier, ComposeSettings};
pub use evidence::{
    CommandEvidence, Evidence, EvidenceSettings, FileEvidence, FileEvidenceSettings, Pointer,
};
pub use inventory_path::InventoryPath;
pub use kinds::kinds;
pub use signal::{SignalConsumer, SignalName, SignalNotifier, SignalSettings, SignalTarget};
pub use unit::{UnitAction, UnitName, UnitNotifier};
