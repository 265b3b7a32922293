//! The KV engines.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{
    answer::{Answer, absent, done, envelope, errors, whole},
    state::Asked,
};

/// What the engine keeps unless it is told a number.
const VERSIONS: u64 = 10;

/// An engine of version 2.
#[derive(Default)]
pub struct Kv2 {
    /// Whether a write without check-and-set is refused.
    pub cas_required: bool,
    /// How many versions a path keeps that does not say it; zero is ten.
    pub max_versions: u64,
    /// When versions are deleted by themselves, in the server's words; empty is never.
    pub delete_version_after: String,
    /// What there is.
    pub paths: BTreeMap<String, Path>,
}

/// One path.
#[derive(Default)]
pub struct Path {
    current: u64,
    oldest: u64,
    /// How many versions it keeps; zero is what the engine says.
    pub max_versions: u64,
    created: String,
    updated: String,
    /// Those that it keeps.
    pub versions: BTreeMap<u64, Version>,
}

/// One version of a path.
#[derive(Default)]
pub struct Version {
    data: Value,
    created: String,
    deleted: String,
    destroyed: bool,
}

impl Version {
    fn metadata(&self) -> Value {
        json!({"created_time": self.created, "deletion_time": self.deleted, "destroyed": self.destroyed})
    }

    fn is_readable(&self) -> bool {
        self.deleted.is_empty() && !self.destroyed
    }
}

impl Kv2 {
    /// The document at `path`, as a consumer reads it.
    pub fn latest(&self, path: &str) -> Value {
        self.at(path, self.paths.get(path).map_or(0, |path| path.current))
    }

    /// The document in one version, if it can be read.
    pub fn at(&self, path: &str, number: u64) -> Value {
        let version = self.paths.get(path).and_then(|path| path.versions.get(&number));
        version.filter(|version| version.is_readable()).map_or(Value::Null, |version| version.data.clone())
    }

    /// Every document that can be read, in each of its versions.
    pub fn readable(&self) -> Vec<&Value> {
        let versions = self.paths.values().flat_map(|path| path.versions.values());
        versions.filter(|version| version.is_readable()).map(|version| &version.data).collect()
    }

    /// The number of the latest version; zero if there is none.
    pub fn version(&self, path: &str) -> u64 {
        self.paths.get(path).map_or(0, |path| path.current)
    }

    /// Writes as somebody who knows nothing of keywheel.
    pub fn put(&mut self, path: &str, data: Value) {
        let now = format!("2026-11-21T00:00:00.{:09}Z", self.version(path) + 1);
        self.store(path, data, &now);
    }

    /// As `vault kv delete` does.
    pub fn delete_latest(&mut self, path: &str) {
        let at = self.paths.get_mut(path).expect("a path");
        let latest = at.versions.get_mut(&at.current).expect("a version");
        "2026-11-21T00:00:00Z".clone_into(&mut latest.deleted);
    }

    fn store(&mut self, path: &str, data: Value, now: &str) -> Value {
        let limit = self.max_versions;
        let at = self.paths.entry(path.to_owned()).or_default();
        at.current += 1;
        if at.created.is_empty() {
            now.clone_into(&mut at.created);
        }
        now.clone_into(&mut at.updated);
        let version = Version { data, created: now.to_owned(), ..Version::default() };
        at.versions.insert(at.current, version);
        let limit =
            [at.max_versions, limit, VERSIONS].into_iter().find(|limit| *limit > 0).unwrap_or(VERSIONS);
        if at.current > limit {
            at.oldest = at.current - limit + 1;
            at.versions = at.versions.split_off(&at.oldest);
        }
        let mut made = at.versions[&at.current].metadata();
        made["version"] = json!(at.current);
        made
    }

    pub(super) fn answer(&mut self, asked: &Asked<'_>, rest: &str, now: &str) -> Answer {
        let (part, path) = rest.split_once('/').unwrap_or((rest, ""));
        match (asked.method, part) {
            ("GET", "data") => self.read(path, asked.version),
            ("POST" | "PUT", "data") => self.write(path, asked.body, now),
            ("DELETE", "data") => {
                let latest = self.paths.get_mut(path).and_then(|at| at.versions.get_mut(&at.current));
                if let Some(version) = latest {
                    now.clone_into(&mut version.deleted);
                }
                done()
            }
            ("GET", "metadata") => self.metadata(path),
            ("LIST", "metadata") => {
                let keys: Vec<_> =
                    self.paths.keys().filter_map(|key| key.strip_prefix(path)?.strip_prefix('/')).collect();
                if keys.is_empty() { absent() } else { envelope(200, json!({ "keys": keys })) }
            }
            ("POST" | "PUT", "metadata") => {
                let at = self.paths.entry(path.to_owned()).or_default();
                if let Some(number) = asked.body["max_versions"].as_u64() {
                    at.max_versions = number;
                }
                done()
            }
            ("DELETE", "metadata") => {
                self.paths.remove(path);
                done()
            }
            ("POST" | "PUT", "delete" | "undelete" | "destroy") => {
                self.each(path, asked.body, |version| match part {
                    "delete" => now.clone_into(&mut version.deleted),
                    "undelete" => version.deleted.clear(),
                    _ => {
                        version.destroyed = true;
                        version.data = Value::Null;
                    }
                });
                done()
            }
            ("GET", "config") => {
                let after =
                    if self.delete_version_after.is_empty() { "0s" } else { &self.delete_version_after };
                envelope(
                    200,
                    json!({
                        "cas_required": self.cas_required,
                        "delete_version_after": after,
                        "max_versions": self.max_versions,
                    }),
                )
            }
            ("POST" | "PUT", "config") => {
                self.cas_required = asked.body["cas_required"].as_bool().unwrap_or(self.cas_required);
                done()
            }
            ("PATCH", "data") => errors(405, &[]),
            _ => {
                let mut body = whole(&Value::Null, &Value::Null);
                body["warnings"] = json!([
                    "Invalid path for a versioned K/V secrets engine. See the API docs for the appropriate API endpoints \
                     to use. If using the Vault CLI, use 'vault kv get' for this operation."
                ]);
                (404, body)
            }
        }
    }

    fn read(&self, path: &str, number: Option<u64>) -> Answer {
        let found = self.paths.get(path).and_then(|at| {
            let number = number.filter(|number| *number > 0).unwrap_or(at.current);
            Some((number, at.versions.get(&number)?))
        });
        let Some((number, version)) = found else { return absent() };
        let mut metadata = version.metadata();
        metadata["version"] = json!(number);
        if version.is_readable() {
            envelope(200, json!({"data": version.data, "metadata": metadata}))
        } else {
            envelope(404, json!({"data": null, "metadata": metadata}))
        }
    }

    fn write(&mut self, path: &str, body: &Value, now: &str) -> Answer {
        let current = self.version(path);
        if body["data"].is_null() {
            return errors(400, &["no data provided"]);
        }
        if !body["data"].is_object() {
            let sentence = "error converting input text for field \"data\": '' expected a map, got 'string'";
            return errors(400, &[sentence]);
        }
        match body["options"]["cas"].as_u64() {
            Some(cas) if cas != current => {
                return errors(400, &["check-and-set parameter did not match the current version"]);
            }
            None if self.cas_required => {
                return errors(400, &["check-and-set parameter required for this call"]);
            }
            Some(_) | None => {}
        }
        envelope(200, self.store(path, body["data"].clone(), now))
    }

    fn metadata(&self, path: &str) -> Answer {
        let Some(at) = self.paths.get(path) else { return absent() };
        let versions: serde_json::Map<String, Value> =
            at.versions.iter().map(|(number, version)| (number.to_string(), version.metadata())).collect();
        envelope(
            200,
            json!({
                "cas_required": false,
                "created_time": at.created,
                "current_version": at.current,
                "delete_version_after": "0s",
                "max_versions": at.max_versions,
                "oldest_version": at.oldest,
                "updated_time": at.updated,
                "versions": versions,
            }),
        )
    }

    fn each(&mut self, path: &str, body: &Value, change: impl Fn(&mut Version)) {
        let Some(at) = self.paths.get_mut(path) else { return };
        for number in body["versions"].as_array().into_iter().flatten().filter_map(Value::as_u64) {
            if let Some(version) = at.versions.get_mut(&number) {
                change(version);
            }
        }
    }
}

#[derive(Default)]
pub(super) struct Kv1(BTreeMap<String, Value>);

impl Kv1 {
    pub(super) fn answer(&mut self, asked: &Asked<'_>, rest: &str) -> Answer {
        if asked.method != "GET" {
            self.0.insert(rest.to_owned(), asked.body.clone());
            return done();
        }
        let Some(data) = self.0.get(rest) else { return absent() };
        let mut body = whole(data, &Value::Null);
        body["lease_duration"] = json!(2_764_800);
        (200, body)
    }
}
