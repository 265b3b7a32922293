//! Secrets in Vault, over a fake that is held to what a real server answered, and that can be in every trouble. The real
//! server is the test `openbao`.
#![expect(
    clippy::unwrap_used,
    reason = "what sets a test up may only fail loudly; clippy exempts the tests alone"
)]

mod answers;
mod auth;
mod conformance;
mod doctor;
mod documents;
mod faults;
mod replay;
mod rotations;
mod scene;
mod settings;
mod tls;
