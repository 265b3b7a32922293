//! Secrets in `OpenBao`: a real server, which the tests of this process share. Each has a mount of its own there, or, where
//! it shuts the server down, a server of its own.
#![expect(
    clippy::unwrap_used,
    reason = "what sets a test up may only fail loudly; clippy exempts the tests alone"
)]

mod conformance;
mod doctor;
mod documents;
mod ground;
mod logins;
mod recorded;
#[path = "../common/scene.rs"]
mod scene;
mod trouble;
