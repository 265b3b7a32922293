//! How a run ended, item by item.

use jiff::Timestamp;
use keywheel_core::{
    ErrorKind, RotationId, SecretName,
    journal::Holder,
    plan::WaitingFor,
    rotation::{Outcome, WaysOn},
};
use serde::{Deserialize, Serialize};

/// How one item ended, as far as this run is concerned.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", rename_all_fields = "kebab-case")]
pub enum Ended {
    /// The rotation finished.
    Finished {
        /// How.
        outcome: Outcome,
        /// Why it was rolled back, if it was.
        reason: Option<String>,
    },
    /// The rotation waits, and another run goes on with it.
    Waiting {
        /// Until when.
        until: Timestamp,
        /// What for.
        why: WaitingFor,
    },
    /// A person is needed.
    Parked {
        /// Why.
        reason: String,
        /// What a person may do about it.
        ways_on: WaysOn,
    },
    /// The run was asked to stop before the rotation finished.
    Interrupted {
        /// The step that comes next.
        next_step: String,
    },
    /// Another process holds the lease; nothing was changed.
    Held(Holder),
    /// Something that must come first did not succeed; nothing was changed.
    NotBegun {
        /// What.
        because: String,
    },
    /// The journal or the lease failed, so nothing more may be done; the rotation stands where its records say.
    Stopped {
        /// What kind of failure.
        kind: ErrorKind,
        /// For a person.
        message: String,
    },
}

impl Ended {
    /// Whether whatever depends on this secret may go ahead: the new value is current and consumers have moved.
    pub fn lets_dependents_go(&self) -> bool {
        match self {
            Self::Finished { outcome: Outcome::Succeeded | Outcome::Unchanged, .. }
            | Self::Waiting { why: WaitingFor::Overlap, .. } => true,
            Self::Finished { outcome: Outcome::RolledBack, .. }
            | Self::Waiting { .. }
            | Self::Parked { .. }
            | Self::Interrupted { .. }
            | Self::Held(_)
            | Self::NotBegun { .. }
            | Self::Stopped { .. } => false,
        }
    }
}

/// How one item ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct ItemReport {
    /// The secret.
    pub secret: SecretName,
    /// The rotation, if one exists.
    pub rotation: Option<RotationId>,
    /// How.
    pub ended: Ended,
}

/// How a run ended.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct RunReport {
    /// Its items, in the order of the plan.
    pub items: Vec<ItemReport>,
}
