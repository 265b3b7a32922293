//! What is refused, in which words, and that nothing is changed by it.

use std::time::Duration;

use keywheel_core::{Effect, Error, ErrorKind};
use keywheel_lambda::Step;
use rstest::rstest;
use serde_json::{Value, json};

use crate::scene::{OLD, Scene, document, postgres, role, token};

/// The error of `step`, which leaves labels and values as they are.
async fn refused(scene: &Scene, token: &str, step: Step) -> Error {
    let picture = async || {
        let mut documents = Vec::new();
        for label in ["AWSCURRENT", "AWSPENDING", "AWSPREVIOUS"] {
            let request = scene.client.get_secret_value().secret_id(&scene.name).version_stage(label);
            documents.push(request.send().await.ok().and_then(|answer| answer.secret_string));
        }
        (scene.labels().await, documents)
    };
    let before = picture().await;
    let error = scene.step(token, step).await.unwrap_err();
    assert_eq!(picture().await, before, "{error}");
    assert_eq!(error.effect, Effect::NotApplied, "{error}");
    assert!(!error.to_string().contains(OLD), "{error}");
    assert!(error.to_string().contains("nothing was changed"), "{error}");
    error
}

#[tokio::test]
async fn stages_that_are_no_rotation_are_refused() {
    let server = postgres();
    let role = role(&server);
    let text = document("postgres", server.port(), &role).to_string();

    let never = Scene::with("single", &text).await;
    let error = refused(&never, &token(), Step::Create).await;
    assert!(error.to_string().contains("rotation is not turned on"), "{error}");

    let scene = Scene::with("single", &text).await;
    let old = scene.labels().await[0].1.clone();
    let first = scene.begin().await;
    for step in Step::ALL {
        let error = refused(&scene, &token(), step).await;
        assert!(error.to_string().contains("no such version"), "{error}");
    }
    scene.unlabel("AWSPENDING", &first).await;
    let error = refused(&scene, &first, Step::Create).await;
    assert!(error.to_string().contains("given up"), "{error}");
    let second = scene.rotate().await;
    for step in Step::ALL {
        let error = refused(&scene, &old, step).await;
        assert!(error.to_string().contains("AWSPENDING"), "{step}: {error}");
    }
    scene.cancel().await;
    let error = refused(&scene, &second, Step::Create).await;
    assert!(error.to_string().contains("rotation is not turned on"), "{error}");

    let nobody = Scene::new("single");
    let error = nobody.step(&token(), Step::Create).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::NotFound, "{error}");
}

#[rstest]
#[case::no_json("the-password-before-the-rotation", "JSON")]
#[case::no_object("[\"the-password-before-the-rotation\"]", "JSON")]
#[case::no_engine(
    r#"{"host": "h", "username": "u", "password": "the-password-before-the-rotation"}"#,
    "`engine`"
)]
#[case::other_engine(
    r#"{"engine": "db2", "host": "h", "username": "u", "password": "the-password-before-the-rotation"}"#,
    "postgres, aurora-postgresql"
)]
#[case::no_host(r#"{"engine": "postgres", "username": "u", "password": "x"}"#, "`host`")]
#[case::no_user(r#"{"engine": "postgres", "host": "h", "password": "x"}"#, "`username`")]
#[case::no_password(r#"{"engine": "postgres", "host": "h", "username": "u"}"#, "`password`")]
#[case::bad_port(
    r#"{"engine": "postgres", "host": "h", "username": "u", "password": "x", "port": "many"}"#,
    "`port`"
)]
#[case::bad_ssl(
    r#"{"engine": "postgres", "host": "h", "username": "u", "password": "x", "ssl": "perhaps"}"#,
    "`ssl`"
)]
#[tokio::test]
async fn a_current_document_that_cannot_be_used_is_refused(#[case] text: &str, #[case] says: &str) {
    let scene = Scene::with("single", text).await;
    let token = scene.begin().await;
    let error = refused(&scene, &token, Step::Create).await;
    assert_eq!(error.kind, ErrorKind::InvalidValue, "{error}");
    assert!(error.to_string().contains(says), "{error}");
    assert!(error.to_string().contains("AWSCURRENT"), "{error}");
}

#[rstest]
#[case::other_host(json!({"host": "db.elsewhere"}), "another server")]
#[case::other_port(json!({"port": 1}), "another server")]
#[case::other_engine(json!({"engine": "mysql"}), "another server")]
#[case::other_user(json!({"username": "postgres"}), "another user")]
#[case::clone(json!({"username": "app_clone"}), "another user")]
#[case::no_password(json!({"password": null}), "`password`")]
#[tokio::test]
async fn a_pending_document_that_does_not_follow_from_the_current_one_is_told_to_nobody(
    #[case] change: Value,
    #[case] says: &str,
) {
    let server = postgres();
    let role = role(&server);
    let current = document("postgres", server.port(), &role);
    let scene = Scene::with("single", &current.to_string()).await;
    let token = scene.begin().await;
    let mut pending = current;
    pending["password"] = "the-password-of-somebody-else".into();
    for (name, value) in change.as_object().unwrap() {
        pending[name] = value.clone();
    }
    scene.put(&token, &pending.to_string()).await;
    let logins = server.log().matches("connection received").count();
    for step in Step::ALL {
        let error = refused(&scene, &token, step).await;
        assert!(error.to_string().contains(says), "{step}: {error}");
    }
    assert_eq!(server.log().matches("connection received").count(), logins);
    assert!(server.lets_in(&role, OLD));
}

#[tokio::test]
async fn a_database_that_knows_none_of_the_passwords_is_left_alone() {
    let server = postgres();
    let role = role(&server);
    let scene = Scene::with("single", &document("postgres", server.port(), &role).to_string()).await;
    server.sql(&format!("ALTER ROLE {role} PASSWORD 'changed-by-hand'"));
    let token = scene.begin().await;
    scene.step(&token, Step::Create).await.unwrap();
    let error = refused(&scene, &token, Step::Set).await;
    assert_eq!(error.kind, ErrorKind::Unauthenticated, "{error}");
    assert!(error.to_string().contains("set the user's password"), "{error}");
    assert!(server.lets_in(&role, "changed-by-hand"));
}

#[tokio::test]
async fn connections_are_encrypted_and_verified_unless_the_document_says_otherwise() {
    let server = postgres();
    let role = role(&server);
    let mut text = document("postgres", server.port(), &role);
    text.as_object_mut().unwrap().remove("ssl");
    let scene = Scene::with("single", &text.to_string()).await;
    let token = scene.begin().await;
    scene.step(&token, Step::Create).await.unwrap();
    // This server has no TLS: nothing is sent to it in the clear.
    let error = refused(&scene, &token, Step::Set).await;
    assert_eq!(error.kind, ErrorKind::InvalidConfig, "{error}");
    assert!(server.lets_in(&role, OLD));
}

#[tokio::test]
async fn who_has_no_time_is_told_so() {
    let server = postgres();
    let role = role(&server);
    let scene = Scene::with("single", &document("postgres", server.port(), &role).to_string()).await;
    let token = scene.begin().await;
    let event = scene.event(&token, Step::Create);
    let error = scene.function().serve(&event, Duration::from_millis(1001)).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::TimedOut, "{error}");
    assert!(error.to_string().contains("time is over"), "{error}");
    scene.step(&token, Step::Create).await.unwrap();
}
