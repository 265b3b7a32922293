//! The contract of `Secret`, sentence by sentence, over every kind of file store.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use jiff::Timestamp;
use keywheel_core::{
    Clock, Fingerprinter,
    provider::{Settings, Store, Surroundings},
    rotation::Location,
    secret::{Secret, Stage},
    yaml::{Diagnostics, Source, parse},
};
use keywheel_engine::{SystemClock, layers};
use keywheel_testkit::{
    ManualClock,
    conformance::SecretFixture,
    faults::{FaultPlan, Faulty},
    secret_conformance,
};

/// A store of `kind` in `base`, as the inventory would declare it.
fn store(kind: &str, base: &Path, settings: &str) -> Arc<dyn Store> {
    let mut diagnostics = Diagnostics::new(Source::new("inventory.yaml", settings));
    let document = parse(&mut diagnostics).expect("the settings are YAML");
    let kinds = keywheel_provider_file::kinds();
    let kind = kinds.iter().find(|known| known.name() == kind).expect("the kind is known");
    let clock = Arc::new(ManualClock::at(Timestamp::UNIX_EPOCH));
    let surroundings = Surroundings { base: base.to_owned(), clock };
    let settings = Settings { node: document.root(), diagnostics: &mut diagnostics };
    kind.configure(&surroundings, settings).expect("the settings are right")
}

/// With places for consumers that accept more than the current version, or without.
#[derive(Clone, Copy)]
enum Shown {
    CurrentOnly,
    NextAndPrevious,
}

struct Scene {
    kind: &'static str,
    settings: &'static str,
    key: &'static str,
    shown: Shown,
}

impl Scene {
    fn open(&self, base: &Path) -> Arc<dyn Secret> {
        let store = store(self.kind, base, self.settings);
        let beside = |stage| match self.shown {
            Shown::CurrentOnly => None,
            Shown::NextAndPrevious => store.beside(self.key, stage),
        };
        let location =
            Location { key: self.key.into(), next: beside(Stage::Next), previous: beside(Stage::Previous) };
        store.secret(&location, Fingerprinter::plain())
    }

    fn fixture(self, consumers_see: fn(&Path) -> Vec<Vec<u8>>) -> SecretFixture {
        self.under(consumers_see, |secret| secret)
    }

    /// With something around every handle.
    fn under(
        self,
        consumers_see: fn(&Path) -> Vec<Vec<u8>>,
        wrap: fn(Arc<dyn Secret>) -> Arc<dyn Secret>,
    ) -> SecretFixture {
        let directory = tempfile::tempdir().expect("a temporary directory");
        if self.kind == "document" {
            fs::write(directory.path().join("config.json"), "{\n  \"app\": {}\n}\n").expect("a document");
        }
        let base: PathBuf = directory.path().to_owned();
        let outside = base.clone();
        let scene = Arc::new(self);
        SecretFixture::new(wrap(scene.open(&base)))
            .reopened_by(move || wrap(scene.open(&base)))
            .seen_by_consumers(move || {
                let seen = consumers_see(&outside);
                Box::pin(async move { seen })
            })
            .keeping(directory)
    }
}

/// Every file of the directory but hidden ones: a value that is being written has a hidden name until it is whole.
fn files(base: &Path) -> Vec<Vec<u8>> {
    let Ok(entries) = fs::read_dir(base.join("secrets")) else { return Vec::new() };
    let shown = entries.flatten().filter(|entry| !entry.file_name().as_encoded_bytes().starts_with(b"."));
    shown.filter_map(|entry| fs::read(entry.path()).ok()).collect()
}

/// Every variable of the file, as a library of the field reads it.
fn variables(base: &Path) -> Vec<Vec<u8>> {
    let Ok(variables) = dotenvy::from_path_iter(base.join("app.env")) else { return Vec::new() };
    variables.flatten().map(|(_, value)| value.into_bytes()).collect()
}

/// Every field of the object.
fn fields(base: &Path) -> Vec<Vec<u8>> {
    let text = fs::read(base.join("config.json")).unwrap_or_default();
    let document: serde_json::Value = serde_json::from_slice(&text).unwrap_or_default();
    let object = document["app"].as_object().cloned().unwrap_or_default();
    object.values().filter_map(|value| value.as_str()).map(|value| value.as_bytes().to_vec()).collect()
}

const DIRECTORY: (&str, &str, &str) = ("directory", "path: ./secrets", "password");
const ENV_FILE: (&str, &str, &str) = ("env-file", "path: ./app.env", "PASSWORD");
const DOCUMENT: (&str, &str, &str) = ("document", "path: ./config.json", "/app/password");

fn scene((kind, settings, key): (&'static str, &'static str, &'static str), shown: Shown) -> Scene {
    Scene { kind, settings, key, shown }
}

secret_conformance!(directory, || async { scene(DIRECTORY, Shown::CurrentOnly).fixture(files) });
secret_conformance!(directory_with_next, || async {
    scene(DIRECTORY, Shown::NextAndPrevious).fixture(files)
});
secret_conformance!(env_file, || async { scene(ENV_FILE, Shown::CurrentOnly).fixture(variables) });
secret_conformance!(env_file_with_next, || async {
    scene(ENV_FILE, Shown::NextAndPrevious).fixture(variables)
});
secret_conformance!(document, || async { scene(DOCUMENT, Shown::CurrentOnly).fixture(fields) });
secret_conformance!(document_with_next, || async { scene(DOCUMENT, Shown::NextAndPrevious).fixture(fields) });

fn calm(secret: Arc<dyn Secret>) -> Arc<dyn Secret> {
    Arc::new(Faulty::new(secret, FaultPlan::none(), "calm"))
}

fn layered(secret: Arc<dyn Secret>) -> Arc<dyn Secret> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    Arc::new(layers::stack(secret, &clock, "file"))
}

secret_conformance!(directory_under_faulty, || async {
    scene(DIRECTORY, Shown::NextAndPrevious).under(files, calm)
});
secret_conformance!(directory_under_layers, || async {
    scene(DIRECTORY, Shown::NextAndPrevious).under(files, layered)
});
secret_conformance!(env_file_under_layers, || async {
    scene(ENV_FILE, Shown::NextAndPrevious).under(variables, layered)
});
secret_conformance!(document_under_layers, || async {
    scene(DOCUMENT, Shown::NextAndPrevious).under(fields, layered)
});
