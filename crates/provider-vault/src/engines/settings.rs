//! The settings of the rotators.

use std::{marker::PhantomData, sync::Arc};

use keywheel_core::provider::{Declaration, Mistake, Surroundings, Target};
use schemars::JsonSchema;
use serde::Deserialize;

use super::target::{Engine, EngineTarget};
use crate::{
    auth::settings::AuthSettings,
    settings::{ServerSettings, TlsSettings, no_path},
};

/// An engine of a Vault or `OpenBao` server that makes credentials itself. Which one of its roles, connections or keys is
/// rotated is the `identity` of the secret's entry.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[serde(bound = "")]
#[schemars(bound = "")]
pub struct EngineSettings<E> {
    /// Where the server is: `https://vault.example.org:8200`.
    pub address: String,
    /// Where the engine is mounted. Default: `database`, or `transit` for keys.
    pub mount: Option<String>,
    /// The namespace that the mount and the login are in, where the server has namespaces. Default: none.
    pub namespace: Option<String>,
    /// The certificates on both sides. Default: the system's authorities, and no certificate of our own.
    pub tls: Option<TlsSettings>,
    /// How to log in: one of `token`, `app-role`, `kubernetes` and `userpass`.
    pub auth: AuthSettings,
    #[serde(skip)]
    #[schemars(skip)]
    engine: PhantomData<fn() -> E>,
}

impl<E: Engine> Declaration<dyn Target> for EngineSettings<E> {
    const KIND: &'static str = E::KIND;

    fn declare(self, surroundings: &Surroundings) -> Result<Arc<dyn Target>, Vec<Mistake>> {
        let Self { address, mount, namespace, tls, auth, engine: _ } = self;
        let mount = mount.unwrap_or_else(|| E::MOUNT.to_owned());
        let mistakes = no_path("mount", &mount).into_iter().collect();
        let server = ServerSettings { address, namespace, tls, auth };
        Ok(Arc::new(EngineTarget::<E>::new(server.resolve(surroundings, mistakes)?, mount)))
    }
}
