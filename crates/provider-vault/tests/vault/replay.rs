//! The fake is held to what a real server answered: every recorded exchange, in order.

use std::{env, fs, path::PathBuf};

use keywheel_testservers::vault::{Fake, Token};
use reqwest::Method;
use serde_json::{Value, json};

use crate::scene::ask;

/// What differs from one run of a server to the next.
const VOLATILE: [&str; 22] = [
    "accessor",
    "ciphertext",
    "client_token",
    "cluster_id",
    "cluster_name",
    "created_time",
    "creation_time",
    "creation_ttl",
    "deletion_time",
    "entity_id",
    "expire_time",
    "id",
    "issue_time",
    "keys_at",
    "last_vault_rotation",
    "password",
    "request_id",
    "server_time_utc",
    "time",
    "ttl",
    "updated_time",
    "uuid",
];

/// Looks upward for `shared/peers`, unless `KEYWHEEL_SHARED` names it.
fn recording() -> PathBuf {
    const FILE: &str = "peers/vault-exchanges.jsonl";
    if let Ok(shared) = env::var("KEYWHEEL_SHARED") {
        return PathBuf::from(shared).join(FILE);
    }
    let here = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let found = here.ancestors().map(|above| above.join("shared").join(FILE)).find(|path| path.exists());
    found.unwrap_or_else(|| {
        panic!("no shared/{FILE} above {}: name the directory `shared` in KEYWHEEL_SHARED", here.display())
    })
}

#[tokio::test]
async fn the_fake_answers_as_the_recorded_server_did() {
    let path = recording();
    let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let exchanges: Vec<Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .filter(|exchange: &Value| exchange["request"].is_object())
        .collect();
    assert!(exchanges.len() > 60, "{} exchanges", exchanges.len());
    let fake = Fake::start();
    prepare(&fake);
    for exchange in &exchanges {
        let name = exchange["name"].as_str().unwrap();
        before(&fake, name);
        let asked = &exchange["request"];
        let token = match asked["token"].as_str() {
            None => "",
            Some("<root>") => Fake::ROOT,
            Some("<other>") if name == "wrong token" => "s.nobody-has-this-token",
            Some("<other>") => "s.read-only",
            Some(token) => panic!("an unknown token {token}"),
        };
        let body = asked["body"].to_string().replace("<role-id>", "role").replace("<secret-id>", "secret");
        let body = serde_json::from_str(&body).unwrap();
        let method = Method::from_bytes(asked["method"].as_str().unwrap().as_bytes()).unwrap();
        let path = asked["path"].as_str().unwrap().trim_start_matches("/v1/");
        let (status, body) = ask(&fake.url(), token, method, path, &body).await;
        let recorded = &exchange["response"];
        assert_eq!(json!(status), recorded["status"], "{name}: {body}");
        same(name, "", &recorded["body"], &body);
    }
}

/// What was there before the recording began.
fn prepare(fake: &Fake) {
    fake.state(|state| {
        for (mount, kind) in [("kv", "kv"), ("transit", "transit"), ("database", "database")] {
            state.mount(mount, kind, "1");
        }
        let rules = vec![("secret/data/app/event-signing-key".to_owned(), vec!["read"])];
        let read_only = Token { rules, ttl: 3600, ..Token::default() };
        state.tokens.insert("s.read-only".to_owned(), read_only);
        "role".clone_into(&mut state.roles.role_id);
        state.roles.renewable = true;
        state.roles.given.ttl = 1200;
        state.roles.secret_ids.insert("secret".to_owned(), 1);
    });
}

/// What was done between two exchanges without being recorded.
fn before(fake: &Fake, name: &str) {
    if name == "kv2 metadata once max_versions has dropped old versions" {
        fake.state(|state| {
            let kv = state.kv("secret");
            kv.paths.entry("app/many".to_owned()).or_default().max_versions = 3;
            for number in 1..=8 {
                kv.put("app/many", json!({ "value": number }));
            }
        });
    }
}

/// The same keys, the same sorts, and the same values but for what differs from run to run.
fn same(name: &str, at: &str, recorded: &Value, got: &Value) {
    match (recorded, got) {
        (Value::Object(recorded), Value::Object(got)) => {
            let keys: Vec<_> = recorded.keys().collect();
            assert_eq!(keys, got.keys().collect::<Vec<_>>(), "{name}: {at}");
            for (key, value) in recorded {
                same(name, &format!("{at}/{key}"), value, &got[key]);
            }
        }
        (Value::Array(recorded), Value::Array(got)) => {
            assert_eq!(recorded.len(), got.len(), "{name}: {at}");
            for (recorded, got) in recorded.iter().zip(got) {
                same(name, at, recorded, got);
            }
        }
        _ if VOLATILE.iter().any(|key| at.ends_with(&format!("/{key}"))) || at.contains("/keys/") => {
            let sort = |value: &Value| match value {
                Value::Null => "null",
                Value::Bool(_) => "bool",
                Value::Number(_) => "number",
                Value::String(text) if text.is_empty() => "empty text",
                Value::String(_) => "text",
                Value::Array(_) => "list",
                Value::Object(_) => "object",
            };
            assert_eq!(sort(recorded), sort(got), "{name}: {at}");
        }
        _ => assert_eq!(recorded, got, "{name}: {at}"),
    }
}
