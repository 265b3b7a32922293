//! The state machine of one rotation: pure, and the only one. A live run, a resume after a crash, `status`, the audit
//! and the simulator all fold the same records and ask the same question.
//!
//! [`History::apply`] folds a [`Record`] and refuses one that cannot follow; [`History::next`] says what comes next.

mod action;
mod decide;
mod history;
mod record;
mod retry;
mod route;
mod spec;
#[cfg(test)]
mod tests;
mod ways_on;

pub use action::{Action, ConsumerIndex, StoreIndex};
pub use decide::{Next, WaitFor};
pub use history::{Direction, Facts, Failure, History, IllegalRecord, Parked, Undo};
pub use record::{Event, NewRecord, Outcome, RECORD_FORMAT, Record, Started, StepFacts, VersionFact};
pub use retry::RetryPolicy;
pub use route::{forward, undo};
pub use spec::{ConsumerSpec, Flow, Location, OnDeadline, RotationSpec, Source, StoreRef, TargetSpec};
pub use ways_on::WaysOn;
