//! Users of real `RabbitMQ` servers.
#![expect(
    clippy::unwrap_used,
    reason = "what sets a test up may only fail loudly; clippy exempts the tests alone"
)]

mod conformance;
mod doctor;
mod network;
mod scene;
mod settings;
mod tls;
mod turns;
mod users;
