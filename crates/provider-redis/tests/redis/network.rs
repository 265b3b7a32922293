//! A network that fails half way through.

use std::time::Duration;

use keywheel_core::Effect;
use keywheel_testservers::{Proxy, RedisUsers, Weather};
use serde_json::json;
use tokio::time::timeout;

use crate::scene::{NEW, OLD, Scene, with_app};

/// How many pieces an apply sends over a connection that is open already.
async fn pieces_of_an_apply(strategy: &str) -> usize {
    let server = with_app(RedisUsers::AclFile);
    let proxy = Proxy::to(server.port());
    let user = Scene::new(proxy.port()).with("strategy", json!(strategy)).app();
    user.apply(OLD, Some(OLD)).await.unwrap();
    let before = proxy.sent();
    user.apply(NEW, Some(OLD)).await.unwrap();
    proxy.sent() - before
}

#[tokio::test]
async fn wherever_the_connection_is_cut_nothing_is_said_that_is_not_so() {
    for strategy in ["overlap", "in-place"] {
        let pieces = pieces_of_an_apply(strategy).await;
        assert_eq!(pieces, 2, "a look and a transaction");
        for let_through in 0..=pieces {
            let server = with_app(RedisUsers::AclFile);
            let proxy = Proxy::to(server.port());
            let scene = Scene::new(proxy.port()).with("strategy", json!(strategy));
            let user = scene.app();
            user.apply(OLD, Some(OLD)).await.unwrap();
            proxy.set(Weather::CutAfterSent(let_through));
            let outcome = user.apply(NEW, Some(OLD)).await;
            proxy.set(Weather::Fair);
            let accepted = user.accepts(NEW).await;
            match outcome {
                Ok(()) => assert!(accepted && let_through == pieces),
                Err(error) if error.effect == Effect::NotApplied => assert!(!accepted, "{error}"),
                Err(error) => assert!(let_through > 0, "{error}"),
            }
            assert_eq!(accepted, let_through == pieces, "{let_through} of {pieces} pieces arrived");
            // Once more, as the engine does: it comes to the same.
            user.apply(NEW, Some(OLD)).await.unwrap();
            user.revoke(OLD, Some(NEW)).await.unwrap();
            assert!(user.accepts(NEW).await && !user.accepts(OLD).await);
        }
    }
}

#[tokio::test]
async fn a_reply_that_is_lost_leaves_the_change_unknown_and_a_probe_tells() {
    let server = with_app(RedisUsers::AclFile);
    let proxy = Proxy::to(server.port());
    let user = Scene::new(proxy.port()).app();
    user.apply(OLD, Some(OLD)).await.unwrap();
    // The look comes back, the transaction's reply does not.
    proxy.set(Weather::CutAfterSent(2));
    let error = user.apply(NEW, Some(OLD)).await.unwrap_err();
    assert_eq!(error.effect, Effect::MaybeApplied, "{error}");
    proxy.set(Weather::Fair);
    assert!(user.accepts(NEW).await);
}

#[tokio::test]
async fn what_its_caller_gave_up_is_not_sent_later() {
    let server = with_app(RedisUsers::AclFile);
    let proxy = Proxy::to(server.port());
    let user = Scene::new(proxy.port()).app();
    user.apply(OLD, Some(OLD)).await.unwrap();
    proxy.set(Weather::RepliesLost);
    let given_up = timeout(Duration::from_millis(200), user.apply(NEW, Some(OLD))).await;
    assert!(given_up.is_err(), "nobody answered");
    let error = timeout(Duration::from_millis(200), user.try_probe(OLD)).await;
    assert!(error.is_err(), "nobody answered");
    proxy.set(Weather::Cut);
    proxy.set(Weather::Fair);
    // The look was never answered, so the change was never sent.
    assert!(!user.accepts(NEW).await);
    user.rotate().await;
}

#[tokio::test]
async fn a_connection_that_broke_is_made_anew() {
    let mut server = with_app(RedisUsers::ConfigFile);
    let user = Scene::new(server.port()).app();
    user.apply(NEW, Some(OLD)).await.unwrap();
    server.survive_a_power_cut();
    // Meanwhile it is seen that the connection ended; else the call would fail once, with nothing changed.
    assert!(user.accepts(NEW).await);
    user.revoke(OLD, Some(NEW)).await.unwrap();
    server.command(&["CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes"]);
    assert!(user.accepts(NEW).await);
    user.apply(OLD, Some(NEW)).await.unwrap();
}

#[tokio::test]
async fn nothing_is_begun_after_the_deadline() {
    use keywheel_core::{CallContext, ErrorKind, SecretValue, rotator::Credential};
    let server = with_app(RedisUsers::AclFile);
    let user = Scene::new(server.port()).app();
    let late = CallContext { deadline: Duration::ZERO, ..crate::scene::context() };
    let value = SecretValue::copy_from(NEW.as_bytes());
    let new = Credential { identity: None, value: &value };
    for error in [user.rotator.apply(&late, new, None).await, user.rotator.revoke(&late, new, None).await] {
        let error = error.unwrap_err();
        assert_eq!((error.kind, error.effect), (ErrorKind::TimedOut, Effect::NotApplied), "{error}");
    }
    assert!(!user.accepts(NEW).await);
}
