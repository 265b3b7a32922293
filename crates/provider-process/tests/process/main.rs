//! Signals, commands and evidence against real processes.
#![expect(
    clippy::unwrap_used,
    reason = "what sets a test up may only fail loudly; clippy exempts the tests alone"
)]

mod command;
mod compose;
mod conformance;
mod evidence;
mod kinds;
mod process;
mod program;
mod scene;
mod settings;
mod signal;
mod unit;
mod value;
