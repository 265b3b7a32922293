//! What the server says when it has something to say: recorded once, and compared with what it says today. The test `vault`
//! holds the store to the meaning of each (`tests/vault/answers.rs`).
//!
//! `KEYWHEEL_RECORD=1` has the recording made anew.

use std::{env, fs, path::PathBuf};

use keywheel_testservers::OpenBao;
use serde_json::{Map, Value, json};

use crate::scene::client;

/// What differs from one run to the next, or is a credential.
const REDACTED: [&str; 5] = ["request_id", "created_time", "deletion_time", "retry-after", "server_time_utc"];

/// One request, and who sends it: the name of a token in [`Tokens`].
struct Asked {
    name: &'static str,
    who: &'static str,
    method: &'static str,
    path: &'static str,
    body: Value,
    namespace: Option<&'static str>,
}

struct Tokens {
    root: String,
    reader: String,
}

fn asked(name: &'static str, who: &'static str, words: &'static str, body: Value) -> Asked {
    let (method, path) = words.split_once(' ').unwrap();
    Asked { name, who, method, path, body, namespace: None }
}

fn recording() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/vault/openbao.jsonl")
}

/// The same everywhere but for what is [`REDACTED`]; an empty text stays one.
fn redacted(value: Value) -> Value {
    match value {
        Value::Object(fields) => {
            let fields = fields.into_iter().map(|(key, value)| {
                let hide =
                    REDACTED.contains(&key.as_str()) && value.as_str().is_some_and(|text| !text.is_empty());
                let value = if hide { json!(format!("<{key}>")) } else { redacted(value) };
                (key, value)
            });
            Value::Object(fields.collect::<Map<_, _>>())
        }
        Value::Array(items) => items.into_iter().map(redacted).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value,
    }
}

async fn exchange(server: &OpenBao, tokens: &Tokens, asked: &Asked) -> Value {
    let Asked { name, who, method, path, body, namespace } = asked;
    let token = match *who {
        "root" => Some(tokens.root.as_str()),
        "reader" => Some(tokens.reader.as_str()),
        "stranger" => Some("s.nobody-has-this-token"),
        "nobody" => None,
        who => panic!("nobody is called {who}"),
    };
    let mut request = client().request(method.parse().unwrap(), format!("{}/v1/{path}", server.url()));
    if let Some(token) = token {
        request = request.header("X-Vault-Token", token);
    }
    if let Some(namespace) = namespace {
        request = request.header("X-Vault-Namespace", *namespace);
    }
    if !body.is_null() {
        request = request.body(body.to_string());
    }
    let response = request.send().await.unwrap();
    let later = response.headers().get("retry-after").map(|later| later.to_str().unwrap().to_owned());
    let status = response.status().as_u16();
    let said: Value = serde_json::from_slice(&response.bytes().await.unwrap()).unwrap_or_default();
    redacted(json!({
        "name": name,
        "request": { "method": method, "path": path, "who": who, "namespace": namespace },
        "response": { "status": status, "retry-after": later, "body": said },
    }))
}

/// Whatever the exchanges find there.
fn prepare(server: &OpenBao) -> Tokens {
    for value in ["one", "two", "three"] {
        server.write("secret/data/app/database", &json!({ "data": { "value": value } }));
    }
    server.write("secret/delete/app/database", &json!({ "versions": [2] }));
    server.write("secret/destroy/app/database", &json!({ "versions": [1] }));
    server.mount_kv("strict");
    server.write("strict/config", &json!({ "cas_required": true }));
    server.mount_kv("limited");
    let read = r#"path "secret/data/*" { capabilities = ["read"] }"#;
    server.write("sys/policies/acl/reader", &json!({ "policy": read }));
    let made = server.write("auth/token/create", &json!({ "policies": ["reader"] }));
    for method in ["approle", "userpass"] {
        server.write(&format!("sys/auth/{method}"), &json!({ "type": method }));
    }
    server.write("auth/approle/role/rotator", &json!({ "token_policies": "reader" }));
    server.write("auth/approle/role/rotator/role-id", &json!({ "role_id": "the-role" }));
    server.write("auth/userpass/users/ops", &json!({ "password": "password-of-ops" }));
    Tokens { root: server.root_token(), reader: made["auth"]["client_token"].as_str().unwrap().to_owned() }
}

fn exchanges() -> Vec<Asked> {
    let write = |cas: Value| json!({ "options": cas, "data": { "value": "x" } });
    let wrong = json!({ "role_id": "the-role", "secret_id": "wrong" });
    vec![
        asked("a path that was never written", "root", "GET secret/data/app/none", Value::Null),
        asked("a version that never was", "root", "GET secret/data/app/database?version=9", Value::Null),
        asked("a deleted version", "root", "GET secret/data/app/database?version=2", Value::Null),
        asked("a destroyed version", "root", "GET secret/data/app/database?version=1", Value::Null),
        asked("a write behind another", "root", "POST secret/data/app/database", write(json!({ "cas": 2 }))),
        asked("a write without the check", "root", "POST strict/data/app/database", write(json!({}))),
        asked("a write without data", "root", "POST secret/data/app/database", json!({})),
        asked("an unknown mount", "root", "GET nothing/data/app/database", Value::Null),
        Asked {
            namespace: Some("nowhere"),
            ..asked("an unknown namespace", "root", "GET secret/data/app/database", Value::Null)
        },
        asked("no token", "nobody", "GET secret/data/app/database", Value::Null),
        asked("an unknown token", "stranger", "GET secret/data/app/database", Value::Null),
        asked("an unknown token that asks who it is", "stranger", "GET auth/token/lookup-self", Value::Null),
        asked("a missing right", "reader", "POST secret/data/app/database", write(json!({ "cas": 3 }))),
        asked(
            "an unknown role",
            "nobody",
            "POST auth/approle/login",
            json!({ "role_id": "other", "secret_id": "wrong" }),
        ),
        asked("a wrong secret id", "nobody", "POST auth/approle/login", wrong),
        asked("a wrong password", "nobody", "POST auth/userpass/login/ops", json!({ "password": "wrong" })),
    ]
}

#[tokio::test]
async fn the_server_says_what_it_said_when_it_was_recorded() {
    let server = OpenBao::start();
    let tokens = prepare(&server);
    let mut said = Vec::new();
    for asked in exchanges() {
        said.push(exchange(&server, &tokens, &asked).await);
    }
    // Five wrong passwords are enough.
    for _ in 0..8 {
        server.ask_as("", "POST", "auth/userpass/login/ops", &json!({ "password": "wrong" }));
    }
    let right = json!({ "password": "password-of-ops" });
    let locked = asked("a user who is locked out", "nobody", "POST auth/userpass/login/ops", right);
    said.push(exchange(&server, &tokens, &locked).await);
    server.write("sys/quotas/rate-limit/test", &json!({ "path": "limited/", "rate": 1, "interval": "1h" }));
    server.ask("GET", "limited/data/app/database", &Value::Null);
    let words = "GET limited/data/app/database";
    said.push(exchange(&server, &tokens, &asked("too many requests", "root", words, Value::Null)).await);
    server.write("sys/quotas/config", &json!({ "enable_rate_limit_response_headers": true }));
    let later = asked("too many requests, and when to come back", "root", words, Value::Null);
    said.push(exchange(&server, &tokens, &later).await);
    server.seal();
    for (name, who, words) in [
        ("a read while it is sealed", "root", "GET secret/data/app/database"),
        ("a login while it is sealed", "nobody", "POST auth/approle/login"),
    ] {
        said.push(exchange(&server, &tokens, &asked(name, who, words, Value::Null)).await);
    }
    let mut lines = said.iter().map(Value::to_string).collect::<Vec<_>>().join("\n");
    lines.push('\n');
    if env::var_os("KEYWHEEL_RECORD").is_some() {
        fs::write(recording(), &lines).unwrap();
    }
    let recorded = fs::read_to_string(recording()).unwrap();
    let recorded: Vec<Value> = recorded.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(
        said, recorded,
        "another version may say it otherwise: KEYWHEEL_RECORD=1, and then the test `vault`"
    );
    let secrets = [tokens.root, tokens.reader, "password-of-ops".to_owned()];
    assert!(secrets.iter().all(|secret| !lines.contains(secret)), "a credential is in the recording");
}
