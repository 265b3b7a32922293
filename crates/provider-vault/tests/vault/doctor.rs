//! What `doctor` says.

use std::collections::BTreeSet;

use keywheel_core::{
    SecretName,
    provider::{Entrusted, Finding, Severity},
};
use keywheel_testservers::vault::{Fake, Token};

use crate::scene::{Kept, Scene, location, on, rotate, with_token};

/// The secret at `key`, named for it.
fn at(key: &str) -> Entrusted {
    Entrusted { secret: key.into(), location: location(key, false), rotated: true }
}

fn many(number: usize) -> Vec<Entrusted> {
    (0..number).map(|number| at(&format!("app/{number:04}/database"))).collect()
}

async fn found(scene: &Scene, entrusted: &[Entrusted]) -> Vec<Finding> {
    scene.store.examine(entrusted).await
}

fn words(findings: Vec<Finding>) -> String {
    let words = findings.into_iter().map(|finding| {
        let severity = if finding.severity == Severity::Error { "error" } else { "warning" };
        format!("{severity}: {}; {}", finding.message, finding.hint.unwrap_or_default())
    });
    words.collect::<Vec<_>>().join("\n")
}

async fn said(scene: &Scene) -> String {
    words(found(scene, &[at("app/database")]).await)
}

fn right(path: &str, rights: &[&'static str]) -> (String, Vec<&'static str>) {
    (path.to_owned(), rights.to_vec())
}

/// A store whose token may do what the rules say.
fn allowed(fake: &Fake, rules: Vec<(String, Vec<&'static str>)>) -> Scene {
    let token = Token { rules, ttl: 86400, ..Token::default() };
    fake.state(|state| state.tokens.insert("s.rotator".to_owned(), token));
    Scene::with("s.rotator", &with_token(&fake.url(), ""))
}

/// What the documentation says that a token needs for everything below `app`.
fn documented() -> Vec<(String, Vec<&'static str>)> {
    vec![
        right("secret/data/app/*", &["create", "read", "update"]),
        right("secret/metadata/app/*", &["read"]),
        right("secret/destroy/app/*", &["update"]),
        right("secret/data/keywheel/app/*", &["create", "read", "update"]),
        right("secret/metadata/keywheel/app/*", &["create", "update"]),
    ]
}

#[tokio::test]
async fn it_names_each_missing_right_and_the_policy_that_grants_it() {
    let fake = Fake::start();
    let mut rules = vec![
        right("secret/data/app/database", &["read"]),
        right("secret/metadata/app/database", &["read"]),
        right("secret/data/keywheel/app/database/value", &["create", "read", "update"]),
        right("secret/metadata/keywheel/app/database/value", &["create", "update"]),
        right("sys/*", &["read"]),
    ];
    let scene = allowed(&fake, rules.clone());
    let text = said(&scene).await;
    let policy = r#"path "secret/data/app/database" { capabilities = ["create", "read", "update"] }"#;
    assert!(text.contains("lacks `create`, `update`") && text.contains(policy), "{text}");
    assert!(text.contains(r#"path "secret/destroy/app/database" { capabilities = ["update"] }"#), "{text}");
    assert_eq!(text.lines().count(), 2, "{text}");

    rules[0] = right("secret/data/app/database", &["create", "read", "update"]);
    rules.push(right("secret/destroy/app/database", &["update"]));
    assert_eq!(said(&allowed(&fake, rules)).await, "");
    assert!(
        fake.seen()
            .iter()
            .all(|request| request.starts_with("GET") || request.ends_with("capabilities-self"))
    );
}

/// Takes each right out of the documented policy once. Whoever has the whole of it can rotate.
#[tokio::test]
async fn every_right_of_the_documented_policy_is_missed_and_no_other_is_needed() {
    let fake = Fake::start();
    let scene = allowed(&fake, documented());
    assert_eq!(said(&scene).await, "");
    let secret = scene.at("app/database");
    rotate(&*secret, 1, "first").await;
    rotate(&*secret, 2, "second").await;
    retire_previous(&secret).await;

    let documented = documented();
    for (number, (path, rights)) in documented.iter().enumerate() {
        for left_out in rights {
            let mut rules = documented.clone();
            rules[number].1.retain(|right| right != left_out);
            let findings = found(&allowed(&fake, rules), &[at("app/database")]).await;
            let [finding] = &*findings else { panic!("{path} {left_out}: {findings:?}") };
            let path = path.trim_end_matches('*');
            assert_eq!(finding.severity, Severity::Error);
            assert!(
                finding.message.contains(&format!("lacks `{left_out}` on `{path}database")),
                "{finding:?}"
            );
            assert_eq!(finding.secrets, [SecretName::from("app/database")]);
        }
    }
}

async fn retire_previous(secret: &Kept) {
    use keywheel_core::secret::Stage;
    let versions = secret.versions().await.unwrap();
    let old = versions.at(Stage::Previous).unwrap().id.clone();
    secret.retire(&crate::scene::calm(2), &old).await.unwrap();
}

#[tokio::test]
async fn what_a_thousand_secrets_lack_is_one_finding_and_takes_a_handful_of_requests() {
    let fake = Fake::start();
    let mut rules = documented();
    rules[2].1.clear();
    let (scene, entrusted) = (allowed(&fake, rules), many(1_000));
    fake.seen();
    let findings = found(&scene, &entrusted).await;
    let asked = fake.seen().len();
    println!("doctor over 1,000 secrets of one mount: {asked} requests");
    assert!(asked <= 5, "{asked} requests");
    let [finding] = &*findings else { panic!("{findings:?}") };
    assert_eq!(finding.secrets.len(), 1_000);
    let says = "lacks `update` on 1000 paths below `secret/destroy/app/`, such as `secret/destroy/app/0000/database`";
    assert!(finding.message.contains(says), "{finding:?}");
    let policy = r#"path "secret/destroy/app/*" { capabilities = ["update"] }"#;
    assert!(finding.hint.as_deref().unwrap().contains(policy), "{finding:?}");
}

#[tokio::test]
async fn fields_of_one_document_are_asked_about_once_and_both_are_named() {
    let fake = Fake::start();
    let mut rules = documented();
    rules[0].1 = vec!["read"];
    let findings =
        found(&allowed(&fake, rules), &[at("app/database#user"), at("app/database#password")]).await;
    let [finding] = &*findings else { panic!("{findings:?}") };
    assert!(
        finding.message.contains("lacks `create`, `update` on `secret/data/app/database`"),
        "{finding:?}"
    );
    assert_eq!(finding.secrets.len(), 2);
}

#[tokio::test]
async fn what_a_person_rotates_need_only_be_read() {
    let fake = Fake::start();
    let rules = vec![right("secret/data/app/*", &["read"]), right("secret/data/keywheel/app/*", &["read"])];
    let scene = allowed(&fake, rules);
    let secret = Entrusted { rotated: false, ..at("app/database") };
    assert_eq!(found(&scene, &[secret]).await, []);
    assert!(!found(&scene, &[at("app/database")]).await.is_empty());
}

#[tokio::test]
async fn a_token_that_may_not_ask_about_itself_is_said_and_no_right_is_made_up() {
    let fake = Fake::start();
    let token = Token { rules: documented(), without_default: true, ..Token::default() };
    fake.state(|state| state.tokens.insert("s.mute".to_owned(), token));
    let scene = Scene::with("s.mute", &with_token(&fake.url(), ""));
    let text = said(&scene).await;
    assert!(text.starts_with("warning") && text.contains("sys/capabilities-self"), "{text}");
    assert_eq!(text.lines().count(), 1, "{text}");
}

#[tokio::test]
async fn it_changes_nothing() {
    let fake = Fake::start();
    let scene = on(&fake);
    rotate(&*scene.at("app/database"), 1, "first").await;
    fake.seen();
    assert_eq!(said(&scene).await, "");
    let looks = |request: &String| request.starts_with("GET") || request.ends_with("sys/capabilities-self");
    let asked: BTreeSet<_> = fake.seen().into_iter().collect();
    assert!(!asked.is_empty() && asked.iter().all(looks), "{asked:?}");
    // Not even a value is looked at.
    assert!(asked.iter().all(|request| !request.contains("/data/")), "{asked:?}");
}

#[tokio::test]
async fn it_refuses_a_mount_that_is_none_or_has_no_check_and_set() {
    let fake = Fake::start();
    fake.state(|state| state.mount("old", "kv", "1"));
    for (mount, says) in
        [("old", "version 1, which has no check-and-set"), ("none", "nothing is mounted there")]
    {
        let scene = Scene::with(Fake::ROOT, &with_token(&fake.url(), &format!("mount: {mount}")));
        let text = said(&scene).await;
        assert!(text.starts_with("error") && text.contains(says), "{text}");
    }
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
    let text = said(&scene).await;
    for words in
        ["ends in 300 s", "keeps one version of `app/database`", "768h0m0s", "delete_version_after=0s"]
    {
        assert!(text.contains(words), "{words} is missing in: {text}");
    }
    // With a field for the previous version the engine need not remember it.
    let shown = Entrusted { location: location("app/database", true), ..at("app/database") };
    assert!(!words(found(&scene, &[shown]).await).contains("keeps one version"));
    // Of many documents only the mount's number is asked for.
    let findings = found(&scene, &many(100)).await;
    let forgotten = findings.iter().find(|finding| finding.message.contains("keeps one version")).unwrap();
    assert_eq!(forgotten.secrets.len(), 100);
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
