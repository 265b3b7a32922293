//! The rotation function against a stand-in for Secrets Manager and real databases.
#![expect(
    clippy::unwrap_used,
    reason = "what sets a test up may only fail loudly; clippy exempts the tests alone"
)]

mod alternating;
mod answers;
mod binary;
mod lambda;
mod mariadb;
mod network;
mod order;
mod recovery;
mod refusals;
mod scene;
mod service;
