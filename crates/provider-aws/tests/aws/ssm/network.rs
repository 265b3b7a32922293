//! Networks that fail.

use keywheel_core::{Effect, ErrorKind, secret::Stage};
use keywheel_testservers::{Mishap, Moto, Proxy, Weather, free_port};

use super::eye::Eye;
use crate::scene::{Scene, rotation, text_at, value};

/// Each request of each call is lost, or its reply is, until none is left to lose; then the call is made again, as the engine does.
#[tokio::test]
async fn wherever_the_connection_is_cut_nothing_is_said_that_is_not_so() {
    let server = Moto::shared();
    let eye = Eye::at(server.port());
    for mishap in [Mishap::ReplyLost, Mishap::RequestLost] {
        for step in ["stage", "first", "promote", "adopt", "back", "retire", "discard"] {
            for let_through in 0.. {
                assert!(let_through < 20, "it comes to an end");
                let name = format!("/cut/{mishap:?}-{step}-{let_through}");
                let calm = Scene::parameters(server.port(), "").secret(&name);
                let old = if step == "first" {
                    None
                } else if step == "adopt" {
                    eye.put(&name, "old").await;
                    Some("1".into())
                } else {
                    let old = calm.stage(&rotation(7), &value("old"), None).await.unwrap().id;
                    calm.promote(&rotation(7), &old, None).await.unwrap();
                    Some(old)
                };
                let new = rotation(1).rotation.to_string().as_str().into();
                if !matches!(step, "stage") {
                    calm.stage(&rotation(1), &value("new"), None).await.unwrap();
                }
                if matches!(step, "back" | "retire") {
                    calm.promote(&rotation(1), &new, old.as_ref()).await.unwrap();
                }
                let before = (eye.everything(&name).await, calm.versions().await.unwrap());

                let proxy = Proxy::to(server.port());
                let secret = Scene::parameters(proxy.port(), "").secret(&name);
                proxy.set(Weather::Once(let_through, mishap));
                let attempt = async || match step {
                    "stage" => secret.stage(&rotation(1), &value("new"), None).await.map(|_| ()),
                    "first" | "promote" | "adopt" => secret.promote(&rotation(1), &new, old.as_ref()).await,
                    "back" => secret.promote(&rotation(1), old.as_ref().unwrap(), Some(&new)).await,
                    "discard" => secret.retire(&rotation(1), &new).await,
                    _ => secret.retire(&rotation(1), old.as_ref().unwrap()).await,
                };
                let outcome = attempt().await;
                let struck = proxy.has_struck();
                proxy.set(Weather::Fair);
                let done = outcome.is_ok();
                if let Err(error) = outcome {
                    assert!(struck && error.kind.is_transient(), "{name}: {error}");
                    if error.effect == Effect::NotApplied {
                        let after = (eye.everything(&name).await, calm.versions().await.unwrap());
                        assert_eq!(after, before, "{name}: {error}");
                    }
                    // Whatever was lost, the old value is somewhere that keywheel knows, until it is retired.
                    let known = calm.versions().await.unwrap();
                    if let Some(old) = old.as_ref().filter(|_| step != "retire") {
                        assert!(known.by_id(old).is_some(), "{name}: {known:?}");
                    }
                    assert!(step == "discard" || step == "stage" || known.by_id(&new).is_some(), "{name}");
                }
                attempt().await.unwrap();
                let pending = text_at(&*calm, Stage::Pending).await;
                let current = text_at(&*calm, Stage::Current).await;
                let previous = text_at(&*calm, Stage::Previous).await;
                let found = (pending.as_deref(), current.as_deref(), previous.as_deref());
                let expected = match step {
                    "stage" => (Some("new"), Some("old"), None),
                    "promote" | "adopt" => (None, Some("new"), Some("old")),
                    "back" => (None, Some("old"), Some("new")),
                    "discard" => (None, Some("old"), None),
                    _ => (None, Some("new"), None),
                };
                assert_eq!(found, expected, "{name}");
                let labels =
                    eye.everything(&name).await.into_iter().filter(|(_, _, labels)| !labels.is_empty());
                assert!(labels.count() <= 2, "{name}: none is left where it would be in the way");
                if done {
                    assert!(let_through >= 2, "{name}: a look and a change at least");
                    break;
                }
            }
        }
    }
}

#[tokio::test]
async fn who_is_not_there_is_unavailable() {
    let server = Moto::shared();
    let nobody = Scene::parameters(free_port(), "");
    let error = nobody.secret("/x").stage(&rotation(1), &value("new"), None).await.unwrap_err();
    assert_eq!((error.kind, error.effect), (ErrorKind::Unavailable, Effect::NotApplied), "{error}");
    assert_eq!(nobody.findings().await.len(), 1);
    assert!(Scene::parameters(server.port(), "").findings().await.is_empty());
}
