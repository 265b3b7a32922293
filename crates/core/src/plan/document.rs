//! The plan itself.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    fingerprint::Fingerprint,
    id::{RotationId, SecretName},
    inventory::Period,
    plan::{
        observed::StoreSeen,
        select::{Options, Selection},
    },
    rotation::{Direction, History, RotationSpec, WaitFor, WaysOn},
};

/// The format of saved plans.
pub const PLAN_FORMAT: u16 = 1;

/// What would happen, and why.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Plan {
    /// Always [`PLAN_FORMAT`].
    pub format: u16,
    /// When it was made.
    pub made_at: Timestamp,
    /// Which inventory it was made from.
    pub inventory: String,
    /// What the operator asked for.
    pub selection: Selection,
    /// And how.
    pub options: Options,
    /// The work, in an order that respects every dependency: unfinished rotations first.
    pub items: Vec<Item>,
    /// Unfinished rotations with nothing to do yet.
    pub waiting: Vec<Waiting>,
    /// Secrets that were asked for, or are due, and are left alone all the same.
    pub kept: Vec<Kept>,
    /// How many secrets the selection covers that are not due.
    pub not_due: usize,
    /// When something falls due next.
    pub next_due: Option<Timestamp>,
}

/// One piece of work.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Item {
    /// The secret.
    pub secret: SecretName,
    /// What to do.
    pub work: Work,
    /// Why.
    pub reasons: Vec<Reason>,
    /// What the rotation does.
    pub spec: RotationSpec,
    /// What the stores held when the plan was made, in the order of the spec.
    pub seen: Vec<StoreSeen>,
    /// The fingerprint of the value that a person made ready, if one does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provided: Option<Fingerprint>,
    /// The rotation that had ended last when the plan was made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last: Option<RotationId>,
    /// Items of this plan that must succeed first.
    pub after: Vec<SecretName>,
    /// What could go wrong, in words.
    pub warnings: Vec<String>,
}

/// What to do about a secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", rename_all_fields = "kebab-case")]
pub enum Work {
    /// Go on with an unfinished rotation.
    Resume {
        /// Which.
        rotation: RotationId,
        /// The step at hand.
        step: String,
        /// Whether it is on its way back.
        undoing: bool,
    },
    /// Give a secret that has no value its first one.
    Create,
    /// Replace the current value.
    Rotate,
}

/// Why a secret is in the plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", rename_all_fields = "kebab-case")]
pub enum Reason {
    /// Older than its period.
    Age {
        /// When the current value became current.
        since: Timestamp,
        /// The period.
        every: Period,
        /// Whether the time is the store's, because no rotation is on record.
        by_store: bool,
    },
    /// No store has a value.
    NoValue,
    /// The operator asked for it.
    Asked,
    /// A person provided a new value.
    NewValueProvided,
    /// A rotation began and did not finish.
    Unfinished {
        /// When it began.
        since: Timestamp,
    },
}

impl Reason {
    /// Whether the policy asks for it, and not merely a person.
    pub fn is_policy(&self) -> bool {
        match self {
            Self::Age { .. } | Self::NoValue => true,
            Self::Asked | Self::NewValueProvided | Self::Unfinished { .. } => false,
        }
    }

    /// One word for records: the sentence with its figures is the plan's.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Age { .. } => "due",
            Self::NoValue => "no value yet",
            Self::Asked => "asked for",
            Self::NewValueProvided => "new value provided",
            Self::Unfinished { .. } => "unfinished",
        }
    }
}

/// An unfinished rotation with nothing to do yet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Waiting {
    /// The secret.
    pub secret: SecretName,
    /// The rotation.
    pub rotation: RotationId,
    /// Until when; `None` if a person is awaited.
    pub until: Option<Timestamp>,
    /// What for.
    pub why: WaitingFor,
    /// What a person may do about it.
    pub ways_on: WaysOn,
}

/// What an unfinished rotation waits for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum WaitingFor {
    /// The new value is current, the old one still accepted.
    Overlap,
    /// On the way back: the old value is current, the new one still accepted.
    OverlapOfUndo,
    /// The next try after a failure.
    Retry(String),
    /// A person.
    Operator(String),
}

impl WaitingFor {
    /// From the state machine's word.
    pub fn from_wait(why: WaitFor, history: &History) -> Self {
        match (why, history.direction) {
            (WaitFor::Overlap, Direction::Forward) => Self::Overlap,
            (WaitFor::Overlap, Direction::Undo) => Self::OverlapOfUndo,
            (WaitFor::Retry, _) => {
                let failure = history.failure.as_ref().map(|failure| failure.message.clone());
                let on_its_way = "a request that got no answer may still arrive";
                Self::Retry(failure.unwrap_or_else(|| on_its_way.to_owned()))
            }
        }
    }
}

/// A secret that is left alone although it was asked for or is due.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Kept {
    /// The secret.
    pub secret: SecretName,
    /// Why it is left alone, and what to do about it.
    pub why: String,
    /// Whether it was asked for by name, so that leaving it alone is an error.
    pub refused: bool,
    /// Whether the policy says that it is due.
    pub due: bool,
}

impl Plan {
    /// Whether there is work.
    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// Whether something is due that needs keywheel or a person: what `plan --check` answers.
    pub fn something_is_due(&self) -> bool {
        !self.items.is_empty()
            || self.kept.iter().any(|kept| kept.due)
            || self.waiting.iter().any(|waiting| matches!(waiting.why, WaitingFor::Operator(_)))
    }
}
