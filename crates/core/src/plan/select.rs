//! Which secrets a plan is about.

use serde::{Deserialize, Serialize};

use crate::{id::SecretName, inventory::SecretEntry};

/// Which secrets, and whether only the due ones.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Selection {
    /// Whatever the policy says is due.
    Due,
    /// Every secret that may be rotated, due or not.
    All,
    /// These, due or not.
    Names(Vec<SecretName>),
    /// Every secret of these tiers, due or not.
    Tiers(Vec<String>),
    /// Every secret that has one of these tags, due or not.
    Tags(Vec<String>),
}

impl Selection {
    /// Whether the operator asked for this secret, so that it need not be due.
    pub fn asks_for(&self, entry: &SecretEntry) -> bool {
        match self {
            Self::Due => false,
            Self::All => true,
            Self::Names(names) => names.contains(&entry.name),
            Self::Tiers(tiers) => {
                entry.tier.as_ref().is_some_and(|tier| tiers.iter().any(|name| **name == *tier.name))
            }
            Self::Tags(tags) => entry.tags.iter().any(|tag| tags.iter().any(|name| **name == **tag)),
        }
    }

    /// Whether the plan looks at this secret at all.
    pub fn covers(&self, entry: &SecretEntry) -> bool {
        matches!(self, Self::Due) || self.asks_for(entry)
    }
}

/// What an operator may add to a selection.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct Options {
    /// Rotate also those that were rotated less than an hour ago, which a command over many secrets leaves alone.
    pub force: bool,
    /// Tell no consumer, and so wait for none: the operator answers for the consumers.
    pub no_notify: bool,
}
