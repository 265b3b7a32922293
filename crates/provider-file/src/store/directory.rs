//! `directory`: one file for each secret.

use std::sync::Arc;

use async_trait::async_trait;
use keywheel_core::{
    Fingerprinter,
    provider::{Entrusted, Finding, Kind, Settings, Store, Surroundings},
    rotation::Location,
    secret::{Secret, Stage},
};
use schemars::JsonSchema;

use super::{Roots, check};
use crate::{
    aside::Aside,
    examine,
    files::Files,
    secret::FileSecret,
    settings::{self, Declared, DirectorySettings},
};

pub(super) struct DirectoryKind;

impl Kind<dyn Store> for DirectoryKind {
    fn name(&self) -> &'static str {
        "directory"
    }

    fn schema(&self, generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        DirectorySettings::json_schema(generator)
    }

    fn configure(&self, surroundings: &Surroundings, settings: Settings<'_>) -> Option<Arc<dyn Store>> {
        let declared = settings::declared(surroundings, settings, |settings: DirectorySettings| {
            (settings.path, settings.max_bytes)
        })?;
        let roots = Arc::new(Roots::of_directory(declared.path.clone(), declared.parent.clone()));
        Some(Arc::new(DirectoryStore { declared, roots }))
    }
}

struct DirectoryStore {
    declared: Declared,
    roots: Arc<Roots>,
}

#[async_trait]
impl Store for DirectoryStore {
    fn describe(&self) -> String {
        format!("directory {}", self.declared.path.display())
    }

    fn check_location(&self, location: &Location) -> Result<(), String> {
        check::file_location(location)
    }

    fn beside(&self, key: &str, stage: Stage) -> Option<Arc<str>> {
        match stage {
            Stage::Next | Stage::Previous => Some(format!("{key}.{stage}").into()),
            Stage::Pending | Stage::Current => None,
        }
    }

    fn secret(&self, location: &Location, fingerprinter: Fingerprinter) -> Arc<dyn Secret> {
        let limit = self.declared.limit;
        let aside = Aside::new(self.declared.name.as_bytes(), &location.key, limit);
        let files = Files { roots: Arc::clone(&self.roots), location: location.clone(), limit };
        Arc::new(FileSecret::new(files, aside, Arc::clone(&self.roots), &location.key, fingerprinter))
    }

    async fn examine(&self, entrusted: &[Entrusted]) -> Vec<Finding> {
        examine::directory(self.declared.clone(), entrusted.to_vec()).await
    }
}
