//! A store as the inventory declares it, and an eye that sees what consumers see.

use std::{ops::Deref, path::Path, sync::Arc, time::Duration};

use keywheel_core::{
    CallContext, Fingerprinter, RotationId, SecretValue,
    provider::Store,
    rotation::Location,
    secret::{Secret, Stage, Versions},
};
use keywheel_testkit::declared::{call, configure, surroundings};
use reqwest::{Client, Method};
use serde_json::Value;
use tempfile::TempDir;

/// A store, and the directory of its inventory with the token in it.
pub(crate) struct Scene {
    pub(crate) directory: Arc<TempDir>,
    pub(crate) store: Arc<dyn Store>,
}

/// A secret, and the directory with the credentials that its store logs in with.
pub(crate) struct Kept {
    pub(crate) secret: Arc<dyn Secret>,
    pub(crate) directory: Arc<TempDir>,
}

impl Deref for Kept {
    type Target = dyn Secret;

    fn deref(&self) -> &Self::Target {
        &*self.secret
    }
}

pub(crate) fn client() -> Client {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let tls = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(rustls::RootCertStore::empty())
        .with_no_client_auth();
    Client::builder().no_proxy().tls_backend_preconfigured(tls).build().unwrap()
}

/// What `kind: vault` makes of settings.
pub(crate) fn store(base: &Path, settings: &str) -> Result<Arc<dyn Store>, String> {
    let kinds = keywheel_provider_vault::stores::kinds();
    configure(&*kinds[0], &surroundings(base), settings)
}

/// The settings of a store that has the root's token in a file.
pub(crate) fn with_token(address: &str, more: &str) -> String {
    format!("address: '{address}'\nauth: {{ token: 'file:token' }}\n{more}")
}

impl Scene {
    pub(crate) fn with(token: &str, settings: &str) -> Self {
        let directory = tempfile::tempdir().unwrap();
        std::fs::write(directory.path().join("token"), token).unwrap();
        let store = store(directory.path(), settings).unwrap();
        Self { directory: Arc::new(directory), store }
    }

    pub(crate) fn secret(&self, location: &Location) -> Arc<dyn Secret> {
        self.store.check_location(location).unwrap();
        self.store.secret(location, Fingerprinter::plain())
    }

    /// The secret at `key`, with no fields for next and previous.
    pub(crate) fn at(&self, key: &str) -> Kept {
        Kept { secret: self.secret(&location(key, false)), directory: Arc::clone(&self.directory) }
    }
}

pub(crate) fn location(key: &str, shows: bool) -> Location {
    let beside = |stage: &str| {
        let separator = if key.contains('#') { '.' } else { '#' };
        shows.then(|| format!("{key}{separator}{stage}").into())
    };
    Location { key: key.into(), next: beside("next"), previous: beside("previous") }
}

pub(crate) fn value(text: &str) -> SecretValue {
    SecretValue::copy_from(text.as_bytes())
}

/// A call of the `number`-th rotation with so many seconds left.
pub(crate) fn rotation(number: u8, left: Duration) -> CallContext {
    CallContext { rotation: RotationId::from_random([number; 16]), ..call(left) }
}

pub(crate) fn calm(number: u8) -> CallContext {
    rotation(number, Duration::from_secs(30))
}

/// Makes `text` current, as the `number`-th rotation.
pub(crate) async fn rotate(secret: &dyn Secret, number: u8, text: &str) {
    let current = secret.versions().await.unwrap().at(Stage::Current).map(|version| version.id.clone());
    let staged = secret.stage(&calm(number), &value(text), None).await.unwrap();
    secret.promote(&calm(number), &staged.id, current.as_ref()).await.unwrap();
}

/// The text in `stage`, if there is a version.
pub(crate) async fn text(secret: &dyn Secret, stage: Stage) -> Option<String> {
    let value = secret.read(stage).await.ok()?;
    Some(String::from_utf8(value.expose_secret().to_vec()).unwrap())
}

/// What stands where, in words.
pub(crate) async fn shown(secret: &dyn Secret) -> String {
    let Versions(versions) = secret.versions().await.unwrap();
    let mut words = Vec::new();
    for version in versions {
        let text = text(secret, version.stage).await.unwrap();
        let whose = version.mark.map_or(0, |mark| mark.rotation.as_bytes()[0]);
        words.push(format!("{}={text} by {whose}", version.stage));
    }
    words.join(", ")
}

/// One request, without the implementation.
pub(crate) async fn ask(url: &str, token: &str, method: Method, path: &str, body: &Value) -> (u16, Value) {
    let mut request = client().request(method, format!("{url}/v1/{path}"));
    if !token.is_empty() {
        request = request.header("X-Vault-Token", token);
    }
    if !body.is_null() {
        request = request.body(body.to_string());
    }
    let response = request.send().await.unwrap();
    let status = response.status().as_u16();
    (status, serde_json::from_slice(&response.bytes().await.unwrap()).unwrap_or_default())
}
