//! Encrypted connections, and whom they trust.

use std::time::Duration;

use keywheel_core::ErrorKind;
use keywheel_testservers::{Authority, Redis, RedisSetup};
use serde_json::json;
use tokio::time::timeout;

use crate::scene::{NEW, OLD, Scene, app};

fn server(authority: &Authority, settings: &[&str]) -> Redis {
    let [certificate, key] = authority.issue("redis.example.org");
    Redis::start(RedisSetup {
        users: vec![app()],
        settings: settings.iter().map(ToString::to_string).collect(),
        tls: Some([certificate, key, authority.pem()]),
        ..RedisSetup::default()
    })
}

fn scene(server: &Redis, authority: &Authority, more: &serde_json::Value) -> Scene {
    let mut tls = json!({"root-certificate": "authority.pem", "server-name": "redis.example.org"});
    for (key, value) in more.as_object().unwrap() {
        tls[key] = value.clone();
    }
    let scene = Scene::new(server.port()).with("tls", tls);
    scene.write("authority.pem", &authority.pem());
    scene
}

#[tokio::test]
async fn a_rotation_over_tls() {
    let authority = Authority::called("ours");
    let server = server(&authority, &[]);
    let user = scene(&server, &authority, &json!({})).app();
    assert_eq!(user.findings().await, "");
    user.rotate().await;
}

#[tokio::test]
async fn a_server_that_the_wrong_authority_vouches_for_hears_no_password() {
    let (authority, other) = (Authority::called("ours"), Authority::called("another"));
    let server = server(&authority, &[]);
    let strange = scene(&server, &other, &json!({})).app();
    let elsewhere = scene(&server, &authority, &json!({"server-name": "other.example.org"})).app();
    for user in [strange, elsewhere] {
        for error in [user.try_probe(OLD).await.unwrap_err(), user.apply(NEW, Some(OLD)).await.unwrap_err()] {
            assert_eq!(error.kind, ErrorKind::InvalidConfig, "{error}");
            assert!(error.to_string().contains("TLS"), "{error}");
        }
        assert!(user.findings().await.contains("TLS"));
    }
}

#[tokio::test]
async fn a_server_that_wants_a_certificate_gets_one() {
    let authority = Authority::called("ours");
    let server = server(&authority, &["tls-auth-clients yes"]);
    let without = scene(&server, &authority, &json!({})).app();
    let error = without.try_probe(OLD).await.unwrap_err();
    assert_ne!(error.kind, ErrorKind::Rejected, "{error}");
    let scene =
        scene(&server, &authority, &json!({"client-certificate": "me.pem", "client-key": "file:me.key"}));
    let [certificate, key] = authority.issue("keywheel.example.org");
    scene.write("me.pem", &certificate);
    scene.write("me.key", &key);
    scene.app().rotate().await;
}

#[tokio::test]
async fn files_that_are_missing_or_hold_something_else_are_named() {
    let authority = Authority::called("ours");
    let server = server(&authority, &[]);
    let scene = scene(&server, &authority, &json!({}));
    let user = scene.app();
    for text in ["", "no certificate at all"] {
        scene.write("authority.pem", text);
        let error = user.try_probe(OLD).await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::InvalidConfig, "{error}");
        assert!(error.to_string().contains("authority.pem"), "{error}");
    }
    std::fs::remove_file(scene.directory.path().join("authority.pem")).unwrap();
    let error = user.try_probe(OLD).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::NotFound, "{error}");
}

#[tokio::test]
async fn tls_and_no_tls_do_not_mix() {
    let authority = Authority::called("ours");
    let server = server(&authority, &[]);
    let plain = Scene::new(server.port()).app();
    let error = plain.try_probe(OLD).await.unwrap_err();
    assert_ne!(error.kind, ErrorKind::Rejected, "{error}");
    let server = crate::scene::with_app(keywheel_testservers::RedisUsers::AclFile);
    let user = scene(&server, &authority, &json!({})).app();
    // Such a server waits for the end of a line; the engine's time-out ends that.
    let outcome = timeout(Duration::from_secs(1), user.try_probe(OLD)).await;
    assert!(!matches!(outcome, Ok(Ok(_))), "{outcome:?}");
}
