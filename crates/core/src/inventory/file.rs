//! The inventory file as it is written. Reading it in another form than these types' is not possible; what they mean is
//! decided in the modules beside this one.

use std::{collections::BTreeMap, path::PathBuf};

use schemars::JsonSchema;
use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, Visitor, value::MapAccessDeserializer},
};

use crate::{
    document::Layout,
    fingerprint::FingerprintMode,
    generate::Recipe,
    inventory::{
        model::{Automation, ProvidedFrom},
        period::Period,
        reference::CredentialRef,
    },
    rotation::Flow,
    yaml::{Checked, Located, Raw},
};

/// The whole file.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[schemars(title = "keywheel inventory")]
pub(super) struct InventoryFile {
    /// The version of this format: 1.
    #[schemars(extend("const" = 1))]
    #[expect(
        dead_code,
        reason = "checked before the rest is read, so that a newer file gives one clear error"
    )]
    pub(super) version: u64,
    /// Directory of the journal, the audit and keywheel's own keys. Default: `.keywheel` beside this file.
    #[serde(default)]
    pub(super) state: Option<PathBuf>,
    /// How many rotations run at once. Default: 16.
    #[serde(default)]
    pub(super) concurrency: Option<Checked<Located<usize>>>,
    /// Where the audit is written, and with which key it is signed.
    #[serde(default)]
    pub(super) audit: Option<Checked<AuditFile>>,
    /// Environments by name.
    #[serde(default)]
    pub(super) environments: BTreeMap<Located<String>, Checked<EnvironmentFile>>,
    /// Tiers by name: how often their secrets are rotated.
    #[serde(default)]
    pub(super) tiers: BTreeMap<Located<String>, Checked<TierFile>>,
    /// What an entry that does not say otherwise has.
    #[serde(default)]
    pub(super) defaults: DefaultsFile,
    /// Stores by name.
    #[serde(default)]
    #[schemars(with = "BTreeMap<String, DeclaredStoreFile>")]
    pub(super) stores: Option<Raw>,
    /// Rotators by name: the systems that check credentials.
    #[serde(default)]
    #[schemars(with = "BTreeMap<String, DeclaredRotatorFile>")]
    pub(super) rotators: Option<Raw>,
    /// Consumers by name: the workloads that use the values.
    #[serde(default)]
    #[schemars(with = "BTreeMap<String, DeclaredConsumerFile>")]
    pub(super) consumers: Option<Raw>,
    /// Notices by name: the people and systems that are told how rotations go.
    #[serde(default)]
    #[schemars(with = "BTreeMap<String, DeclaredNoticeFile>")]
    pub(super) notices: Option<Raw>,
    /// The secrets by name.
    #[schemars(with = "BTreeMap<String, SecretFile>")]
    pub(super) secrets: Option<Raw>,
}

/// Stands for the schema of a declared store; the kinds fill it in.
#[derive(JsonSchema)]
pub(super) struct DeclaredStoreFile {}

/// Stands for the schema of a declared rotator; the kinds fill it in.
#[derive(JsonSchema)]
pub(super) struct DeclaredRotatorFile {}

/// Stands for the schema of a declared consumer; the kinds fill it in.
#[derive(JsonSchema)]
pub(super) struct DeclaredConsumerFile {}

/// Stands for the schema of a declared notice; the kinds fill it in.
#[derive(JsonSchema)]
pub(super) struct DeclaredNoticeFile {}

/// The audit.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct AuditFile {
    /// The file. Default: `audit/audit.jsonl` in the state directory.
    #[serde(default)]
    pub(super) log: Option<PathBuf>,
    /// The key that signs it. Default: `keys/audit.key` in the state directory, made at first use. Best kept where those
    /// who can edit the audit cannot read it.
    #[serde(default)]
    pub(super) key: Option<CredentialRef>,
}

/// One environment.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct EnvironmentFile {
    /// Whether its secrets may be rotated at all. Default: true.
    #[serde(default = "yes")]
    pub(super) rotatable: bool,
    /// Why not; required where `rotatable` is false.
    #[serde(default)]
    pub(super) reason: Option<String>,
}

fn yes() -> bool {
    true
}

/// One tier.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct TierFile {
    /// How often its secrets are due. Without it: on demand only.
    #[serde(default)]
    pub(super) every: Option<Period>,
    /// How long old and new are both accepted.
    #[serde(default)]
    pub(super) overlap: Option<Period>,
}

/// What an entry that does not say otherwise has.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct DefaultsFile {
    /// Who answers for it.
    #[serde(default)]
    pub(super) owner: Option<String>,
    /// Its environment.
    #[serde(default)]
    pub(super) environment: Option<Located<String>>,
    /// Its tier.
    #[serde(default)]
    pub(super) tier: Option<Located<String>>,
    /// How long old and new are both accepted. Default: 1h.
    #[serde(default)]
    pub(super) overlap: Option<Period>,
}

/// One secret.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct SecretFile {
    /// What it is, for people.
    #[serde(default)]
    #[expect(dead_code, reason = "for the people who read the file")]
    pub(super) description: Option<String>,
    /// Who answers for it.
    #[serde(default)]
    pub(super) owner: Option<String>,
    /// Its environment.
    #[serde(default)]
    pub(super) environment: Option<Located<String>>,
    /// Its tier.
    #[serde(default)]
    pub(super) tier: Option<Located<String>>,
    /// Words to select it by.
    #[serde(default)]
    pub(super) tags: Vec<String>,
    /// Who rotates it. Default: automated.
    #[serde(default)]
    pub(super) automation: Option<Checked<Automation>>,
    /// `credential` (default) or `signing-key`, which consumers accept before anything is signed with it.
    #[serde(default)]
    pub(super) flow: Option<Checked<Flow>>,
    /// The recipe of its values. One of `generate`, `provided` and `minted` is required.
    #[serde(default)]
    pub(super) generate: Option<Checked<Located<Recipe>>>,
    /// Where a person puts its values.
    #[serde(default)]
    pub(super) provided: Option<Checked<Located<ProvidedFrom>>>,
    /// The rotator's system issues its values.
    #[serde(default)]
    pub(super) minted: Option<Checked<Located<bool>>>,
    /// The stores that hold it, the primary one first: a store's name, or where in the store.
    pub(super) stores: Vec<Checked<Located<StoreUse>>>,
    /// The rotator of the system that checks it.
    #[serde(default)]
    pub(super) rotator: Option<Located<String>>,
    /// Another rotator, at whose system logins are tried: for rotators that make credentials which another system checks.
    #[serde(default)]
    pub(super) login_at: Option<Located<String>>,
    /// Whom the credential is for, where the store does not say: a login role, a user.
    #[serde(default)]
    pub(super) identity: Option<String>,
    /// What the stored values are: `plain` (default), the password itself, or `document`, a JSON document with `engine`,
    /// `host`, `port`, `username`, `password` and `dbname`, from which an application can connect.
    #[serde(default)]
    pub(super) layout: Option<Checked<Located<Layout>>>,
    /// The consumers that use it.
    #[serde(default)]
    pub(super) consumers: Vec<Located<String>>,
    /// How often it is due. Default: the tier's.
    #[serde(default)]
    pub(super) every: Option<Checked<Period>>,
    /// How long old and new are both accepted. Default: the tier's, else that of `defaults`, else 1h.
    #[serde(default)]
    pub(super) overlap: Option<Checked<Period>>,
    /// How its fingerprints are made. Default: `plain` for generated values, `keyed` for those that people choose.
    #[serde(default)]
    pub(super) fingerprint: Option<Checked<FingerprintMode>>,
    /// Secrets that must be rotated before this one, when both are.
    #[serde(default)]
    pub(super) depends_on: Vec<Located<String>>,
}

/// A store, and where in it: `app-dir`, or `{ store: app-env, key: DB_PASSWORD }`.
pub(super) struct StoreUse {
    pub(super) store: String,
    pub(super) key: Option<String>,
    pub(super) next: Option<String>,
    pub(super) previous: Option<String>,
}

/// Where in a store.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct StorePlaceFile {
    /// The store.
    store: String,
    /// File name, variable, JSON pointer or path in it. Default: the secret's name.
    #[serde(default)]
    key: Option<String>,
    /// Where consumers find the `next` version of a signing key.
    #[serde(default)]
    next: Option<String>,
    /// Where consumers find the `previous` version.
    #[serde(default)]
    previous: Option<String>,
}

impl<'de> Deserialize<'de> for StoreUse {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct NameOrPlace;
        impl<'de> Visitor<'de> for NameOrPlace {
            type Value = StoreUse;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("the name of a store, or a mapping with `store` and `key`")
            }

            fn visit_str<E: serde::de::Error>(self, name: &str) -> Result<StoreUse, E> {
                Ok(StoreUse { store: name.to_owned(), key: None, next: None, previous: None })
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<StoreUse, A::Error> {
                let place = StorePlaceFile::deserialize(MapAccessDeserializer::new(map))?;
                Ok(StoreUse {
                    store: place.store,
                    key: place.key,
                    next: place.next,
                    previous: place.previous,
                })
            }
        }
        deserializer.deserialize_any(NameOrPlace)
    }
}

impl JsonSchema for StoreUse {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "StoreUse".into()
    }

    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        let place = generator.subschema_for::<StorePlaceFile>();
        schemars::json_schema!({ "anyOf": [{ "type": "string" }, place] })
    }
}
