//! `env-file` and `document`: several secrets in one file.

use std::sync::{Arc, Mutex};

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
    fields::{Fields, SharedFile},
    secret::FileSecret,
    settings::{self, Declared, DocumentSettings, EnvFileSettings},
    text_format::TextFormat,
};

pub(super) struct EnvFileKind;

pub(super) struct DocumentKind;

impl Kind<dyn Store> for EnvFileKind {
    fn name(&self) -> &'static str {
        "env-file"
    }

    fn schema(&self, generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        EnvFileSettings::json_schema(generator)
    }

    fn configure(&self, surroundings: &Surroundings, settings: Settings<'_>) -> Option<Arc<dyn Store>> {
        let declared = settings::declared(surroundings, settings, |settings: EnvFileSettings| {
            (settings.path, settings.max_bytes)
        })?;
        Some(Arc::new(SharedFileStore::new(declared, TextFormat::EnvFile)))
    }
}

impl Kind<dyn Store> for DocumentKind {
    fn name(&self) -> &'static str {
        "document"
    }

    fn schema(&self, generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        DocumentSettings::json_schema(generator)
    }

    fn configure(&self, surroundings: &Surroundings, settings: Settings<'_>) -> Option<Arc<dyn Store>> {
        let declared = settings::declared(surroundings, settings, |settings: DocumentSettings| {
            (settings.path, settings.max_bytes)
        })?;
        Some(Arc::new(SharedFileStore::new(declared, TextFormat::Document)))
    }
}

struct SharedFileStore {
    declared: Declared,
    file: Arc<SharedFile>,
}

impl SharedFileStore {
    fn new(declared: Declared, format: TextFormat) -> Self {
        let file = Arc::new(SharedFile {
            roots: Arc::new(Roots::of_file(declared.parent.clone())),
            name: declared.name.clone(),
            format,
            limit: declared.limit,
            writing: Mutex::default(),
        });
        Self { declared, file }
    }
}

#[async_trait]
impl Store for SharedFileStore {
    fn describe(&self) -> String {
        let what = match self.file.format {
            TextFormat::EnvFile => "environment file",
            TextFormat::Document => "document",
        };
        format!("{what} {}", self.declared.path.display())
    }

    fn check_location(&self, location: &Location) -> Result<(), String> {
        check::text_location(self.file.format, location)
    }

    fn beside(&self, key: &str, stage: Stage) -> Option<Arc<str>> {
        match stage {
            Stage::Next | Stage::Previous => Some(self.file.format.beside(key, stage.as_str()).into()),
            Stage::Pending | Stage::Current => None,
        }
    }

    fn secret(&self, location: &Location, fingerprinter: Fingerprinter) -> Arc<dyn Secret> {
        let aside = Aside::new(self.declared.name.as_bytes(), &location.key, self.declared.limit);
        let fields = Fields { file: Arc::clone(&self.file), location: location.clone() };
        let roots = Arc::clone(&self.file.roots);
        Arc::new(FileSecret::new(fields, aside, roots, &location.key, fingerprinter))
    }

    async fn examine(&self, entrusted: &[Entrusted]) -> Vec<Finding> {
        examine::shared_file(self.declared.clone(), Arc::clone(&self.file), entrusted.to_vec()).await
    }
}
