//! The steps of DESIGN's table, each bound to the store, target or consumer that it is about.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::notifier::Phase;
use crate::rotation::spec::RotationSpec;

/// Which of the spec's stores; 0 is the primary one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct StoreIndex(pub u16);

/// Which of the spec's consumers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ConsumerIndex(pub u16);

impl StoreIndex {
    /// The store whose pending version must be durable before any target hears of the value.
    pub const PRIMARY: Self = Self(0);
}

/// One step about one thing. Every one of them may be run twice with the effect of once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Action {
    /// Which of its credentials the target has is written down, so that one whose answer is lost is not asked for twice.
    Look,
    /// The target issues the value, and the primary store gets it as pending. One action, because the value exists
    /// nowhere else in between: after a crash the mint is found by listing and revoked.
    Mint,
    /// The value becomes durable as pending. In the primary store it is generated here, once for the rotation.
    Stage(StoreIndex),
    /// The target accepts the new value.
    Apply,
    /// A real login with the new value.
    Verify,
    /// Verifying consumers can read the new key as `next`.
    PublishNext(StoreIndex),
    /// The new value becomes current.
    Promote(StoreIndex),
    /// A consumer is told.
    Notify(ConsumerIndex, Phase),
    /// A consumer is seen to have moved.
    Adopt(ConsumerIndex, Phase),
    /// Old and new are both accepted until the time is up. A gate: nothing is done.
    Overlap,
    /// The target refuses the old value.
    Revoke,
    /// A real login with the old value, which must fail.
    Confirm,
    /// The old value leaves the store.
    Retire(StoreIndex),
    /// Undo: the old value becomes current again.
    Unpromote(StoreIndex),
    /// Undo: the target accepts the old value, and the new one no more.
    Unapply,
    /// Undo: the new value leaves the store.
    Discard(StoreIndex),
}

impl Action {
    /// The step's name, as DESIGN's table and every record, message and metric write it.
    pub fn step(self) -> &'static str {
        match self {
            Self::Look => "look",
            Self::Mint => "mint",
            Self::Stage(_) => "stage",
            Self::Apply => "apply",
            Self::Verify => "verify",
            Self::PublishNext(_) => "publish-next",
            Self::Promote(_) => "promote",
            Self::Notify(..) => "notify",
            Self::Adopt(..) => "adopt",
            Self::Overlap => "overlap",
            Self::Revoke => "revoke",
            Self::Confirm => "confirm",
            Self::Retire(_) => "retire",
            Self::Unpromote(_) => "unpromote",
            Self::Unapply => "unapply",
            Self::Discard(_) => "discard",
        }
    }

    /// The consumer and the notice that the action is about, if it is about one.
    pub fn notice(self) -> Option<(ConsumerIndex, Phase)> {
        match self {
            Self::Notify(consumer, phase) | Self::Adopt(consumer, phase) => Some((consumer, phase)),
            Self::Look
            | Self::Mint
            | Self::Stage(_)
            | Self::Apply
            | Self::Verify
            | Self::PublishNext(_)
            | Self::Promote(_)
            | Self::Overlap
            | Self::Revoke
            | Self::Confirm
            | Self::Retire(_)
            | Self::Unpromote(_)
            | Self::Unapply
            | Self::Discard(_) => None,
        }
    }

    /// Whether the action only looks, so that it leaves nothing behind that an undo would have to take back.
    pub fn only_looks(self) -> bool {
        match self {
            Self::Look | Self::Verify | Self::Adopt(..) | Self::Overlap | Self::Confirm => true,
            Self::Mint
            | Self::Stage(_)
            | Self::Apply
            | Self::PublishNext(_)
            | Self::Promote(_)
            | Self::Notify(..)
            | Self::Revoke
            | Self::Retire(_)
            | Self::Unpromote(_)
            | Self::Unapply
            | Self::Discard(_) => false,
        }
    }

    /// Whether the old value begins to die with this action, so that there is no way back.
    pub fn ends_the_old_value(self) -> bool {
        matches!(self, Self::Revoke | Self::Retire(_))
    }

    /// What the action is about, by name: `stage in app-dir`, `notify web`.
    pub fn describe(self, spec: &RotationSpec) -> String {
        match self {
            Self::Stage(index)
            | Self::PublishNext(index)
            | Self::Promote(index)
            | Self::Retire(index)
            | Self::Unpromote(index)
            | Self::Discard(index) => {
                format!("{} in {}", self.step(), spec.store(index).map_or("?", |store| store.store.as_str()))
            }
            Self::Notify(index, phase) | Self::Adopt(index, phase) => {
                let name = spec.consumer(index).map_or("?", |consumer| consumer.name.as_str());
                match phase {
                    Phase::NextPublished => format!("{} {name} of the next key", self.step()),
                    Phase::Promoted => format!("{} {name}", self.step()),
                    Phase::RolledBack => format!("{} {name} of the rollback", self.step()),
                }
            }
            Self::Look
            | Self::Mint
            | Self::Apply
            | Self::Verify
            | Self::Revoke
            | Self::Confirm
            | Self::Unapply => match &spec.target {
                Some(target) => format!("{} at {}", self.step(), target.rotator),
                None => self.step().to_owned(),
            },
            Self::Overlap => self.step().to_owned(),
        }
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.step())
    }
}
