//! Keys that never leave the server.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{
    answer::{Answer, done, envelope, errors},
    state::{Asked, nothing},
};

#[derive(Default)]
pub(super) struct Transit(BTreeMap<String, Key>);

struct Key {
    latest: u64,
    min_decryption: u64,
    /// What was encrypted last: a ciphertext of the fake holds nothing.
    plaintext: String,
}

impl Transit {
    pub(super) fn answer(&mut self, asked: &Asked<'_>, rest: &str) -> Answer {
        let parts: Vec<_> = rest.split('/').collect();
        match (asked.method, parts.as_slice()) {
            ("POST", ["keys", name]) => {
                self.0.insert(
                    (*name).to_owned(),
                    Key { latest: 1, min_decryption: 1, plaintext: "aGVsbG8=".to_owned() },
                );
                done()
            }
            ("POST", ["keys", name, "rotate"]) => match self.0.get_mut(*name) {
                Some(key) => {
                    key.latest += 1;
                    done()
                }
                None => errors(400, &["key not found"]),
            },
            ("POST", ["keys", name, "config"]) => {
                if let (Some(key), Some(least)) =
                    (self.0.get_mut(*name), asked.body["min_decryption_version"].as_u64())
                {
                    key.min_decryption = least;
                }
                done()
            }
            ("GET", ["keys", name]) => self.0.get(*name).map_or_else(nothing, |key| key.seen(name)),
            ("POST", ["encrypt" | "rewrap", name]) => self.0.get_mut(*name).map_or_else(nothing, |key| {
                if let Some(plaintext) = asked.body["plaintext"].as_str() {
                    plaintext.clone_into(&mut key.plaintext);
                }
                let ciphertext = format!("vault:v{}:AAAA", key.latest);
                envelope(200, json!({"ciphertext": ciphertext, "key_version": key.latest}))
            }),
            ("POST", ["decrypt", name]) => {
                let text = asked.body["ciphertext"].as_str().unwrap_or_default();
                let version =
                    text.trim_start_matches("vault:v").split(':').next().and_then(|v| v.parse().ok());
                match (self.0.get(*name), version) {
                    (Some(key), Some(version)) if key.min_decryption <= version => {
                        envelope(200, json!({"plaintext": key.plaintext}))
                    }
                    _ => errors(400, &["ciphertext or signature version is disallowed by policy (too old)"]),
                }
            }
            _ => nothing(),
        }
    }
}

impl Key {
    fn seen(&self, name: &str) -> Answer {
        let keys: serde_json::Map<String, Value> = (self.min_decryption..=self.latest)
            .map(|number| (number.to_string(), json!(1_795_166_304)))
            .collect();
        envelope(
            200,
            json!({
                "allow_plaintext_backup": false,
                "deletion_allowed": false,
                "derived": false,
                "exportable": false,
                "keys": keys,
                "latest_version": self.latest,
                "min_available_version": 0,
                "min_decryption_version": self.min_decryption,
                "min_encryption_version": 0,
                "name": name,
                "supports_decryption": true,
                "supports_derivation": true,
                "supports_encryption": true,
                "supports_signing": false,
                "type": "aes256-gcm96",
            }),
        )
    }
}
