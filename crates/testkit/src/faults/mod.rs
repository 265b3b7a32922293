//! Faults at the calls that a plan names: decorators over any implementation of the traits.

mod journal;
mod notifier;
mod plan;
mod rotator;
mod secret;
mod wrap;

pub use plan::{Call, Fault, FaultPlan};
pub use wrap::Faulty;
