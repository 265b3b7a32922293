//! One declared mount.

use std::sync::Arc;

use async_trait::async_trait;
use keywheel_core::{
    Fingerprinter,
    provider::{Entrusted, Finding, Store},
    rotation::Location,
    secret::{Secret, Stage},
};

use crate::{api::Shared, examine, place, place::Place, secret::VaultSecret};

/// A KV engine of version 2, as the inventory declares it.
pub struct VaultStore {
    pub(crate) shared: Arc<Shared>,
    pub(crate) mount: Arc<str>,
    pub(crate) staging: Arc<str>,
}

impl VaultStore {
    pub(crate) fn new(shared: Shared, mount: String, staging: String) -> Self {
        let (mount, staging) = (mount.into(), staging.into());
        Self { shared: Arc::new(shared), mount, staging }
    }
}

#[async_trait]
impl Store for VaultStore {
    fn describe(&self) -> String {
        let Shared { address, namespace, .. } = &*self.shared;
        let namespace = namespace.as_ref().and_then(|namespace| namespace.to_str().ok());
        let namespace = namespace.map_or_else(String::new, |namespace| format!(", namespace {namespace}"));
        format!("mount {} of Vault at {address}{namespace}", self.mount)
    }

    fn check_location(&self, location: &Location) -> Result<(), String> {
        Place::of(location, &self.staging).map(drop)
    }

    fn beside(&self, key: &str, stage: Stage) -> Option<Arc<str>> {
        match stage {
            Stage::Next | Stage::Previous => Some(place::beside(key, stage)),
            Stage::Pending | Stage::Current => None,
        }
    }

    fn secret(&self, location: &Location, fingerprinter: Fingerprinter) -> Arc<dyn Secret> {
        // The inventory was refused for such a location; should one come here, nothing is sent for it.
        let place = Place::of(location, &self.staging).unwrap_or_else(|_| Place::nowhere());
        let sibling = place.sibling(&self.staging);
        let (shared, mount) = (Arc::clone(&self.shared), Arc::clone(&self.mount));
        Arc::new(VaultSecret::new(shared, mount, place, sibling, fingerprinter))
    }

    async fn examine(&self, entrusted: &[Entrusted]) -> Vec<Finding> {
        examine::store(self, entrusted).await
    }
}
