//! A server that is sealed, killed, asked too much, or not to be believed.

use std::{sync::Arc, time::Duration};

use keywheel_core::{
    Effect, ErrorKind,
    secret::{Secret, Stage},
};
use keywheel_testservers::{Authority, OpenBao};
use serde_json::json;

use crate::{
    ground::Ground,
    scene::{Scene, calm, rotate, rotation, shown, text, value, with_token},
};

#[tokio::test]
async fn a_sealed_server_has_applied_nothing_and_works_again_when_it_is_unsealed() {
    let ground = Ground::on(Arc::new(OpenBao::start()));
    let secret = ground.scene().at("app/database");
    rotate(&*secret, 1, "one").await;
    ground.server.seal();
    let error = secret.stage(&calm(2), &value("two"), None).await.unwrap_err();
    assert_eq!((error.kind, error.effect), (ErrorKind::Unavailable, Effect::NotApplied), "{error}");
    assert!(error.to_string().contains("sealed"), "{error}");
    let error = secret.read(Stage::Current).await.unwrap_err();
    assert_eq!((error.kind, error.effect), (ErrorKind::Unavailable, Effect::NotApplied), "{error}");
    ground.server.unseal();
    rotate(&*secret, 2, "two").await;
    assert_eq!(shown(&*secret).await, "current=two by 2, previous=one by 1");
}

/// What stands where. A look may be sent over a connection that was kept, and died with the server: it says so, and after at
/// most a few of them one has a new connection.
async fn shown_after_restart(secret: &dyn Secret) -> String {
    for _ in 0..4 {
        let Err(error) = secret.versions().await else { break };
        assert_eq!((error.kind, error.effect), (ErrorKind::Unavailable, Effect::NotApplied), "{error}");
    }
    shown(secret).await
}

#[tokio::test]
async fn what_was_staged_and_promoted_survives_the_death_of_the_server() {
    let mut server = OpenBao::start_durable();
    let scene = Scene::with(&server.root_token(), &with_token(&server.url(), ""));
    let secret = scene.at("app/database");
    rotate(&*secret, 1, "one").await;
    let one = secret.versions().await.unwrap().at(Stage::Current).unwrap().id.clone();
    let staged = secret.stage(&calm(2), &value("two"), None).await.unwrap();
    server.kill();
    let error = secret.promote(&calm(2), &staged.id, Some(&one)).await.unwrap_err();
    assert_eq!((error.kind, error.effect), (ErrorKind::Unavailable, Effect::NotApplied), "{error}");
    server.start_again();
    assert_eq!(shown_after_restart(&*secret).await, "pending=two by 2, current=one by 1");
    secret.promote(&calm(2), &staged.id, Some(&one)).await.unwrap();
    server.kill();
    server.start_again();
    assert_eq!(shown_after_restart(&*secret).await, "current=two by 2, previous=one by 1");
    secret.retire(&calm(2), &one).await.unwrap();
    server.kill();
    server.start_again();
    assert_eq!(shown_after_restart(&*secret).await, "current=two by 2");
}

/// Lets so few requests through that a rotation meets the limit, each time for a moment.
fn limit(ground: &Ground, says_when: bool) {
    ground.server.write("sys/quotas/config", &json!({ "enable_rate_limit_response_headers": says_when }));
    let quota = json!({ "path": format!("{}/", ground.mount), "rate": 2, "interval": "1s" });
    ground.server.write("sys/quotas/rate-limit/test", &quota);
}

#[tokio::test]
async fn a_limit_is_waited_for_if_the_server_says_how_long() {
    let ground = Ground::on(Arc::new(OpenBao::start()));
    let secret = ground.scene().at("app/database");
    limit(&ground, true);
    for (number, text) in [(1, "one"), (2, "two")] {
        rotate(&*secret, number, text).await;
    }
    assert_eq!(text(&*secret, Stage::Current).await.as_deref(), Some("two"));
    // But not for longer than the call may take.
    let mut outcomes = Vec::new();
    for _ in 0..4 {
        outcomes.push(
            secret.stage(&rotation(3, Duration::from_millis(50)), &value("three"), None).await.map(drop),
        );
    }
    let refused = outcomes.iter().filter_map(|outcome| outcome.as_ref().err());
    assert!(refused.clone().all(|error| matches!(error.kind, ErrorKind::RateLimited | ErrorKind::TimedOut)));
    assert!(refused.count() > 0, "the limit was met");
}

#[tokio::test]
async fn a_limit_is_said_and_was_not_applied() {
    let ground = Ground::on(Arc::new(OpenBao::start()));
    let secret = ground.scene().at("app/database");
    rotate(&*secret, 1, "one").await;
    limit(&ground, false);
    let mut errors = 0;
    for _ in 0..6 {
        if let Err(error) = secret.read(Stage::Current).await {
            assert_eq!((error.kind, error.effect), (ErrorKind::RateLimited, Effect::NotApplied), "{error}");
            errors += 1;
        }
    }
    assert!(errors > 0, "the limit was met");
}

#[tokio::test]
async fn only_the_authority_of_the_settings_is_believed() {
    let (ours, strangers) = (Authority::called("ours"), Authority::called("strangers"));
    let server = OpenBao::start_encrypted(&ours.issue("localhost"), &ours.pem());
    let settings = with_token(&server.url(), "tls: { ca-file: ca.pem }");
    let scene = Scene::with(&server.root_token(), &settings);
    let authority =
        |authority: &Authority| std::fs::write(scene.directory.path().join("ca.pem"), authority.pem());
    authority(&ours).unwrap();
    let secret = scene.at("app/database");
    rotate(&*secret, 1, "one").await;
    authority(&strangers).unwrap();
    let error = secret.read(Stage::Current).await.unwrap_err();
    assert_eq!((error.kind, error.effect), (ErrorKind::InvalidConfig, Effect::NotApplied), "{error}");
    authority(&ours).unwrap();
    assert_eq!(text(&*secret, Stage::Current).await.as_deref(), Some("one"));
}
