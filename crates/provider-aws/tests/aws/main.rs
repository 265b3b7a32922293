//! Secrets in a stand-in for AWS, and answers of AWS that it does not give.
#![cfg(all(feature = "secretsmanager", feature = "ssm", feature = "iam"))]
#![expect(
    clippy::unwrap_used,
    reason = "what sets a test up may only fail loudly; clippy exempts the tests alone"
)]

mod answers;
mod conformance;
mod doctor;
mod iam;
mod life;
mod network;
mod scene;
mod service;
mod settings;
mod ssm;
