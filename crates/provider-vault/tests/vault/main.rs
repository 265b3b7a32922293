//! Secrets in Vault: over a fake that is held to what a real server answered, or over a real server.
//!
//! `VAULT_ADDR=http://127.0.0.1:8200 VAULT_TOKEN=… cargo test -p keywheel-provider-vault --test vault conformance` runs the
//! contract of stores over that server, each case in a mount of its own.
#![expect(
    clippy::unwrap_used,
    reason = "what sets a test up may only fail loudly; clippy exempts the tests alone"
)]

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
