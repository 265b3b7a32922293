//! What a rotation will do, fixed when it starts: an edit of the inventory half way changes nothing for it.

use std::{sync::Arc, time::Duration};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    document::Layout,
    generate::Recipe,
    id::{ConsumerName, RotatorName, SecretName, StoreName},
    rotation::{
        action::{ConsumerIndex, StoreIndex},
        retry::RetryPolicy,
    },
    rotator::Strategy,
};

/// Which of DESIGN's two sequences of steps.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Flow {
    /// A value that a consumer presents and a target checks.
    #[default]
    Credential,
    /// A key that consumers sign and verify with: published as `next` before anything is signed with it.
    SigningKey,
}

/// Where the new value comes from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Source {
    /// A generator makes it.
    Generated(Recipe),
    /// A person puts it where keywheel reads it.
    Provided,
    /// The target issues it.
    Minted,
}

/// Where in a store a secret lives.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Location {
    /// File name, path, variable, JSON pointer: what the store's kind calls a key.
    pub key: Arc<str>,
    /// Where consumers find the `next` version, if the store is to show it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<Arc<str>>,
    /// Where consumers find the `previous` version, if the store is to show it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous: Option<Arc<str>>,
}

/// One place that holds the secret.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct StoreRef {
    /// The store.
    pub store: StoreName,
    /// Where in it.
    pub location: Location,
}

/// The system that checks the credential.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct TargetSpec {
    /// Its rotator.
    pub rotator: RotatorName,
    /// How it lets old and new live side by side.
    pub strategy: Strategy,
    /// What the stored values are.
    #[serde(default)]
    pub layout: Layout,
    /// The rotator that tries logins, where that is another one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub login: Option<RotatorName>,
    /// Whether a login with the old value can be tried once it is dead.
    #[serde(default = "yes", skip_serializing_if = "is_yes")]
    pub confirms: bool,
}

fn yes() -> bool {
    true
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks in this form")]
fn is_yes(value: &bool) -> bool {
    *value
}

/// What happens when a consumer does not move in time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum OnDeadline {
    /// Stop, keep both values, and ask the operator.
    #[default]
    Park,
    /// Go back to the old value everywhere.
    RollBack,
}

/// One consumer and the patience for it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct ConsumerSpec {
    /// Its name.
    pub name: ConsumerName,
    /// How long it may take to move.
    #[serde(rename = "deadline-ms", with = "milliseconds")]
    pub deadline: Duration,
    /// What then.
    pub on_deadline: OnDeadline,
}

/// Everything that a rotation of one secret does.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct RotationSpec {
    /// The secret.
    pub secret: SecretName,
    /// Which sequence of steps.
    pub flow: Flow,
    /// Where the value comes from.
    pub source: Source,
    /// The stores, the primary one first. Never empty.
    pub stores: Vec<StoreRef>,
    /// The system that checks the value, if keywheel has to tell one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<TargetSpec>,
    /// Who uses the value.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub consumers: Vec<ConsumerSpec>,
    /// How long old and new are both accepted once every consumer has moved.
    #[serde(rename = "overlap-ms", with = "milliseconds")]
    pub overlap: Duration,
    /// Patience with stores and targets.
    #[serde(default)]
    pub retry: RetryPolicy,
}

impl RotationSpec {
    /// The store at `index`.
    pub fn store(&self, index: StoreIndex) -> Option<&StoreRef> {
        self.stores.get(usize::from(index.0))
    }

    /// The consumer at `index`.
    pub fn consumer(&self, index: ConsumerIndex) -> Option<&ConsumerSpec> {
        self.consumers.get(usize::from(index.0))
    }

    /// The indexes of all stores, the primary one first.
    pub fn store_indexes(&self) -> impl DoubleEndedIterator<Item = StoreIndex> + use<> {
        (0..u16::try_from(self.stores.len()).unwrap_or(u16::MAX)).map(StoreIndex)
    }

    /// Whether the target makes the next value of the one that it has.
    pub fn reissues(&self) -> bool {
        self.target.as_ref().is_some_and(|target| target.strategy.reissues())
    }

    /// The indexes of all consumers.
    pub fn consumer_indexes(&self) -> impl DoubleEndedIterator<Item = ConsumerIndex> + use<> {
        (0..u16::try_from(self.consumers.len()).unwrap_or(u16::MAX)).map(ConsumerIndex)
    }
}

/// Durations in records are whole milliseconds.
mod milliseconds {
    use std::time::Duration;

    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u64(u64::try_from(duration.as_millis()).unwrap_or(u64::MAX))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
        u64::deserialize(deserializer).map(Duration::from_millis)
    }
}
