//! Rotators and sessions against real `PostgreSQL` servers.
#![expect(
    clippy::unwrap_used,
    reason = "what sets a test up may only fail loudly; clippy exempts the tests alone"
)]

mod alternating;
mod conformance;
mod encryption;
mod examine;
mod failures;
mod in_place;
mod network;
mod scene;
mod sessions;
mod settings;
mod speed;
