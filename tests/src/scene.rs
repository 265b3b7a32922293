//! A directory with an inventory, stores and a consumer.

use std::{
    fs,
    os::unix::fs::{DirBuilderExt, PermissionsExt},
    path::{Path, PathBuf},
};

use tempfile::TempDir;

use crate::{
    consumer::{Consumer, Habit},
    keywheel::{Keywheel, Said},
    place::Place,
};

/// A directory of its own; kept when the test fails.
pub struct Scene {
    directory: Option<TempDir>,
    path: PathBuf,
}

/// The stores and the consumer that scenes have unless they say otherwise.
const STORES: &str = r#"version: 1

stores:
  files:
    directory: { path: ./secrets }
  dotenv:
    env-file: { path: ./app.env }
  config:
    document: { path: ./config.json }

consumers:
  app:
    signal:
      pid-file: ./run/app.pid
      evidence:
        file: { path: ./run/fingerprints.json, pointer: "/{secret}" }
    deadline: DEADLINE
    on-deadline: ON-DEADLINE

secrets:
"#;

impl Scene {
    /// The value of every secret before the first rotation.
    pub const OLD: &str = "the-old-value-0123456789-abcdefgh";

    /// An empty directory.
    pub fn empty() -> Self {
        let directory = tempfile::Builder::new().prefix("keywheel-scene-").tempdir().unwrap();
        Self { path: directory.path().to_path_buf(), directory: Some(directory) }
    }

    /// A directory of files, an `.env` file, a JSON document; a consumer that has 10 seconds; and `secrets`.
    pub fn new(secrets: &str) -> Self {
        Self::with_deadline("10s", "park", secrets)
    }

    /// As [`Self::new`], with another patience for the consumer.
    pub fn with_deadline(deadline: &str, on_deadline: &str, secrets: &str) -> Self {
        let scene = Self::empty();
        for name in ["secrets", "run"] {
            fs::DirBuilder::new().mode(0o700).create(scene.path.join(name)).unwrap();
        }
        let old = Self::OLD;
        let environment = format!("# settings\nexport PORT=8080\nDB='{old}' # the database\n\nLOG=info\n");
        scene.write("app.env", environment);
        let document = format!(
            "{{\n  \"port\": 8080,\n  \"db\": {{ \"user\": \"app\", \"password\": \"{old}\" }}\n}}\n"
        );
        scene.write("config.json", document);
        let stores = STORES.replace("ON-DEADLINE", on_deadline).replace("DEADLINE", deadline);
        scene.write("keywheel.yaml", stores + secrets);
        scene
    }

    /// One password in a file, and what more the entry says.
    pub fn password(more: &str) -> Self {
        Self::password_with_deadline("10s", "park", more)
    }

    /// As [`Self::password`], with another patience for the consumer.
    pub fn password_with_deadline(deadline: &str, on_deadline: &str, more: &str) -> Self {
        let entry = format!("  db: {{ generate: password, stores: [files], {more} }}\n");
        let scene = Self::with_deadline(deadline, on_deadline, &entry);
        scene.write("secrets/db", Self::OLD);
        scene
    }

    /// Its directory.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Writes a file, mode 0600.
    pub fn write(&self, name: &str, text: impl AsRef<[u8]>) {
        let path = self.path.join(name);
        fs::write(&path, text).unwrap();
        fs::set_permissions(path, fs::Permissions::from_mode(0o600)).unwrap();
    }

    /// Reads a file.
    ///
    /// # Panics
    /// When there is none.
    #[track_caller]
    pub fn read(&self, name: &str) -> Vec<u8> {
        fs::read(self.path.join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    /// `keywheel ARGUMENTS`, run to its end. Asks nobody.
    pub fn keywheel(&self, arguments: &[&str]) -> Said {
        self.command(arguments).run()
    }

    /// `keywheel ARGUMENTS`, not yet run.
    pub fn command(&self, arguments: &[&str]) -> Keywheel {
        Keywheel::new(&self.path, arguments)
    }

    /// A consumer of `db` in its file.
    pub fn consumer(&self, habit: Habit) -> Consumer {
        Consumer::start(&self.path, &[("db", &Place::file("secrets/db"), false)], habit)
    }

    /// Insists that nothing is unfinished, that nothing is pending, and that records and audit are whole.
    ///
    /// # Panics
    /// When something is left.
    #[track_caller]
    pub fn is_settled(&self) {
        if let Err(why) = self.unsettled() {
            panic!("{why}");
        }
    }

    /// What is not as it should be after the end of a rotation.
    ///
    /// # Errors
    /// The first thing that is wrong, in words.
    pub fn unsettled(&self) -> Result<(), String> {
        let status = self.keywheel(&["status", "--output", "json"]);
        let document: serde_json::Value = serde_json::from_str(&status.stdout)
            .map_err(|error| format!("status gives no JSON ({error}): {}", status.words()))?;
        if status.code() != Some(0) || has_unfinished(&document) {
            return Err(format!("something is unfinished: {}", status.words()));
        }
        let pending = crate::outside::pending_files(&self.path);
        if !pending.is_empty() {
            return Err(format!("left as pending: {pending:?}"));
        }
        for look in [&["verify"][..], &["audit", "verify"]] {
            let said = self.keywheel(look);
            if said.code() != Some(0) {
                return Err(format!("{look:?} exits with {:?}: {}", said.status, said.words()));
            }
        }
        Ok(())
    }

    /// Keeps the directory, and says where it is.
    pub fn keep(&mut self) -> PathBuf {
        if let Some(directory) = self.directory.take() {
            let _ = directory.keep();
        }
        self.path.clone()
    }
}

fn has_unfinished(value: &serde_json::Value) -> bool {
    match value {
        serde_json::Value::Object(fields) => fields
            .iter()
            .any(|(key, value)| (key == "unfinished" && !value.is_null()) || has_unfinished(value)),
        serde_json::Value::Array(items) => items.iter().any(has_unfinished),
        serde_json::Value::Null
        | serde_json::Value::Bool(_)
        | serde_json::Value::Number(_)
        | serde_json::Value::String(_) => false,
    }
}

impl Drop for Scene {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("the scene is kept in {}", self.keep().display());
        }
    }
}
