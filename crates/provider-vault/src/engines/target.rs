//! A declared engine.

use std::{marker::PhantomData, sync::Arc};

use keywheel_core::{
    Identity,
    provider::Target,
    rotator::{Rotator, Strategy},
};

use super::named::Named;
use crate::api::Shared;

/// One of the engines that make credentials.
pub(crate) trait Engine: Send + Sync + 'static {
    /// The word that stands for it in the inventory.
    const KIND: &'static str;
    /// Where it is mounted unless the inventory says otherwise.
    const MOUNT: &'static str;
    /// What a name in it stands for, for people.
    const NAMES: &'static str;
    /// What becomes of the old one.
    const STRATEGY: Strategy;
    /// Whether an old value can be tried.
    const CONFIRMS: bool;

    /// The rotator of what is called so.
    fn rotator(named: Named) -> Arc<dyn Rotator>;
}

pub(super) struct EngineTarget<E> {
    shared: Arc<Shared>,
    mount: Arc<str>,
    engine: PhantomData<fn() -> E>,
}

impl<E: Engine> EngineTarget<E> {
    pub(super) fn new(shared: Shared, mount: String) -> Self {
        Self { shared: Arc::new(shared), mount: mount.into(), engine: PhantomData }
    }
}

impl<E: Engine> Target for EngineTarget<E> {
    fn describe(&self) -> String {
        format!("{} of Vault at {}, mount {}", E::NAMES, self.shared.address, self.mount)
    }

    fn strategy(&self) -> Strategy {
        E::STRATEGY
    }

    fn confirms(&self) -> bool {
        E::CONFIRMS
    }

    fn rotator(&self, identity: Option<&Identity>) -> Arc<dyn Rotator> {
        let (shared, mount) = (Arc::clone(&self.shared), Arc::clone(&self.mount));
        E::rotator(Named { shared, mount, name: identity.map(Identity::shared), what: E::NAMES })
    }
}
