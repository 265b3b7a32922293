//! A store in memory: secrets by their key.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use async_trait::async_trait;
use keywheel_core::{
    Fingerprinter,
    provider::{Entrusted, Finding, Store},
    rotation::Location,
    secret::Secret,
    secret::Stage,
};

use super::{lock::lock, secret::MemorySecret};

/// The reference model of [`Store`]. Clones share one state.
#[derive(Clone, Debug, Default)]
pub struct MemoryStore(Arc<Mutex<BTreeMap<Arc<str>, MemorySecret>>>);

impl MemoryStore {
    /// A store without secrets.
    pub fn new() -> Self {
        Self::default()
    }

    /// From outside: puts `secret` behind `key`, with whatever capabilities it was made with.
    pub fn put(&self, key: &str, secret: MemorySecret) {
        lock(&self.0).insert(key.into(), secret);
    }

    /// The secret behind `location`, made on first sight: with `next` only where the location shows one.
    pub fn open(&self, location: &Location, fingerprinter: Fingerprinter) -> MemorySecret {
        let mut secrets = lock(&self.0);
        let secret = secrets.entry(Arc::clone(&location.key)).or_insert_with(|| {
            let secret = MemorySecret::new(fingerprinter.clone());
            if location.next.is_some() { secret } else { secret.without_next() }
        });
        secret.seen_with(fingerprinter)
    }
}

#[async_trait]
impl Store for MemoryStore {
    fn describe(&self) -> String {
        "memory".to_owned()
    }

    fn check_location(&self, location: &Location) -> Result<(), String> {
        if location.key.is_empty() { Err("the key is empty".to_owned()) } else { Ok(()) }
    }

    fn beside(&self, key: &str, stage: Stage) -> Option<Arc<str>> {
        Some(format!("{key}.{stage}").into())
    }

    fn secret(&self, location: &Location, fingerprinter: Fingerprinter) -> Arc<dyn Secret> {
        Arc::new(self.open(location, fingerprinter))
    }

    async fn examine(&self, _entrusted: &[Entrusted]) -> Vec<Finding> {
        Vec::new()
    }
}
