//! What stands between the engine and every store, target, consumer and journal: layers, each with one concern, around
//! anything that implements the traits.
//!
//! - [`Timed`] bounds each call in time, and begins none whose time is over.
//! - [`Retrying`] makes looks again that failed for a passing reason. Calls that change something go through once.
//! - [`Traced`] leaves one event for each call.
//!
//! A [`Layer`] says what happens around a call; [`Layered`] puts it around an implementation and forwards each method of
//! each trait, so that no layer can forget one. Every layer keeps the contract of what it wraps, and passes the same
//! conformance suite.
//!
//! # Order
//! [`stack`] is `traced(retrying(timed(inner)))`, from the outside in. The time limit is innermost: it is that of one
//! try, and a try that hung is never made again, or a hung store would cost its time limit several times over. Tracing
//! is outermost: one event says what the caller got, after however many tries.
//!
//! The engine puts two of its own between [`Retrying`] and [`Timed`]. First the limits of concurrency and rate: each try
//! waits for its turn and counts, and the wait between two tries holds up nobody. Then the lease, which is confirmed when
//! the turn has come, right before the effect: a wait for a turn may be longer than a lease lives.

mod layer;
mod retrying;
mod stack;
mod timed;
mod traced;

mod journal;
mod notifier;
mod rotator;
mod secret;

pub(crate) use layer::examined;
pub use layer::{Layer, Layered};
pub use retrying::Retrying;
pub use stack::{Stack, stack};
pub use timed::{CALL_TIME, Timed};
pub use traced::Traced;
