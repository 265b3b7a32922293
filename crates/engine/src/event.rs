//! What the engine tells while it works. Displays, metrics and tests are projections of this one stream.

use std::time::Duration;

use jiff::Timestamp;
use keywheel_core::{
    SecretName,
    plan::WaitingFor,
    rotation::{Action, History, Record},
};

use crate::report::Ended;

/// Something that happened.
#[derive(Debug)]
pub enum EngineEvent<'a> {
    /// A record was made durable; `history` is where the rotation stands after it.
    Recorded {
        /// The record.
        record: &'a Record,
        /// The rotation.
        history: &'a History,
    },
    /// A consumer has not moved yet, and this is what was seen instead.
    NotYet {
        /// The rotation.
        history: &'a History,
        /// The action.
        action: Action,
        /// What was seen.
        why: &'a str,
    },
    /// The lease of a secret was taken from a process that may be alive: whatever that one has begun may still happen,
    /// and is waited for.
    TakesOver {
        /// The secret.
        secret: &'a SecretName,
        /// How long.
        quiet: Duration,
    },
    /// A rotation waits within this run.
    Waits {
        /// The rotation.
        history: &'a History,
        /// Until when.
        until: Timestamp,
        /// What for.
        why: WaitingFor,
    },
    /// People were not told of something. No rotation is the worse for it.
    NotTold {
        /// The notice of the inventory that says who was to be told.
        notice: &'a str,
        /// What was to be told, and what stood in the way.
        why: &'a str,
    },
    /// An item of the plan ended, as far as this run is concerned.
    Ended {
        /// The secret.
        secret: &'a SecretName,
        /// How.
        ended: &'a Ended,
    },
}

/// Who listens.
pub trait Observer: Send + Sync {
    /// Called in order for each rotation, from many tasks at once; must not block for long.
    fn on(&self, event: &EngineEvent<'_>);
}

/// Listens to nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct Silent;

impl Observer for Silent {
    fn on(&self, _event: &EngineEvent<'_>) {}
}

/// The four places around an action at which a process may die.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Point {
    /// Nothing is written yet.
    BeforeIntent,
    /// The intent is durable; nothing is done yet.
    AfterIntent,
    /// It is done; the outcome is not written.
    AfterEffect,
    /// The outcome is durable.
    AfterOutcome,
}

impl Point {
    /// The name as the crash table writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::BeforeIntent => "before the intent",
            Self::AfterIntent => "after the intent",
            Self::AfterEffect => "after the effect",
            Self::AfterOutcome => "after the outcome",
        }
    }
}

/// Called at each [`Point`]: where the crash harness kills the process. Does nothing in production.
pub trait Boundary: Send + Sync {
    /// The rotation stands at `point` of `action`.
    fn at(&self, point: Point, history: &History, action: Action);
}

/// Does nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoBoundary;

impl Boundary for NoBoundary {
    fn at(&self, _point: Point, _history: &History, _action: Action) {}
}
