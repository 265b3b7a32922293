//! What the end-to-end tests share: a scene with stores and a consumer, the binary under test, and a look at everything
//! from outside, with nothing of keywheel's own.

#![expect(clippy::unwrap_used, reason = "a scene that cannot be set fails the test that wanted it")]

mod at_once;
mod consumer;
pub mod crash;
mod fingerprint;
mod keywheel;
mod namespace;
mod outside;
mod place;
mod scene;
mod watched;

pub use at_once::at_once;
pub use consumer::{Consumer, Habit};
pub use fingerprint::{fingerprint, keyed_fingerprint};
pub use keywheel::{Keywheel, Said, program};
pub use keywheel_testservers::{Stopwatch, pause, until};
pub use namespace::Namespace;
pub use outside::{files_below, files_holding, hidden_versions, pending_files};
pub use place::Place;
pub use scene::Scene;
pub use watched::{Watched, watch};
