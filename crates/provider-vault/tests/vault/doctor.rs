//! What `doctor` says.

use keywheel_core::provider::Severity;
use keywheel_testservers::vault::{Fake, Token};

use crate::scene::{Scene, location, on, with_token};

async fn said(scene: &Scene) -> String {
    let findings = scene.store.examine().await;
    let words = findings.into_iter().map(|finding| {
        let severity = if finding.severity == Severity::Error { "error" } else { "warning" };
        format!("{severity}: {}; {}", finding.message, finding.hint.unwrap_or_default())
    });
    words.collect::<Vec<_>>().join("\n")
}

#[tokio::test]
async fn it_names_each_missing_right_and_the_policy_that_grants_it() {
    let fake = Fake::start();
    let right = |path: &str, rights: &[&'static str]| (path.to_owned(), rights.to_vec());
    let mut rules = vec![
        right("secret/data/app/database", &["read"]),
        right("secret/metadata/app/database", &["read"]),
        right("secret/data/keywheel/app/database/value", &["create", "read", "update"]),
        right("secret/metadata/keywheel/app/database/value", &["create", "update"]),
        right("sys/*", &["read"]),
    ];
    let give = |rules: &Vec<_>| {
        let token = Token { rules: rules.clone(), ttl: 86400, ..Token::default() };
        fake.state(|state| state.tokens.insert("s.rotator".to_owned(), token));
    };
    give(&rules);
    let scene = Scene::with("s.rotator", &with_token(&fake.url(), ""));
    scene.store.check_location(&location("app/database", false)).unwrap();
    let text = said(&scene).await;
    let policy = r#"path "secret/data/app/database" { capabilities = ["create", "read", "update"] }"#;
    assert!(text.contains("lacks `create`, `update`") && text.contains(policy), "{text}");
    assert!(text.contains(r#"path "secret/destroy/app/database" { capabilities = ["update"] }"#), "{text}");
    assert_eq!(text.lines().count(), 2, "{text}");

    rules[0] = right("secret/data/app/database", &["create", "read", "update"]);
    rules.push(right("secret/destroy/app/database", &["update"]));
    give(&rules);
    assert_eq!(said(&scene).await, "");
    assert!(
        fake.seen()
            .iter()
            .all(|request| request.starts_with("GET") || request.ends_with("capabilities-self"))
    );
}

#[tokio::test]
async fn it_names_what_the_engine_would_forget_and_a_token_that_ends() {
    let fake = Fake::start();
    fake.state(|state| {
        state.kv("secret").max_versions = 1;
        state.kv("secret").delete_version_after = "768h0m0s".to_owned();
        let short = Token { root: true, ttl: 300, ..Token::default() };
        state.tokens.insert("s.short".to_owned(), short);
    });
    let scene = Scene::with("s.short", &with_token(&fake.url(), ""));
    scene.store.check_location(&location("app/database", false)).unwrap();
    let text = said(&scene).await;
    for words in
        ["ends in 300 s", "keeps one version of `app/database`", "768h0m0s", "delete_version_after=0s"]
    {
        assert!(text.contains(words), "{words} is missing in: {text}");
    }
}

#[tokio::test]
async fn it_says_what_is_the_matter_with_the_server() {
    let fake = Fake::start();
    let scene = on(&fake);
    fake.state(|state| state.sealed = true);
    assert!(said(&scene).await.contains("vault operator unseal"));
    fake.state(|state| state.sealed = false);
    std::fs::remove_file(scene.directory.path().join("token")).unwrap();
    assert!(said(&scene).await.contains("the file does not exist"));
}
