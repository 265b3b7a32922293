//! The provider against private servers.

#![expect(clippy::unwrap_used, reason = "what a test relies on fails the test")]

mod accounts;
mod conformance;
mod doctor;
mod network;
mod real;
mod scene;
mod server;
mod settings;
mod tls;
mod turns;
