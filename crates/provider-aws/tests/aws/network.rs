//! Networks that fail.

use std::time::Duration;

use keywheel_core::{CallContext, Effect, ErrorKind, secret::Stage};
use keywheel_testservers::{Mishap, Moto, Proxy, Weather, free_port};
use tokio::time::timeout;

use crate::scene::{Eye, NAME, Scene, rotation, text_at, value};

/// Each request of each call is lost, or its reply is, until none is left to lose; then the call is made again, as the engine does.
#[tokio::test]
async fn wherever_the_connection_is_cut_nothing_is_said_that_is_not_so() {
    let server = Moto::shared();
    let eye = Eye::at(server.port());
    for mishap in [Mishap::ReplyLost, Mishap::RequestLost] {
        for step in ["stage", "first", "promote", "retire"] {
            for let_through in 0.. {
                assert!(let_through < 20, "it comes to an end");
                let name = format!("{mishap:?}-{step}-{let_through}");
                let calm = Scene::at(server.port()).secret(&name);
                let old =
                    if step == "first" { None } else { Some(eye.make(&name, "old").await.as_str().into()) };
                if matches!(step, "promote" | "retire") {
                    calm.stage(&rotation(1), &value("new"), None).await.unwrap();
                }
                let new = rotation(1).rotation.to_string().as_str().into();
                if step == "retire" {
                    calm.promote(&rotation(1), &new, old.as_ref()).await.unwrap();
                }
                let before = (eye.labels(&name).await, calm.versions().await.unwrap());

                let proxy = Proxy::to(server.port());
                let secret = Scene::at(proxy.port()).secret(&name);
                proxy.set(Weather::Once(let_through, mishap));
                let attempt = async || match step {
                    "stage" | "first" => secret.stage(&rotation(1), &value("new"), None).await.map(|_| ()),
                    "promote" => secret.promote(&rotation(1), &new, old.as_ref()).await,
                    _ => secret.retire(&rotation(1), old.as_ref().unwrap()).await,
                };
                let outcome = attempt().await;
                proxy.set(Weather::Fair);
                let done = outcome.is_ok();
                if let Err(error) = outcome {
                    assert!(error.kind.is_transient(), "{name}: {error}");
                    if error.effect == Effect::NotApplied {
                        let after = (eye.labels(&name).await, calm.versions().await.unwrap());
                        assert_eq!(after, before, "{name}: {error}");
                    }
                }
                attempt().await.unwrap();
                let pending = text_at(&*calm, Stage::Pending).await;
                let current = text_at(&*calm, Stage::Current).await;
                let previous = text_at(&*calm, Stage::Previous).await;
                let found = (pending.as_deref(), current.as_deref(), previous.as_deref());
                match step {
                    "stage" => assert_eq!(found, (Some("new"), Some("old"), None), "{name}"),
                    "first" => assert_eq!(found, (Some("new"), None, None), "{name}"),
                    "promote" => assert_eq!(found, (None, Some("new"), Some("old")), "{name}"),
                    _ => assert_eq!(found, (None, Some("new"), None), "{name}"),
                }
                if done {
                    assert!(let_through >= 2, "{name}: a look and a change at least");
                    break;
                }
            }
        }
    }
}

#[tokio::test]
async fn nothing_is_sent_without_time_and_who_is_not_there_is_unavailable() {
    let server = Moto::start();
    let eye = Eye::at(server.port());
    eye.make(NAME, "old").await;
    let asked = server.log().lines().count();
    let secret = Scene::at(server.port()).secret(NAME);
    let late = CallContext { deadline: Duration::ZERO, ..rotation(1) };
    let error = secret.stage(&late, &value("new"), None).await.unwrap_err();
    assert_eq!((error.kind, error.effect), (ErrorKind::TimedOut, Effect::NotApplied), "{error}");
    assert_eq!(server.log().lines().count(), asked);

    let short = CallContext { deadline: Duration::from_millis(300), ..rotation(1) };
    let proxy = Proxy::to(server.port());
    proxy.set(Weather::Slow(Duration::from_secs(2)));
    let secret = Scene::at(proxy.port()).secret(NAME);
    let outcome = timeout(Duration::from_secs(5), secret.stage(&short, &value("new"), None)).await;
    let error = outcome.expect("it gives up by itself").unwrap_err();
    assert_eq!(
        (error.kind, error.effect),
        (ErrorKind::TimedOut, Effect::NotApplied),
        "only the look was sent"
    );

    let nobody = Scene::at(free_port());
    let error = nobody.secret(NAME).stage(&rotation(1), &value("new"), None).await.unwrap_err();
    assert_eq!((error.kind, error.effect), (ErrorKind::Unavailable, Effect::NotApplied), "{error}");
    assert_eq!(nobody.findings().await.len(), 1);
    assert!(Scene::at(server.port()).findings().await.is_empty());
}

#[tokio::test]
async fn a_role_is_assumed_by_whoever_the_keys_are_of() {
    let server = Moto::start();
    let port = server.port();
    let eye = Eye::at(port);
    // In the account of the role, which is another one.
    let role = "arn:aws:iam::210987654321:role/keywheel";
    let settings = format!(
        "  assume-role: {{arn: '{role}', external-id: team-7, endpoint: 'http://127.0.0.1:{port}'}}\n"
    );
    let secret = Scene::with(port, &settings).secret(NAME);
    let new = secret.stage(&rotation(1), &value("theirs"), None).await.unwrap().id;
    secret.promote(&rotation(1), &new, None).await.unwrap();
    assert_eq!(text_at(&*secret, Stage::Current).await.as_deref(), Some("theirs"));
    assert!(eye.labels(NAME).await.is_empty(), "it is not in the account of the keys");
}
