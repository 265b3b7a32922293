//! What `doctor` says.

use std::sync::Arc;

use keywheel_core::provider::{Entrusted, Finding, Severity};
use keywheel_testservers::OpenBao;
use serde_json::json;

use crate::{
    ground::Ground,
    scene::{Scene, location},
};

/// What is said of a store that nothing is kept in.
async fn said(scene: &Scene) -> String {
    words(scene.store.examine(&[]).await)
}

/// What is said of a store that keeps one secret.
async fn said_of_one(scene: &Scene) -> String {
    let location = location("app/database", false);
    words(scene.store.examine(&[Entrusted { secret: "app-database".into(), location, rotated: true }]).await)
}

fn words(findings: Vec<Finding>) -> String {
    let words = findings.into_iter().map(|finding| {
        let severity = if finding.severity == Severity::Error { "error" } else { "warning" };
        format!("{severity}: {}; {}", finding.message, finding.hint.unwrap_or_default())
    });
    words.collect::<Vec<_>>().join("\n")
}

/// The policy of the documentation, without the rights that are tested.
const RULES: &str = r#"
    path "MOUNT/metadata/app/database" { capabilities = ["read"] }
    path "MOUNT/data/keywheel/app/database/value" { capabilities = ["create", "read", "update"] }
    path "MOUNT/metadata/keywheel/app/database/value" { capabilities = ["create", "update"] }
"#;

#[tokio::test]
async fn it_names_each_missing_right_and_what_it_says_to_add_is_enough() {
    let ground = Ground::new();
    ground.policy(&format!("{RULES} path \"MOUNT/data/app/database\" {{ capabilities = [\"read\"] }}"));
    let scene = ground.scene_of(&ground.token(&json!({ "ttl": "24h" })));
    let text = said_of_one(&scene).await;
    assert!(text.contains("lacks `create`, `update`"), "{text}");
    assert_eq!(text.lines().count(), 2, "{text}");

    let adds: Vec<_> = text.lines().map(|line| line.split_once("add to its policy: ").unwrap().1).collect();
    ground.policy(&format!("{RULES}\n{}", adds.join("\n")));
    assert_eq!(said_of_one(&scene).await, "");
    // And the rights are what a rotation needs.
    let secret = scene.at("app/database");
    for (number, text) in [(1, "one"), (2, "two")] {
        crate::scene::rotate(&*secret, number, text).await;
    }
    let old = secret.versions().await.unwrap().at(keywheel_core::secret::Stage::Previous).unwrap().id.clone();
    secret.retire(&crate::scene::calm(2), &old).await.unwrap();
    assert_eq!(crate::scene::shown(&*secret).await, "current=two by 2");
}

#[tokio::test]
async fn it_names_what_the_engine_would_forget_and_a_token_that_ends() {
    let ground = Ground::new();
    let forgets = json!({ "max_versions": 1, "delete_version_after": "768h" });
    ground.server.write(&format!("{}/config", ground.mount), &forgets);
    let token = ground.token(&json!({ "ttl": "300s", "policies": ["root"] }));
    let scene = ground.scene_of(&token);
    let text = said_of_one(&scene).await;
    for words in
        ["the token ends in", "keeps one version of `app/database`", "768h0m0s", "delete_version_after=0s"]
    {
        assert!(text.contains(words), "{words} is missing in: {text}");
    }
}

#[tokio::test]
async fn it_says_that_the_server_is_sealed_or_does_not_know_the_token() {
    let ground = Ground::on(Arc::new(OpenBao::start()));
    let scene = ground.scene();
    ground.server.seal();
    assert!(said(&scene).await.contains("vault operator unseal"));
    ground.server.unseal();
    assert_eq!(said(&scene).await, "");
    std::fs::write(scene.directory.path().join("token"), "s.nobody-has-this-token").unwrap();
    assert!(said(&scene).await.contains("look at the credential under `auth`"));
}
