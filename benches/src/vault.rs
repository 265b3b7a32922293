//! Rotations in Vault's KV engine, beside a loop over the same HTTP client that asks for the same.
//!
//! The server is the fake of the tests, on a thread of this process. It answers in microseconds from memory, which no Vault
//! does, so there are two measurements: with it as it is, and with each write on a disk before it is answered, as Vault's
//! storage has it.

use std::{path::Path, sync::Arc};

use keywheel_testservers::vault::Fake;
use reqwest::{Client, Method, RequestBuilder, StatusCode};
use serde_json::{Value, json};

use crate::{
    measure::{Outcome, words},
    requests::{self, Least, Needed},
    rotations::{self, Comparison, NEW, OLD, Server},
};

const SECRETS: usize = 500;
const AT_ONCE: [usize; 4] = [1, 4, 16, 64];

const LEAST: Least = Least {
    stage: &[
        Needed { requests: 2, what: "look (what is pending and whose it is, the document)" },
        Needed { requests: 1, what: "write of the pending value" },
    ],
    promote: &[
        Needed { requests: 2, what: "look (the same)" },
        Needed { requests: 1, what: "write of the document" },
        Needed { requests: 1, what: "write of whose it is" },
    ],
    retire: &[
        Needed { requests: 3, what: "look (the same, and the older version that is to be destroyed)" },
        Needed { requests: 1, what: "destruction of that version" },
        Needed { requests: 1, what: "write of whose is left" },
    ],
    besides: "1 question how many versions the path keeps",
};

pub(crate) fn run() -> Outcome {
    println!(
        "vault: {SECRETS} secrets of a KV engine for each run, the first rotation of each, stage to retire, journal and"
    );
    println!(
        "audit on. The bare loop sends the same requests in the same order with the same HTTP client library."
    );
    let directory = tempfile::tempdir_in(".").map_err(words)?;
    let server = Arc::new(Kv { fake: Fake::start(), client: client()? });
    requests::count(&*server, &LEAST)?;
    let comparison = Comparison::of(Arc::clone(&server), SECRETS)?;
    println!("  over a server that has everything in memory alone:");
    let in_memory = comparison.best(&AT_ONCE)?;
    println!("  ratio where keywheel is fastest {in_memory:>7.2} (no limit: no Vault answers as fast)");
    println!("  over the same server with each write on the disk before it is answered:");
    server.fake.keep_writes(&directory.path().join("writes")).map_err(words)?;
    Ok(rotations::judged(comparison.best(&AT_ONCE)?))
}

struct Kv {
    fake: Fake,
    client: Client,
}

fn client() -> Outcome<Client> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let tls = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(words)?
        .with_root_certificates(rustls::RootCertStore::empty())
        .with_no_client_auth();
    Client::builder().no_proxy().tls_backend_preconfigured(tls).build().map_err(words)
}

impl Kv {
    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let url = format!("{}/v1/secret/{path}", self.fake.url());
        self.client.request(method, url).header("X-Vault-Request", "true").header("X-Vault-Token", Fake::ROOT)
    }

    async fn get(&self, path: &str) -> Outcome<Value> {
        answer(self.request(Method::GET, path)).await
    }

    async fn post(&self, path: &str, body: Value) -> Outcome<Value> {
        answer(
            self.request(Method::POST, path)
                .header("Content-Type", "application/json")
                .body(body.to_string()),
        )
        .await
    }

    async fn write(&self, path: &str, cas: u64, data: Value) -> Outcome<Value> {
        self.post(&format!("data/{path}"), json!({"options": {"cas": cas}, "data": data})).await
    }
}

/// The body, parsed. What is not found is an answer.
async fn answer(request: RequestBuilder) -> Outcome<Value> {
    let response = request.send().await.map_err(words)?;
    let status = response.status();
    let body = response.bytes().await.map_err(words)?;
    if !status.is_success() && status != StatusCode::NOT_FOUND {
        return Err(format!("the server answered {status}"));
    }
    if body.is_empty() { Ok(Value::Null) } else { serde_json::from_slice(&body).map_err(words) }
}

/// A note as long as keywheel's.
fn note(more: Value) -> Value {
    let mark = json!({
        "rotation": "00000000-0000-4000-8000-000000000000",
        "started-at": "2026-11-20T09:18:24.123456789Z",
        "initiator": "bench",
    });
    let known = json!({"id": "0123456789abcdef", "mark": mark, "since": "2026-11-20T09:18:24.123456789Z"});
    let mut note = json!({"format": 1, "current": known});
    if let (Some(note), Value::Object(more)) = (note.as_object_mut(), more) {
        note.extend(more);
    }
    note
}

impl Server for Kv {
    fn declaration(&self, directory: &Path) -> Outcome<String> {
        std::fs::write(directory.join("token"), Fake::ROOT).map_err(words)?;
        Ok(format!("vault: {{ address: '{}', auth: {{ token: 'file:token' }} }}", self.fake.url()))
    }

    fn path(&self, run: usize) -> String {
        // What it remembers of the run before is not looked at.
        self.fake.seen();
        format!("bench-{run}")
    }

    async fn fill(&self, key: &str) -> Outcome<()> {
        self.fake.state(|state| state.kv("secret").put(key, json!({"value": OLD, "port": 5432})));
        Ok(())
    }

    async fn rotate(&self, key: &str) -> Outcome<()> {
        let beside = format!("keywheel/{key}/value");
        let (record, document) = (format!("data/{beside}"), format!("data/{key}"));
        self.get(&record).await?;
        self.get(&document).await?;
        self.get(&format!("metadata/{key}")).await?;
        self.post(&format!("metadata/{beside}"), json!({"max_versions": 1})).await?;
        self.write(&beside, 0, note(json!({"pending": {"value": NEW}}))).await?;

        self.get(&record).await?;
        self.get(&document).await?;
        self.write(key, 1, json!({"value": NEW, "port": 5432})).await?;
        self.write(&beside, 1, note(json!({"previous": {"version": 1, "created": "2026-11-20T09:18:24Z"}})))
            .await?;

        self.get(&record).await?;
        self.get(&document).await?;
        self.get(&format!("{document}?version=1")).await?;
        self.post(&format!("destroy/{key}"), json!({"versions": [1]})).await?;
        self.write(&beside, 2, note(json!({}))).await.map(drop)
    }

    async fn current(&self, key: &str) -> Outcome<String> {
        let document = self.fake.state(|state| state.kv("secret").latest(key));
        Ok(document["value"].as_str().unwrap_or_default().to_owned())
    }

    fn asked(&self) -> usize {
        self.fake.count()
    }
}
