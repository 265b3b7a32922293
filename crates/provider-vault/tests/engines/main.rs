//! What the server makes itself, over a real `OpenBao` and a real `PostgreSQL`, and over the fake where a network fails.
#![expect(
    clippy::unwrap_used,
    reason = "what sets a test up may only fail loudly; clippy exempts the tests alone"
)]

mod conformance;
mod doctor;
mod faults;
mod life;
mod scene;
