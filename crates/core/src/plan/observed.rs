//! What was seen of the world before a plan was made.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde::{Deserialize, Serialize};

use crate::{
    error::ErrorKind,
    fingerprint::Fingerprint,
    id::{RotationId, SecretName},
    journal::LastRotation,
    rotation::History,
    secret::Versions,
};

/// Everything that a plan is made from, besides the inventory and the time.
#[derive(Debug, Default)]
pub struct Observed {
    /// Rotations that have begun and not finished.
    pub unfinished: BTreeMap<SecretName, History>,
    /// The last finished rotation of each secret.
    pub last: HashMap<SecretName, LastRotation>,
    /// What the stores of the candidates hold, store by store in the order of the entry.
    pub stores: BTreeMap<SecretName, Vec<StoreSeen>>,
    /// What the limits of those stores may do to a rotation.
    pub cautions: BTreeMap<SecretName, Vec<String>>,
    /// What is ready of user-provided values.
    pub provided: BTreeMap<SecretName, ProvidedSeen>,
    /// User-provided values that the last rotation of the secret took up and gave back: taking them up again by itself
    /// would only repeat that.
    pub given_back: BTreeMap<SecretName, Fingerprint>,
    /// Of the rotations whose marks the stores show, those that this journal knows as finished: a request that arrived
    /// after its rotation had ended. Nobody is in flight there; the next rotation drops what it left.
    pub finished: BTreeSet<RotationId>,
}

/// What a store answered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum StoreSeen {
    /// Its versions.
    Versions(Versions),
    /// It could not be read.
    Failed {
        /// What kind of failure.
        kind: ErrorKind,
        /// For a person.
        message: String,
    },
}

/// What is ready of a user-provided value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ProvidedSeen {
    /// A value is there.
    Ready(Fingerprint),
    /// Nothing is there; the words say where one is expected.
    Missing(String),
}
