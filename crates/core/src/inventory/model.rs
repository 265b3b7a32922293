//! The inventory after every check: what plan and engine work with.

use std::{
    collections::{BTreeMap, HashMap},
    num::NonZeroU32,
    path::PathBuf,
    sync::Arc,
    time::Duration,
};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    document::Layout,
    fingerprint::FingerprintMode,
    id::{ConsumerName, Identity, RotatorName, SecretName, StoreName},
    inventory::{notice::DeclaredChannel, period::Period, reference::CredentialRef},
    provider::{Consumer, Store, Target},
    rotation::{ConsumerSpec, Flow, OnDeadline, RetryPolicy, RotationSpec, Source, StoreRef, TargetSpec},
};

/// A validated inventory.
pub struct Inventory {
    /// The file it was read from.
    pub path: PathBuf,
    /// The file's directory: where relative paths start.
    pub base: PathBuf,
    /// SHA-256 of the file, hex: how a saved plan knows the inventory that it was made from.
    pub digest: String,
    /// Where journal, audit and keys live.
    pub state: PathBuf,
    /// The audit's file.
    pub audit_log: PathBuf,
    /// The key that signs the audit; best kept where whoever can edit the audit cannot read it.
    pub audit_key: CredentialRef,
    /// Declared environments by name.
    pub environments: BTreeMap<Arc<str>, Arc<Environment>>,
    /// Declared tiers by name.
    pub tiers: BTreeMap<Arc<str>, Arc<Tier>>,
    /// Declared stores by name.
    pub stores: BTreeMap<StoreName, DeclaredStore>,
    /// Declared targets by the name of their rotator.
    pub targets: BTreeMap<RotatorName, DeclaredTarget>,
    /// Declared consumers by name.
    pub consumers: BTreeMap<ConsumerName, DeclaredConsumer>,
    /// Declared notices by name: who is told how rotations go.
    pub notices: BTreeMap<Arc<str>, DeclaredChannel>,
    /// The secrets in the order of the file.
    pub secrets: Vec<SecretEntry>,
    /// Where each secret stands in `secrets`.
    pub index: HashMap<SecretName, usize>,
    /// How many rotations may run at once.
    pub concurrency: usize,
}

/// Where a group of secrets is used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Environment {
    /// Its name.
    pub name: Arc<str>,
    /// Why its secrets are never rotated, if they are not.
    pub frozen: Option<Arc<str>>,
}

/// How often a group of secrets is rotated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tier {
    /// Its name.
    pub name: Arc<str>,
    /// The period; `None` for secrets rotated on demand only.
    pub every: Option<Period>,
    /// How long old and new are both accepted.
    pub overlap: Option<Period>,
}

/// A store and its limit.
pub struct DeclaredStore {
    /// The word behind `kind:`.
    pub kind: &'static str,
    /// The store.
    pub store: Arc<dyn Store>,
    /// How many calls to it may run at once.
    pub concurrency: usize,
    /// How many calls to it may begin in a second; `None` for as many as come.
    pub rate: Option<NonZeroU32>,
}

/// A target and its limit.
pub struct DeclaredTarget {
    /// The word behind `kind:`.
    pub kind: &'static str,
    /// The target.
    pub target: Arc<dyn Target>,
    /// How many calls to it may run at once.
    pub concurrency: usize,
    /// How many calls to it may begin in a second; `None` for as many as come.
    pub rate: Option<NonZeroU32>,
}

/// A consumer and the patience for it.
pub struct DeclaredConsumer {
    /// The word behind `kind:`.
    pub kind: &'static str,
    /// The consumer.
    pub consumer: Arc<dyn Consumer>,
    /// How long it may take to move.
    pub deadline: Period,
    /// What then.
    pub on_deadline: OnDeadline,
}

/// Who does the rotating.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Automation {
    /// keywheel, whenever it is due.
    #[default]
    Automated,
    /// keywheel, once a person named the secret on the command line.
    SemiAutomated,
    /// A person; keywheel reminds and keeps the books.
    Manual,
}

/// Where a user-provided value is read from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum ProvidedFrom {
    /// The whole of a file; one line end at its end does not count.
    File(PathBuf),
    /// One variable of an environment file.
    EnvFile {
        /// The file.
        path: PathBuf,
        /// The variable.
        variable: String,
    },
    /// Standard input of `keywheel rotate NAME --value-from-stdin`.
    Stdin,
}

/// One secret.
pub struct SecretEntry {
    /// Its name.
    pub name: SecretName,
    /// The line of the file on which it stands, from 1.
    pub line: u32,
    /// Who answers for it.
    pub owner: Option<Arc<str>>,
    /// Where it is used.
    pub environment: Option<Arc<Environment>>,
    /// Its tier.
    pub tier: Option<Arc<Tier>>,
    /// Its tags.
    pub tags: Box<[Arc<str>]>,
    /// Who rotates it.
    pub automation: Automation,
    /// Which sequence of steps.
    pub flow: Flow,
    /// Where a new value comes from.
    pub source: Source,
    /// Where a user-provided value is read.
    pub provided_from: Option<Box<ProvidedFrom>>,
    /// The stores, the primary one first.
    pub stores: Box<[StoreRef]>,
    /// The system that checks it.
    pub target: Option<RotatorName>,
    /// The rotator that tries logins, where that is another one.
    pub login: Option<RotatorName>,
    /// Whom the credential is for, where the store does not say.
    pub identity: Option<Identity>,
    /// What the stored values are.
    pub layout: Layout,
    /// Who uses it.
    pub consumers: Box<[ConsumerName]>,
    /// How often it is due; `None`: on demand only.
    pub every: Option<Period>,
    /// How long old and new are both accepted.
    pub overlap: Period,
    /// How its fingerprints are made.
    pub fingerprint: FingerprintMode,
    /// Secrets that must be rotated before this one, when both are.
    pub depends_on: Box<[SecretName]>,
}

impl Inventory {
    /// The entry called `name`.
    pub fn secret(&self, name: &SecretName) -> Option<&SecretEntry> {
        self.index.get(name).and_then(|position| self.secrets.get(*position))
    }

    /// What a rotation of `entry` does.
    pub fn spec(&self, entry: &SecretEntry) -> RotationSpec {
        RotationSpec {
            secret: entry.name.clone(),
            flow: entry.flow,
            source: entry.source.clone(),
            stores: entry.stores.to_vec(),
            target: entry.target.as_ref().and_then(|rotator| {
                let declared = self.targets.get(rotator)?;
                Some(TargetSpec {
                    rotator: rotator.clone(),
                    strategy: declared.target.strategy(),
                    layout: entry.layout,
                    login: entry.login.clone(),
                    confirms: declared.target.confirms(),
                })
            }),
            consumers: entry
                .consumers
                .iter()
                .filter_map(|name| {
                    let declared = self.consumers.get(name)?;
                    Some(ConsumerSpec {
                        name: name.clone(),
                        deadline: declared.deadline.into(),
                        on_deadline: declared.on_deadline,
                    })
                })
                .collect(),
            overlap: Duration::from(entry.overlap),
            retry: RetryPolicy::default(),
        }
    }
}

impl SecretEntry {
    /// Why this secret must not be rotated at all, if so.
    pub fn frozen(&self) -> Option<String> {
        let environment = self.environment.as_ref()?;
        let reason = environment.frozen.as_ref()?;
        Some(format!("environment `{}` is not rotatable: {reason}", environment.name))
    }
}
