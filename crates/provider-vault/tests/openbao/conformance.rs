//! The contract of stores, over the real server.
//!
//! `VAULT_ADDR=http://127.0.0.1:8200 VAULT_TOKEN=… cargo test -p keywheel-provider-vault --test openbao conformance` runs it
//! over another one, Vault or `OpenBao`, each case in a mount of its own.

use std::env;

use keywheel_testkit::conformance::SecretFixture;
use reqwest::Method;
use serde_json::json;

#[path = "../common/conformance.rs"]
mod common;

use common::{Engine, fixture};

use crate::{
    ground::{Ground, unique},
    scene::ask,
};

async fn over(key: &'static str, shows: bool, cas_required: bool) -> SecretFixture {
    let engine = if let (Ok(address), Ok(token)) = (env::var("VAULT_ADDR"), env::var("VAULT_TOKEN")) {
        named(address.trim_end_matches('/'), token).await
    } else {
        let ground = Ground::new();
        let (url, token) = (ground.server.url(), ground.server.root_token());
        Engine { url, token, mount: ground.mount.clone(), server: Box::new(ground) }
    };
    fixture(engine, key, shows, cas_required).await
}

async fn named(url: &str, token: String) -> Engine {
    let mount = format!("keywheel-test-{}-{}", std::process::id(), unique());
    let body = json!({"type": "kv", "options": {"version": "2"}});
    let (status, _) = ask(url, &token, Method::POST, &format!("sys/mounts/{mount}"), &body).await;
    assert_eq!(status, 204, "a KV engine can be mounted");
    Engine { url: url.to_owned(), token, mount, server: Box::new(()) }
}

keywheel_testkit::secret_conformance!(one_field, || async { over("app/database", false, false).await });
keywheel_testkit::secret_conformance!(three_fields, || async { over("app/key", true, false).await });
keywheel_testkit::secret_conformance!(named_fields, || async {
    over("teams/pay ments/api#signing-key", true, false).await
});
keywheel_testkit::secret_conformance!(cas_required, || async { over("app/database", false, true).await });
