//! Users of real Redis servers.
#![expect(
    clippy::unwrap_used,
    reason = "what sets a test up may only fail loudly; clippy exempts the tests alone"
)]

mod conformance;
mod doctor;
mod network;
mod persistence;
mod refusals;
mod scene;
mod settings;
mod tls;
mod users;
