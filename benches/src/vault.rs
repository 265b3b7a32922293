//! Rotations in Vault's KV engine, beside a loop over the same HTTP client that asks for the same.
//!
//! The server is `OpenBao`, with its storage on the disk. The fake of the tests, on a thread of this process, counts the
//! requests of both; it answers in microseconds from memory, which no Vault does, so that its figures have no limit.

use std::{path::Path, sync::Arc};

use keywheel_testservers::{OpenBao, vault::Fake};
use reqwest::{Client, Method, RequestBuilder, StatusCode};
use serde_json::{Value, json};

use crate::{
    measure::{Outcome, words},
    requests::{self, Least, Needed},
    rotations::{self, Comparison, NEW, OLD, Server},
};

/// In memory, and on the disk.
const SECRETS: [usize; 2] = [500, 400];
const AT_ONCE: [usize; 3] = [1, 16, 64];

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
        "vault: {} and {} secrets of a KV engine for each run, the first rotation of each, stage to retire, journal and",
        SECRETS[0], SECRETS[1]
    );
    println!(
        "audit on. The bare loop sends the same requests in the same order with the same HTTP client library."
    );
    let fake = Arc::new(Kv { server: Kind::Fake(Fake::start()), client: client()? });
    requests::count(&*fake, &LEAST)?;
    println!("  over a stand-in that has everything in memory alone:");
    let in_memory = Comparison::of(fake, SECRETS[0])?.best(&AT_ONCE)?;
    println!("  ratio where keywheel is fastest {in_memory:>7.2} (no limit: no Vault answers as fast)");
    println!("  over OpenBao, with its storage on the disk:");
    let real = Arc::new(Kv { server: Kind::OpenBao(Box::new(OpenBao::start_durable())), client: client()? });
    Ok(rotations::judged(Comparison::of(real, SECRETS[1])?.best(&AT_ONCE)?))
}

struct Kv {
    server: Kind,
    client: Client,
}

enum Kind {
    Fake(Fake),
    OpenBao(Box<OpenBao>),
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
    fn url(&self) -> String {
        match &self.server {
            Kind::Fake(fake) => fake.url(),
            Kind::OpenBao(server) => server.url(),
        }
    }

    fn token(&self) -> String {
        match &self.server {
            Kind::Fake(_) => Fake::ROOT.to_owned(),
            Kind::OpenBao(server) => server.root_token(),
        }
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let url = format!("{}/v1/secret/{path}", self.url());
        self.client
            .request(method, url)
            .header("X-Vault-Request", "true")
            .header("X-Vault-Token", self.token())
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
        std::fs::write(directory.join("token"), self.token()).map_err(words)?;
        Ok(format!("vault: {{ address: '{}', auth: {{ token: 'file:token' }} }}", self.url()))
    }

    fn path(&self, run: usize) -> String {
        if let Kind::Fake(fake) = &self.server {
            // What it remembers of the run before is not looked at.
            fake.seen();
        }
        format!("bench-{run}")
    }

    async fn fill(&self, key: &str) -> Outcome<()> {
        self.write(key, 0, json!({"value": OLD, "port": 5432})).await.map(drop)
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
        let found = self.get(&format!("data/{key}")).await?;
        Ok(found["data"]["data"]["value"].as_str().unwrap_or_default().to_owned())
    }

    fn asked(&self) -> Option<usize> {
        match &self.server {
            Kind::Fake(fake) => Some(fake.count()),
            Kind::OpenBao(_) => None,
        }
    }
}
