//! Encrypted connections, and whom they trust.

use keywheel_core::{Effect, ErrorKind};
use keywheel_testservers::{Authority, Rabbitmq};
use serde_json::json;

use crate::scene::{NEW, OLD, Scene};

fn scene(server: &Rabbitmq, authority: &Authority) -> Scene {
    let scene = Scene::new(server).with("tls", json!({"root-certificate": "authority.pem"}));
    std::fs::write(scene.directory.path().join("authority.pem"), authority.pem()).unwrap();
    // There is a user that every server has: the administrator, here as an application.
    scene.with("strategy", json!("in-place"))
}

#[tokio::test]
async fn a_rotation_over_tls_and_servers_that_nobody_should_believe() {
    let [ours, another] = ["ours", "another"].map(Authority::called);
    let server = Rabbitmq::start_encrypted(&ours.issue("127.0.0.1"));
    let scene = scene(&server, &ours);
    let user = scene.user(Rabbitmq::ADMINISTRATOR);
    assert_eq!(user.findings().await, "");
    assert!(user.accepts(Rabbitmq::ADMINISTRATOR, Rabbitmq::PASSWORD).await);

    let strange = self::scene(&server, &another);
    let mut elsewhere = self::scene(&server, &ours);
    // A name of the same machine, and none of the certificate.
    elsewhere.settings["host"] = json!("localhost");
    for scene in [&strange, &elsewhere] {
        let user = scene.user(Rabbitmq::ADMINISTRATOR);
        let probe = user.try_probe(Rabbitmq::ADMINISTRATOR, OLD).await.unwrap_err();
        let apply = user.apply(Rabbitmq::ADMINISTRATOR, NEW).await.unwrap_err();
        for error in [probe, apply] {
            assert_eq!((error.kind, error.effect), (ErrorKind::InvalidConfig, Effect::NotApplied), "{error}");
            assert!(error.to_string().contains("certificate"), "{error}");
        }
        assert!(user.findings().await.contains("certificate"));
    }

    let unencrypted = Scene::new(&server).user(Rabbitmq::ADMINISTRATOR);
    let error = unencrypted.try_probe(Rabbitmq::ADMINISTRATOR, OLD).await.unwrap_err();
    assert_ne!(error.kind, ErrorKind::Rejected, "{error}");
    let error = unencrypted.apply(Rabbitmq::ADMINISTRATOR, NEW).await.unwrap_err();
    assert_ne!(error.kind, ErrorKind::Unauthenticated, "{error}");

    let file = scene.directory.path().join("authority.pem");
    for text in ["", "no certificate at all"] {
        std::fs::write(&file, text).unwrap();
        let error = user.try_probe(Rabbitmq::ADMINISTRATOR, OLD).await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::InvalidConfig, "{error}");
        assert!(error.to_string().contains("authority.pem"), "{error}");
    }
    // It is read again for each connection, and the whole comes last, since it changes who may do so.
    std::fs::write(&file, ours.pem()).unwrap();
    user.apply(Rabbitmq::ADMINISTRATOR, NEW).await.unwrap();
    assert!(user.accepts(Rabbitmq::ADMINISTRATOR, NEW).await);
    assert!(!user.accepts(Rabbitmq::ADMINISTRATOR, Rabbitmq::PASSWORD).await);
}
