//! Logging in, staying logged in, and being refused.

use std::time::Duration;

use keywheel_core::{Effect, ErrorKind, secret::Stage};
use rstest::rstest;
use serde_json::{Value, json};

use crate::{
    ground::Ground,
    scene::{Scene, calm, rotate, shown, text, value, with_token},
};

const APP_ROLE: &str = "{ app-role: { role-id: the-role, secret-id: 'file:proof', mount: MOUNT } }";
const USERPASS: &str = "{ userpass: { user: ops, password: 'file:proof', mount: MOUNT } }";

/// A role for everything in the mount, and a secret id that is good for so many logins; zero is for ever.
fn role(ground: &Ground, ttl: &str, uses: u64) -> String {
    ground.policy_for_everything();
    ground.method("approle");
    let role = format!("auth/{}/role/rotator", ground.mount);
    let wanted = json!({ "token_policies": [ground.mount], "token_ttl": ttl, "secret_id_num_uses": uses, "token_type": "service" });
    ground.server.write(&role, &wanted);
    ground.server.write(&format!("{role}/role-id"), &json!({ "role_id": "the-role" }));
    let made = ground.server.write(&format!("{role}/secret-id"), &json!({}));
    made["data"]["secret_id"].as_str().unwrap().to_owned()
}

fn user(ground: &Ground) -> String {
    ground.policy_for_everything();
    ground.method("userpass");
    let wanted =
        json!({ "password": "password-of-ops", "token_policies": [ground.mount], "token_ttl": "20m" });
    ground.server.write(&format!("auth/{}/users/ops", ground.mount), &wanted);
    "password-of-ops".to_owned()
}

/// How many tokens there are of this method, and how often each was renewed.
fn tokens(ground: &Ground) -> Vec<bool> {
    let (status, list) = ground.server.ask("LIST", "auth/token/accessors", &Value::Null);
    assert_eq!(status, 200, "{list}");
    let accessors = list["data"]["keys"].as_array().unwrap().clone();
    let looked = accessors.iter().filter_map(|accessor| {
        let (status, token) =
            ground.server.ask("POST", "auth/token/lookup-accessor", &json!({ "accessor": accessor }));
        let ours = format!("auth/{}/", ground.mount);
        let here = status == 200 && token["data"]["path"].as_str().unwrap().starts_with(&ours);
        here.then(|| token["data"]["last_renewal"].is_string())
    });
    looked.collect()
}

/// Ends every token that a login of this method gave.
fn revoke_all(ground: &Ground) {
    ground.server.write(&format!("sys/leases/revoke-prefix/auth/{}/login", ground.mount), &json!({}));
}

#[rstest]
#[case(APP_ROLE, |ground: &Ground| role(ground, "20m", 0))]
#[case(USERPASS, user)]
#[tokio::test]
async fn each_method_logs_in_once_and_a_wrong_credential_is_said_to_be_one(
    #[case] auth: &str,
    #[case] make: fn(&Ground) -> String,
) {
    let ground = Ground::new();
    let proof = make(&ground);
    let logged = ground.logged(auth, &format!("{proof}\n"), "");
    rotate(&*logged.secret, 1, "one").await;
    rotate(&*logged.secret, 2, "two").await;
    assert_eq!(tokens(&ground), [false], "one login, and no renewal");

    std::fs::write(logged.secret.directory.path().join("proof"), "hunter2-hunter2").unwrap();
    revoke_all(&ground);
    let error = logged.secret.read(Stage::Current).await.unwrap_err();
    assert_eq!((error.kind, error.effect), (ErrorKind::Unauthenticated, Effect::NotApplied), "{error}");
    assert!(error.to_string().contains("refused the login"), "{error}");
    assert!(!format!("{error} {error:?}").contains("hunter2"), "{error:?}");
}

#[tokio::test]
async fn whom_the_server_locks_out_is_said_to_be_refused() {
    let ground = Ground::new();
    let proof = user(&ground);
    let login = format!("auth/{}/login/ops", ground.mount);
    for _ in 0..8 {
        let (status, _) = ground.server.ask_as("", "POST", &login, &json!({ "password": "wrong" }));
        assert!(matches!(status, 400 | 403));
    }
    // Even with the right password, and in other words than before.
    let error = ground.logged(USERPASS, &proof, "").secret.versions().await.unwrap_err();
    assert_eq!((error.kind, error.effect), (ErrorKind::Unauthenticated, Effect::NotApplied), "{error}");
    assert!(error.to_string().contains("refused the login"), "{error}");
}

#[tokio::test]
async fn a_token_is_renewed_before_it_ends_and_replaced_afterwards() {
    let ground = Ground::new();
    let proof = role(&ground, "20m", 0);
    let logged = ground.logged(APP_ROLE, &proof, "");
    rotate(&*logged.secret, 1, "one").await;
    assert_eq!(tokens(&ground), [false]);
    logged.clock.advance(Duration::from_mins(15));
    assert_eq!(text(&*logged.secret, Stage::Current).await.as_deref(), Some("one"));
    assert_eq!(tokens(&ground), [true], "the same one, renewed");
    // Its end passed unnoticed.
    logged.clock.advance(Duration::from_secs(5000));
    assert_eq!(text(&*logged.secret, Stage::Current).await.as_deref(), Some("one"));
    assert_eq!(tokens(&ground).len(), 2, "another one");
    // The server knows it no longer, before its time: revoked, or another server.
    revoke_all(&ground);
    assert_eq!(tokens(&ground), [false; 0]);
    assert_eq!(text(&*logged.secret, Stage::Current).await.as_deref(), Some("one"));
    assert_eq!(tokens(&ground), [false]);
}

#[tokio::test]
async fn a_token_that_the_server_really_ends_is_replaced_without_a_failure() {
    let ground = Ground::new();
    let proof = role(&ground, "1s", 0);
    let logged = ground.logged(APP_ROLE, &proof, "");
    rotate(&*logged.secret, 1, "one").await;
    // The clock of the store stands still: it believes in its token for as long as the server does not say otherwise.
    tokio::task::spawn_blocking(|| keywheel_testservers::pause(Duration::from_millis(1500))).await.unwrap();
    rotate(&*logged.secret, 2, "two").await;
    assert_eq!(shown(&*logged.secret).await, "current=two by 2, previous=one by 1");
}

#[tokio::test]
async fn a_secret_id_that_is_used_up_ends_it_and_a_new_one_is_taken_from_the_file() {
    let ground = Ground::new();
    let proof = role(&ground, "20m", 1);
    let logged = ground.logged(APP_ROLE, &proof, "");
    rotate(&*logged.secret, 1, "one").await;
    rotate(&*logged.secret, 2, "two").await;
    revoke_all(&ground);
    let error = logged.secret.versions().await.unwrap_err();
    assert_eq!((error.kind, error.effect), (ErrorKind::Unauthenticated, Effect::NotApplied), "{error}");
    let another = ground.server.write(&format!("auth/{}/role/rotator/secret-id", ground.mount), &json!({}));
    let another = another["data"]["secret_id"].as_str().unwrap();
    std::fs::write(logged.secret.directory.path().join("proof"), another).unwrap();
    assert_eq!(shown(&*logged.secret).await, "current=two by 2, previous=one by 1");
}

#[tokio::test]
async fn a_missing_right_is_no_reason_to_log_in_again() {
    let ground = Ground::new();
    let proof = role(&ground, "20m", 0);
    ground.policy(r#"path "MOUNT/data/*" { capabilities = ["read"] }"#);
    let logged = ground.logged(APP_ROLE, &proof, "");
    assert!(logged.secret.versions().await.unwrap().0.is_empty());
    let error = logged.secret.stage(&calm(1), &value("one"), None).await.unwrap_err();
    assert_eq!((error.kind, error.effect), (ErrorKind::PermissionDenied, Effect::NotApplied), "{error}");
    assert_eq!(tokens(&ground), [false]);
}

#[tokio::test]
async fn a_token_from_a_file_is_read_anew_and_its_end_is_said() {
    let ground = Ground::new();
    ground.policy_for_everything();
    let token = ground.token(&json!({ "ttl": "1h" }));
    let scene = ground.scene_of(&token);
    let secret = scene.at("app/database");
    rotate(&*secret, 1, "one").await;
    ground.server.write("auth/token/revoke", &json!({ "token": token }));
    let error = secret.read(Stage::Current).await.unwrap_err();
    assert_eq!((error.kind, error.effect), (ErrorKind::Unauthenticated, Effect::NotApplied), "{error}");
    assert!(!format!("{error} {error:?}").contains(&token), "{error:?}");
    let another = ground.token(&json!({ "ttl": "1h" }));
    std::fs::write(scene.directory.path().join("token"), another).unwrap();
    assert_eq!(text(&*secret, Stage::Current).await.as_deref(), Some("one"));
}

#[tokio::test]
async fn a_namespace_is_a_server_of_its_own_and_one_that_is_gone_has_lost_nothing() {
    let ground = Ground::new();
    let namespace = format!("team-of-{}", ground.mount);
    let server = &ground.server;
    server.write(&format!("sys/namespaces/{namespace}"), &json!({}));
    let engine = json!({ "type": "kv", "options": { "version": "2" } });
    server.write(&format!("{namespace}/sys/mounts/{}", ground.mount), &engine);
    server.write(&format!("{namespace}/sys/auth/{}", ground.mount), &json!({ "type": "userpass" }));
    let rules = format!(r#"path "{}/*" {{ capabilities = ["create", "read", "update"] }}"#, ground.mount);
    server.write(&format!("{namespace}/sys/policies/acl/rotator"), &json!({ "policy": rules }));
    let user = json!({ "password": "password-of-ops", "token_policies": ["rotator"] });
    server.write(&format!("{namespace}/auth/{}/users/ops", ground.mount), &user);

    let more = format!("namespace: /{namespace}/");
    let logged = ground.logged(USERPASS, "password-of-ops", &more);
    rotate(&*logged.secret, 1, "one").await;
    let there = server.read(&format!("{namespace}/{}/data/app/database", ground.mount)).unwrap();
    assert_eq!(there["data"]["value"], "one");
    assert_eq!(
        ground.latest("app/database"),
        Value::Null,
        "nothing is in the mount of the same name outside"
    );
    // Nobody is called that outside of it.
    let error = ground.logged(USERPASS, "password-of-ops", "").secret.versions().await.unwrap_err();
    assert_eq!(error.effect, Effect::NotApplied, "{error}");

    let settings = with_token(&server.url(), &format!("mount: {}\n{more}", ground.mount));
    let secret = Scene::with(&server.root_token(), &settings).at("app/database");
    assert_eq!(shown(&*secret).await, "current=one by 1");
    let (status, gone) = server.ask("DELETE", &format!("sys/namespaces/{namespace}"), &Value::Null);
    assert!(matches!(status, 200 | 204), "{gone}");
    keywheel_testservers::until("the namespace is gone", || {
        (server.read(&format!("sys/namespaces/{namespace}")).is_none()).then_some(())
    });
    let error = secret.versions().await.unwrap_err();
    assert_eq!((error.kind, error.effect), (ErrorKind::InvalidConfig, Effect::NotApplied), "{error}");
    assert!(error.to_string().contains("check `mount` and `namespace`"), "{error}");
}
