//! What keywheel's tests are made of. A dev-dependency only: nothing here runs in production.
//!
//! - [`ManualClock`] and [`SeededEntropy`]: time and randomness that a test owns.
//! - [`memory`]: reference models of a store, a target, a consumer and the journal, looked at from outside.
//! - [`faults`]: decorators that crash, refuse or lose the reply at the call that a plan names.
//! - [`declared`]: what an inventory declares, made as the inventory makes it.
//! - [`conformance`]: one case for each sentence of each trait's contract, run with one line for each implementation:
//!
//! ```ignore
//! keywheel_testkit::secret_conformance!(file_directory, || async {
//!     let directory = tempfile::tempdir().unwrap();
//!     SecretFixture::new(open(directory.path())).keeping(directory)
//! });
//! ```

pub mod conformance;
pub mod declared;
pub mod faults;
pub mod memory;

mod clock;
mod entropy;

pub use clock::ManualClock;
pub use entropy::SeededEntropy;
