//! What the journal holds: one line of a rotation's story. Ids and fingerprints, never a value.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    error::{Effect, ErrorKind},
    fingerprint::Fingerprint,
    id::{Fence, Generation, Identity, Initiator, RotationId, SecretName, VersionId},
    notifier::Phase,
    rotation::{
        action::{Action, ConsumerIndex},
        spec::RotationSpec,
    },
};

/// The format that this build writes. A journal that holds a higher one was written by a newer keywheel and is refused.
pub const RECORD_FORMAT: u16 = 1;

/// A record before the journal numbered it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct NewRecord {
    /// Which rotation.
    pub rotation: RotationId,
    /// Of which secret.
    pub secret: SecretName,
    /// When, by the clock of the process that wrote it.
    pub at: Timestamp,
    /// The lease under which it was written.
    pub fence: Fence,
    /// What happened.
    pub event: Event,
}

/// A record as the journal keeps it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Record {
    /// Its number: grows by at least one from record to record over the whole journal.
    pub seq: u64,
    /// The record.
    #[serde(flatten)]
    pub body: NewRecord,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", rename_all_fields = "kebab-case")]
pub enum Event {
    /// The rotation exists from here on.
    Started(Box<Started>),
    /// The intent: what follows may have an effect from now on.
    Begin {
        /// Which action.
        action: Action,
    },
    /// The outcome: it worked, and this is what was seen.
    Done {
        /// Which action.
        action: Action,
        /// What was learnt.
        #[serde(default, skip_serializing_if = "StepFacts::is_empty")]
        facts: StepFacts,
    },
    /// The outcome: it did not work.
    Failed {
        /// Which action.
        action: Action,
        /// What kind of failure.
        kind: ErrorKind,
        /// Whether something may have changed all the same.
        effect: Effect,
        /// For a person, without values.
        message: String,
    },
    /// From here on the way leads back.
    UndoBegan {
        /// Why.
        reason: String,
        /// Who wanted it: the engine's own rule, or a person.
        initiator: Initiator,
    },
    /// Nothing more happens until a person says so.
    Parked {
        /// Why.
        reason: String,
    },
    /// A person said so: the step that failed, parked or waiting for its next try, is tried again now.
    Released {
        /// Who.
        initiator: Initiator,
    },
    /// A person cut the overlap short.
    OverlapCut {
        /// Who.
        initiator: Initiator,
        /// Why.
        reason: String,
    },
    /// A person took the place of the evidence that a consumer did not give.
    AdoptionVouched {
        /// Of which consumer.
        consumer: ConsumerIndex,
        /// For which notice.
        phase: Phase,
        /// Who.
        initiator: Initiator,
        /// What they saw.
        reason: String,
    },
    /// The end.
    Finished {
        /// How it ended.
        outcome: Outcome,
        /// When the new value became current in the primary store; `None` if it did not stay.
        rotated_at: Option<Timestamp>,
        /// The fingerprint that is current now, if known.
        current: Option<Fingerprint>,
    },
}

impl Event {
    /// The event's name as audit records and displays write it.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Started(_) => "started",
            Self::Begin { .. } => "begin",
            Self::Done { .. } => "done",
            Self::Failed { .. } => "failed",
            Self::UndoBegan { .. } => "undo-began",
            Self::Parked { .. } => "parked",
            Self::Released { .. } => "released",
            Self::OverlapCut { .. } => "overlap-cut",
            Self::AdoptionVouched { .. } => "adoption-vouched",
            Self::Finished { .. } => "finished",
        }
    }

    /// The action that the event is about.
    pub fn action(&self) -> Option<Action> {
        match self {
            Self::Begin { action } | Self::Done { action, .. } | Self::Failed { action, .. } => Some(*action),
            Self::Started(_)
            | Self::UndoBegan { .. }
            | Self::Parked { .. }
            | Self::Released { .. }
            | Self::OverlapCut { .. }
            | Self::AdoptionVouched { .. }
            | Self::Finished { .. } => None,
        }
    }
}

/// The first record of a rotation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Started {
    /// What it will do.
    pub spec: RotationSpec,
    /// Why: the plan's reasons in words, or what the operator gave.
    pub reason: String,
    /// Who.
    pub initiator: Initiator,
}

/// What an action learnt.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct StepFacts {
    /// The new version: after `stage`; after `verify`, the one that took its place.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub new: Option<VersionFact>,
    /// The version that was current when the new one was staged; `None` after `stage` means that there was none. After
    /// `promote`, the one that was displaced instead of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub old: Option<VersionFact>,
    /// How a consumer was seen to have moved, what a login answered, or what an ended rotation had left in the way.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub evidence: Option<String>,
    /// Which of its credentials the target had before it was asked for another: after `look`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub generation: Option<Generation>,
    /// The provided value equals the current one: there is nothing to rotate.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub unchanged: bool,
}

impl StepFacts {
    /// Whether there is nothing worth writing down.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Facts that hold evidence alone.
    pub fn evidence(text: impl Into<String>) -> Self {
        Self { evidence: Some(text.into()), ..Self::default() }
    }
}

/// A version, as records name it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct VersionFact {
    /// The store's id for it.
    pub id: VersionId,
    /// Its fingerprint.
    pub fingerprint: Fingerprint,
    /// Whom it is for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub identity: Option<Identity>,
}

/// How a rotation ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// The new value is current everywhere, and the old one is gone.
    Succeeded,
    /// The old value is current everywhere, and the new one is gone.
    RolledBack,
    /// The provided value was the current one already; nothing was changed.
    Unchanged,
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Succeeded => "succeeded",
            Self::RolledBack => "rolled-back",
            Self::Unchanged => "unchanged",
        })
    }
}
