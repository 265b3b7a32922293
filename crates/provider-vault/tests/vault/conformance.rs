//! The contract of stores, with every way to name a place.

use std::sync::Arc;

use keywheel_testkit::conformance::SecretFixture;
use reqwest::Method;
use serde_json::{Value, json};

use crate::scene::{Scene, Server, ask, location, with_token};

async fn fixture(key: &'static str, shows: bool, cas_required: bool) -> SecretFixture {
    let server = Server::start();
    let mount = server.mount().await;
    let (url, token) = (server.url(), server.token());
    if cas_required {
        let config = format!("{mount}/config");
        ask(&url, &token, Method::POST, &config, &json!({"cas_required": true})).await;
    }
    let settings = with_token(&url, &format!("mount: {mount}"));
    let scene = Arc::new(Scene::with(&token, &settings));
    let secret = scene.secret(&location(key, shows));
    let again = Arc::clone(&scene);
    let path = format!("{mount}/data/{}", key.split('#').next().unwrap());
    SecretFixture::new(secret)
        // Another process has another token, and has not looked at the mount.
        .reopened_by(move || {
            let store = crate::scene::store(again.directory.path(), &settings).unwrap();
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

keywheel_testkit::secret_conformance!(one_field, || async { fixture("app/database", false, false).await });
keywheel_testkit::secret_conformance!(three_fields, || async { fixture("app/key", true, false).await });
keywheel_testkit::secret_conformance!(named_fields, || async {
    fixture("teams/pay ments/api#signing-key", true, false).await
});
keywheel_testkit::secret_conformance!(cas_required, || async { fixture("app/database", false, true).await });
