//! Signals, commands and evidence against real processes.
#![expect(
    clippy::unwrap_used,
    reason = "what sets a test up may only fail loudly; clippy exempts the tests alone"
)]

mod command;
mod conformance;
mod evidence;
mod kinds;
mod process;
mod scene;
mod settings;
mod signal;
