//! How providers plug in: a kind reads its settings from the inventory and makes stores, rotators and notifiers.
//!
//! The facade holds the one table of kinds; everything else sees only these traits.

mod administrator;
mod declared;
mod finding;

use std::{collections::BTreeMap, path::PathBuf, sync::Arc};

use async_trait::async_trait;

use crate::{
    clock::Clock,
    error::Result,
    fingerprint::Fingerprinter,
    id::{Identity, SecretName},
    message::Messenger,
    notifier::Notifier,
    rotation::Location,
    rotator::{Rotator, Strategy},
    secret::{Secret, Stage},
    yaml,
};

pub use administrator::{Administrator, PasswordSource};
pub use declared::{Declaration, Mistake, kind};
pub use finding::{Finding, Severity, listed, merged};

/// What a kind gets besides its settings.
#[derive(Clone)]
pub struct Surroundings {
    /// The directory of the inventory file; relative paths in settings start here.
    pub base: PathBuf,
    /// Time, for kinds that wait.
    pub clock: Arc<dyn Clock>,
}

/// The settings of one inventory entry, still in YAML, and where mistakes in them are reported.
pub struct Settings<'a> {
    /// The mapping below the kind's name.
    pub node: yaml::Node<'a>,
    /// Where mistakes go.
    pub diagnostics: &'a mut yaml::Diagnostics,
}

/// A kind of store, rotator or notifier: one row in the facade's table.
///
/// # Contract
/// - `configure` reads settings only: no I/O. Every mistake goes to the settings' diagnostics; `None` if there was one.
/// - `schema` describes exactly the settings that `configure` takes.
pub trait Kind<T: ?Sized>: Send + Sync {
    /// The word that stands for it in the inventory.
    fn name(&self) -> &'static str;

    /// The JSON Schema of the settings.
    fn schema(&self, generator: &mut schemars::SchemaGenerator) -> schemars::Schema;

    /// Reads settings.
    fn configure(&self, surroundings: &Surroundings, settings: Settings<'_>) -> Option<Arc<T>>;
}

/// One declared store.
#[async_trait]
pub trait Store: Send + Sync {
    /// Where it is, for a person: a path, an address. No credential.
    fn describe(&self) -> String;

    /// Whether `location` could name a secret here, without looking; the error says what is wrong with it.
    ///
    /// # Errors
    /// Words for the operator.
    fn check_location(&self, location: &Location) -> Result<(), String>;

    /// Where this store shows the version in `stage` of the secret at `key` unless the inventory says otherwise; `None`
    /// if it has no such place. Pure.
    fn beside(&self, key: &str, stage: Stage) -> Option<Arc<str>>;

    /// A handle for one secret. No I/O.
    fn secret(&self, location: &Location, fingerprinter: Fingerprinter) -> Arc<dyn Secret>;

    /// Checks settings and rights without changing anything, and without reading a value out of the store: one finding for
    /// each thing missing, [about](Finding::about) the secrets that it concerns. `entrusted` is what the inventory keeps
    /// here, each location once.
    ///
    /// There may be thousands: what the system answers for many at once is asked for many at once, and nothing is asked
    /// more than a few times for one secret. What could not be found out is a finding as well.
    async fn examine(&self, entrusted: &[Entrusted]) -> Vec<Finding>;
}

/// A secret that an inventory keeps in a store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entrusted {
    /// Its name, for findings.
    pub secret: SecretName,
    /// Where it is there, and the places that show its next and previous versions.
    pub location: Location,
    /// Whether keywheel ever changes it. One that a person rotates, or that stands in a frozen environment, is only read.
    pub rotated: bool,
}

/// One declared target: makes a rotator for each secret that it checks.
pub trait Target: Send + Sync {
    /// Where it is, for a person. No credential.
    fn describe(&self) -> String;

    /// How old and new live side by side there.
    fn strategy(&self) -> Strategy;

    /// Whether a login with an old value can be tried, so that it is proven dead. Not where nobody was ever told it.
    fn confirms(&self) -> bool {
        true
    }

    /// What an application needs to reach it besides a credential; `None` if that does not say it.
    fn connection(&self) -> Option<Connection> {
        None
    }

    /// The rotator for a secret whose entry says that it is for `identity`. With users that take turns this is the first
    /// of them, whoever's turn it is. No I/O.
    fn rotator(&self, identity: Option<&Identity>) -> Arc<dyn Rotator>;
}

/// What an application needs to reach a target besides a credential.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Connection {
    /// The sort of server, as AWS's rotation functions call it: `postgres`, `mysql`, `mariadb`, `redis`, `rabbitmq`.
    pub engine: &'static str,
    /// The host's name or address.
    pub host: String,
    /// The port.
    pub port: u16,
    /// The database, where there are several.
    pub database: Option<String>,
}

/// One declared consumer.
pub trait Consumer: Send + Sync {
    /// What it is, for a person. No credential.
    fn describe(&self) -> String;

    /// Whether its evidence shows plain fingerprints, so that secrets with keyed ones cannot be watched through it.
    fn shows_plain_fingerprints(&self) -> bool;

    /// The operator's words for why this consumer is not watched, if it is not.
    fn trusted(&self) -> Option<String>;

    /// The notifier.
    fn notifier(&self) -> Arc<dyn Notifier>;
}

/// One declared way to tell people.
pub trait Channel: Send + Sync {
    /// Whom it reaches, for a person. No credential.
    fn describe(&self) -> String;

    /// The messenger.
    fn messenger(&self) -> Arc<dyn Messenger>;
}

/// The kinds that this build knows.
#[derive(Default)]
pub struct Kinds {
    /// Kinds of stores.
    pub stores: Vec<Arc<dyn Kind<dyn Store>>>,
    /// Kinds of rotators.
    pub rotators: Vec<Arc<dyn Kind<dyn Target>>>,
    /// Kinds of consumers.
    pub consumers: Vec<Arc<dyn Kind<dyn Consumer>>>,
    /// Kinds of notices.
    pub channels: Vec<Arc<dyn Kind<dyn Channel>>>,
    /// Kinds that exist, but not in this build: the kind and the feature that brings it.
    pub left_out: BTreeMap<&'static str, &'static str>,
}
