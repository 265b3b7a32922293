//! Calls, evidence and messages against real HTTP servers on loopback.
#![expect(
    clippy::unwrap_used,
    reason = "what sets a test up may only fail loudly; clippy exempts the tests alone"
)]

mod conformance;
mod evidence;
mod kinds;
mod messages;
mod reload;
mod scene;
mod server;
mod tls;
