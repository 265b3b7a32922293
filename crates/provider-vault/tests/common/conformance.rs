//! The contract of stores, with every way to name a place.

use std::{any::Any, sync::Arc};

use keywheel_testkit::conformance::SecretFixture;
use reqwest::Method;
use serde_json::{Value, json};

use crate::scene::{Scene, ask, location, store, with_token};

/// A KV engine that nobody else uses, and who may do everything there.
pub(crate) struct Engine {
    pub(crate) url: String,
    pub(crate) token: String,
    pub(crate) mount: String,
    /// What lives for as long as a case runs.
    pub(crate) server: Box<dyn Any + Send + Sync>,
}

pub(crate) async fn fixture(
    engine: Engine,
    key: &'static str,
    shows: bool,
    cas_required: bool,
) -> SecretFixture {
    let Engine { url, token, mount, server } = engine;
    if cas_required {
        let config = format!("{mount}/config");
        let (status, _) = ask(&url, &token, Method::POST, &config, &json!({"cas_required": true})).await;
        assert_eq!(status, 204, "the mount takes no write without check-and-set");
    }
    let settings = with_token(&url, &format!("mount: {mount}"));
    let scene = Arc::new(Scene::with(&token, &settings));
    let secret = scene.secret(&location(key, shows));
    let again = Arc::clone(&scene);
    let path = format!("{mount}/data/{}", key.split('#').next().unwrap());
    SecretFixture::new(secret)
        // Another process has another token, and has not looked at the mount.
        .reopened_by(move || {
            let store = store(again.directory.path(), &settings).unwrap();
            store.secret(&location(key, shows), keywheel_core::Fingerprinter::plain())
        })
        .seen_by_consumers(move || {
            let (url, token, path) = (url.clone(), token.clone(), path.clone());
            Box::pin(async move {
                let (_, body) = ask(&url, &token, Method::GET, &path, &Value::Null).await;
                let fields = body["data"]["data"].as_object().cloned().unwrap_or_default();
                fields.values().filter_map(|field| Some(field.as_str()?.as_bytes().to_vec())).collect()
            })
        })
        .keeping((server, scene))
}
