//! One case for each sentence of each trait's contract, for every implementation and every decorator.
//!
//! Each macro takes a name for the module of tests and an expression that is called for a fresh fixture before each
//! case: a closure or a function without arguments that returns a future. A case, or a part of one, that shows nothing
//! because a capability is missing passes and prints `skipped:` with what is missing. Where the environment variable
//! `KEYWHEEL_SKIPPED` names a file, a line `implementation case: what is missing` is added to it, so that a whole run can
//! list what it did not show.

pub mod journal;
pub mod models;
pub mod notifier;
pub mod rotator;
pub mod secret;

mod macros;
mod run;
mod sample;
mod secret_fixture;

pub use journal::JournalFixture;
pub use notifier::NotifierFixture;
pub use rotator::RotatorFixture;
pub use run::run;
pub use secret_fixture::SecretFixture;
