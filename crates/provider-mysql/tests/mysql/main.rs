//! The provider against private servers.

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
