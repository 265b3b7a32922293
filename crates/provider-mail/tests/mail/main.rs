//! Mail through a real server on loopback.
#![expect(
    clippy::unwrap_used,
    reason = "what sets a test up may only fail loudly; clippy exempts the tests alone"
)]

mod kinds;
mod scene;
mod sent;
