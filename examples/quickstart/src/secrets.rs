//! Where this application finds its secrets, as many applications do: files, an `.env` file, a JSON document.

use std::{fs, path::Path};

use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

const PASSWORDS: [&str; 5] =
    ["postgres-admin", "postgres-app", "postgres-readonly", "postgres-reporting", "postgres-migrations"];
const SIGNING_KEYS: [&str; 2] = ["session-key", "csrf-key"];
const OAUTH: [&str; 3] = ["github", "google", "stripe"];

/// The fingerprint of every secret in use, by its name in the inventory. Signing keys show which keys are accepted, too.
pub(crate) fn fingerprints() -> Value {
    let mut shown = Map::new();
    for name in PASSWORDS {
        insert(&mut shown, name, file(name));
    }
    for name in SIGNING_KEYS {
        let accepted: Vec<_> =
            ["", ".next", ".previous"].iter().filter_map(|stage| file(&format!("{name}{stage}"))).collect();
        shown.insert(name.to_owned(), json!({ "current": file(name), "accepted": accepted }));
    }
    insert(&mut shown, "redis-password", variable("REDIS_PASSWORD"));
    for provider in OAUTH {
        insert(&mut shown, &format!("oauth-{provider}"), field(provider));
    }
    Value::Object(shown)
}

fn insert(shown: &mut Map<String, Value>, name: &str, fingerprint: Option<String>) {
    shown.insert(name.to_owned(), fingerprint.map_or(Value::Null, Value::String));
}

fn file(name: &str) -> Option<String> {
    fs::read(Path::new("secrets").join(name)).ok().map(|value| fingerprint(&value))
}

fn variable(name: &str) -> Option<String> {
    let (_, value) = dotenvy::from_path_iter("app.env").ok()?.flatten().find(|(key, _)| key == name)?;
    Some(fingerprint(value.as_bytes()))
}

fn field(provider: &str) -> Option<String> {
    let document: Value = serde_json::from_slice(&fs::read("config.json").ok()?).ok()?;
    let value = document.pointer(&format!("/oauth/{provider}/client_secret"))?.as_str()?;
    Some(fingerprint(value.as_bytes()))
}

/// SHA-256 cut to 16 hex digits: what keywheel calls a plain fingerprint.
fn fingerprint(value: &[u8]) -> String {
    use std::fmt::Write as _;
    Sha256::digest(value)[..8].iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
