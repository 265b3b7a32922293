//! Every value that was ever made, and whether that is really every one.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use keywheel_tests::{files_below, fingerprint, hidden_versions, keyed_fingerprint};
use rusqlite::{Connection, OpenFlags};
use serde_json::Value;

use crate::encodings::PIECE;

/// Where values may be: the stores, what lies aside beside them, and what a person made ready.
const STORES: [&str; 8] = [
    "secrets",
    "app.env",
    "config.json",
    "inbox",
    "made",
    "wrong",
    ".keywheel/pending",
    ".keywheel/previous",
];

/// The values of one scene, and what each is called in messages.
#[derive(Default)]
pub(crate) struct Values(BTreeMap<Vec<u8>, String>);

/// What the journal says about values.
pub(crate) struct Journal {
    /// How many values were staged.
    pub(crate) staged: usize,
    /// Fingerprints that belong to none of the known values: those escaped the hunt.
    pub(crate) strangers: BTreeSet<String>,
}

impl Values {
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&[u8], &str)> {
        self.0.iter().map(|(value, name)| (value.as_slice(), name.as_str()))
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// One that is known otherwise.
    pub(crate) fn add(&mut self, place: &str, value: impl Into<Vec<u8>>) {
        let (value, number) = (value.into(), self.0.len() + 1);
        if value.len() >= PIECE {
            self.0.entry(value).or_insert_with(|| format!("value {number}, first seen in {place}"));
        }
    }

    /// Every value that stands in a store now.
    pub(crate) fn collect(&mut self, directory: &Path) {
        for value in hidden_versions(directory) {
            self.add("what is kept aside", value);
        }
        let whole = ["secrets", "made"].iter().flat_map(|name| files_below(&directory.join(name)));
        for path in whole.chain([directory.join("inbox")]) {
            if let Ok(value) = std::fs::read(&path) {
                let trimmed = value.strip_suffix(b"\n").map(<[u8]>::to_vec);
                self.add(&name_of(directory, &path), value);
                // An editor's line end is no part of a value.
                if let Some(value) = trimmed {
                    self.add(&name_of(directory, &path), value);
                }
            }
        }
        let variables = dotenvy::from_path_iter(directory.join("app.env")).into_iter().flatten().flatten();
        for (_, value) in variables {
            self.add("app.env", value);
        }
        let document = std::fs::read(directory.join("config.json"));
        if let Ok(document) = serde_json::from_slice::<Value>(&document.unwrap_or_default()) {
            texts(&document, &mut |_, text| self.add("config.json", text));
        }
    }

    /// Holds journal and audit against what is known: each fingerprint in them must be that of a known value.
    pub(crate) fn compare(&self, directory: &Path) -> Journal {
        let key = std::fs::read(directory.join(".keywheel/keys/fingerprint.key")).unwrap_or_default();
        let known: BTreeSet<String> = self
            .0
            .keys()
            .flat_map(|value| {
                let plain = [fingerprint(value), keyed_fingerprint(value, &key)];
                plain.into_iter().chain(cookie_fingerprint(value))
            })
            .collect();
        let mut staged = 0;
        let mut named = BTreeSet::new();
        let audit =
            std::fs::read_to_string(directory.join(".keywheel/audit/audit.jsonl")).unwrap_or_default();
        let lines = audit.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        for record in records(&directory.join(".keywheel/journal.db")).into_iter().chain(lines) {
            staged += usize::from(record.pointer("/event/done/facts/new").is_some());
            texts(&record, &mut |key, text| {
                if matches!(key, "fingerprint" | "current" | "old" | "new") {
                    named.insert(text.to_owned());
                }
            });
        }
        Journal { staged, strangers: named.difference(&known).cloned().collect() }
    }
}

/// Whether values may stand there. `name` is relative to the scene.
pub(crate) fn is_store(name: &Path) -> bool {
    STORES.iter().any(|store| name.starts_with(store))
}

pub(crate) fn name_of(directory: &Path, path: &Path) -> String {
    path.strip_prefix(directory).unwrap_or(path).display().to_string()
}

/// Looks at the journal with nothing of keywheel's own.
fn records(database: &Path) -> Vec<Value> {
    let connection = match Connection::open_with_flags(database, OpenFlags::SQLITE_OPEN_READ_WRITE) {
        Ok(connection) => connection,
        // A scene in which nothing was begun has none.
        Err(_) if !database.exists() => return Vec::new(),
        Err(error) => panic!("the journal cannot be read: {error}"),
    };
    let mut statement = connection.prepare("SELECT body FROM records").expect("the journal has records");
    let bodies = statement.query_map([], |row| row.get::<_, String>(0)).expect("they can be read");
    bodies
        .map(|body| serde_json::from_str(&body.expect("a record is text")).expect("a record is JSON"))
        .collect()
}

/// Every text in `value`, with the key under which it stands.
fn texts(value: &Value, told: &mut impl FnMut(&str, &str)) {
    match value {
        Value::Object(fields) => {
            for (key, value) in fields {
                match value {
                    Value::String(text) => told(key, text),
                    Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => {
                        texts(value, told);
                    }
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| texts(item, told)),
        Value::String(text) => told("", text),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// The fingerprint of the key that a server derives from `value` for its cookies; `None` for a value that no server takes.
fn cookie_fingerprint(value: &[u8]) -> Option<String> {
    (value.len() >= 32).then(|| fingerprint(cookie::Key::derive_from(value).master()))
}
