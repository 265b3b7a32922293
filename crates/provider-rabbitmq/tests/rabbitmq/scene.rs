//! A server, a target that the inventory could declare, and values.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use keywheel_core::{
    CallContext, Error, Identity, SecretValue,
    provider::Target,
    rotator::{Credential, Probe, Rotator},
};
use keywheel_provider_rabbitmq::{RabbitmqSettings, RabbitmqTarget};
use keywheel_testkit::declared::{call, surroundings};
use keywheel_testservers::Rabbitmq;
use reqwest::{Client, Method, Url};
use serde_json::{Value, json};
use tempfile::TempDir;

pub(crate) const OLD: &str = "old-password-of-the-application";
pub(crate) const NEW: &str = "new-password-of-the-application";

pub(crate) fn context() -> CallContext {
    call(Duration::from_secs(30))
}

pub(crate) fn value(text: &str) -> SecretValue {
    SecretValue::copy_from(text.as_bytes())
}

/// What the administrator sees, found without the implementation.
#[derive(Clone)]
pub(crate) struct Eye {
    client: Client,
    port: u16,
}

impl Eye {
    pub(crate) fn on(server: &Rabbitmq) -> Self {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let tls = rustls::ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(rustls::RootCertStore::empty())
            .with_no_client_auth();
        let client = Client::builder().no_proxy().tls_backend_preconfigured(tls).build().unwrap();
        Self { client, port: server.port() }
    }

    /// The status, and the body if it is JSON.
    pub(crate) async fn ask(&self, method: Method, path: &[&str], body: Option<Value>) -> (u16, Value) {
        let mut url = Url::parse(&format!("http://127.0.0.1:{}/", self.port)).unwrap();
        url.path_segments_mut().unwrap().clear().push("api").extend(path);
        let mut request =
            self.client.request(method, url).basic_auth(Rabbitmq::ADMINISTRATOR, Some(Rabbitmq::PASSWORD));
        if let Some(body) = body {
            request = request.header("Content-Type", "application/json").body(body.to_string());
        }
        let response = request.send().await.unwrap();
        let status = response.status().as_u16();
        (status, serde_json::from_slice(&response.bytes().await.unwrap()).unwrap_or_default())
    }

    pub(crate) async fn get(&self, path: &[&str]) -> Value {
        let (status, body) = self.ask(Method::GET, path, None).await;
        assert_eq!(status, 200, "{path:?}");
        body
    }

    pub(crate) async fn put(&self, path: &[&str], body: Value) {
        let (status, _) = self.ask(Method::PUT, path, Some(body)).await;
        assert!((200..300).contains(&status), "{path:?}: {status}");
    }

    /// A user with the password [`OLD`], tags, a limit, and permissions in `/`.
    pub(crate) async fn make(&self, name: &str) {
        self.put(&["users", name], json!({"password": OLD, "tags": "monitoring,ours"})).await;
        self.put(&["user-limits", name, "max-channels"], json!({"value": 77})).await;
        self.put(&["permissions", "/", name], json!({"configure": "^a", "write": "^b", "read": ".*"})).await;
        let topic = json!({"exchange": "amq.topic", "write": "^w", "read": "^r"});
        self.put(&["topic-permissions", "/", name], topic).await;
    }

    /// The user and its clone, what they may do and how much of it, in words.
    pub(crate) async fn state_of(&self, name: &str) -> String {
        let clone = format!("{name}_clone");
        let mut said = String::new();
        for path in ["users", "permissions", "topic-permissions", "user-limits"] {
            let Value::Array(list) = self.get(&[path]).await else { panic!("{path} is a list") };
            let key = if path == "users" { "name" } else { "user" };
            let theirs = list.iter().filter(|entry| entry[key] == name || entry[key] == clone.as_str());
            let mut theirs: Vec<_> = theirs.map(ToString::to_string).collect();
            theirs.sort();
            said.push_str(&[path, ": ", &theirs.join(" "), "\n"].concat());
        }
        said
    }
}

/// What the inventory says, and the files beside it.
pub(crate) struct Scene {
    pub(crate) directory: Arc<TempDir>,
    pub(crate) settings: Value,
}

impl Scene {
    pub(crate) fn new(server: &Rabbitmq) -> Self {
        Self::at(server.port(), server.amqp_port())
    }

    pub(crate) fn at(port: u16, amqp_port: u16) -> Self {
        let directory = Arc::new(tempfile::tempdir().unwrap());
        std::fs::write(directory.path().join("admin"), Rabbitmq::PASSWORD).unwrap();
        let login = json!({"user": Rabbitmq::ADMINISTRATOR, "password": "file:admin"});
        let settings = json!({"host": "127.0.0.1", "port": port, "amqp-port": amqp_port, "login": login});
        Self { directory, settings }
    }

    #[must_use]
    pub(crate) fn with(mut self, key: &str, value: Value) -> Self {
        self.settings[key] = value;
        self
    }

    pub(crate) fn target(&self) -> RabbitmqTarget {
        let settings: RabbitmqSettings = serde_json::from_value(self.settings.clone()).unwrap();
        settings
            .resolve(&surroundings(self.directory.path()))
            .unwrap_or_else(|mistakes| panic!("{mistakes:?}"))
    }

    pub(crate) fn user(&self, name: &str) -> User {
        let rotator = self.target().rotator(Some(&Identity::from(name)));
        User { rotator, _directory: Arc::clone(&self.directory) }
    }
}

/// A name that no other test of this process uses.
pub(crate) fn fresh(name: &str) -> String {
    static COUNT: AtomicUsize = AtomicUsize::new(0);
    format!("{name} {}", COUNT.fetch_add(1, Ordering::Relaxed))
}

/// A rotator, called with text, and the files that it reads.
#[derive(Clone)]
pub(crate) struct User {
    pub(crate) rotator: Arc<dyn Rotator>,
    _directory: Arc<TempDir>,
}

impl User {
    pub(crate) async fn try_probe(&self, name: &str, password: &str) -> Result<Probe, Error> {
        let (name, value) = (Identity::from(name), value(password));
        self.rotator.probe(Credential { identity: Some(&name), value: &value }).await
    }

    pub(crate) async fn accepts(&self, name: &str, password: &str) -> bool {
        self.try_probe(name, password).await.unwrap() == Probe::Accepted
    }

    pub(crate) async fn apply(&self, name: &str, new: &str) -> Result<(), Error> {
        let (name, value) = (Identity::from(name), value(new));
        self.rotator.apply(&context(), Credential { identity: Some(&name), value: &value }, None).await
    }

    pub(crate) async fn revoke(&self, old: (&str, &str), remaining: (&str, &str)) -> Result<(), Error> {
        let (old, old_value) = (Identity::from(old.0), value(old.1));
        let (kept, kept_value) = (Identity::from(remaining.0), value(remaining.1));
        let old = Credential { identity: Some(&old), value: &old_value };
        let kept = Credential { identity: Some(&kept), value: &kept_value };
        self.rotator.revoke(&context(), old, Some(kept)).await
    }

    /// What `doctor` says, one line for each finding.
    pub(crate) async fn findings(&self) -> String {
        let findings = self.rotator.examine().await;
        let lines: Vec<_> = findings
            .iter()
            .map(|finding| {
                let hint = finding.hint.as_deref().unwrap_or_default();
                format!("{:?}: {} ({hint})", finding.severity, finding.message)
            })
            .collect();
        lines.join("\n")
    }
}
