//! What is due, why, in which order, and what could go wrong: pure, sorted, serialisable, free of values.

mod due;
mod observed;
mod order;
mod select;
mod stale;
mod warnings;
mod words;

mod document;

pub use document::{Item, Kept, PLAN_FORMAT, Plan, Reason, Waiting, WaitingFor, Work};
pub use due::{candidates, plan};
pub use observed::{Observed, ProvidedSeen, StoreSeen};
pub use select::{Options, Selection};
pub use stale::differences;
pub use words::{Moment, Paragraph, describe, describe_step, ways_on};
