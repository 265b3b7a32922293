//! Networks and servers that fail.

use std::time::Duration;

use keywheel_core::{
    CallContext, Effect, ErrorKind, Identity,
    rotator::{Credential, Probe},
};
use keywheel_testservers::{Proxy, Rabbitmq, Weather};
use serde_json::json;
use tokio::time::timeout;

use crate::scene::{Eye, NEW, OLD, Scene, context, fresh, value};

#[tokio::test]
async fn wherever_the_connection_is_cut_nothing_is_said_that_is_not_so() {
    let server = Rabbitmq::shared();
    let eye = Eye::on(&server);
    for (strategy, suffix) in [("in-place", ""), ("alternating", "_clone")] {
        // Each request is a connection and a piece of its own: cut after each until none is left to cut.
        for let_through in 0.. {
            assert!(let_through < 40, "it comes to an end");
            let name = fresh("cut");
            let next = format!("{name}{suffix}");
            eye.make(&name).await;
            let before = eye.state_of(&name).await;
            let proxy = Proxy::to(server.port());
            let user =
                Scene::at(proxy.port(), server.amqp_port()).with("strategy", json!(strategy)).user(&name);
            proxy.set(Weather::CutAfterSent(let_through));
            let outcome = user.apply(&next, NEW).await;
            proxy.set(Weather::Fair);
            let accepted = user.accepts(&next, NEW).await;
            let done = match outcome {
                Ok(()) => true,
                Err(error) => {
                    if error.effect == Effect::NotApplied {
                        assert_eq!(eye.state_of(&name).await, before, "{let_through}: {error}");
                    }
                    false
                }
            };
            assert!(accepted || !done);
            // Once more, as the engine does: it comes to the same.
            user.apply(&next, NEW).await.unwrap();
            assert!(user.accepts(&next, NEW).await);
            if done {
                assert!(let_through >= 2, "a look and a change at least");
                break;
            }
        }
    }
}

#[tokio::test]
async fn no_answer_no_time_and_a_wrong_administrator_are_told_apart() {
    let server = Rabbitmq::shared();
    let eye = Eye::on(&server);
    let name = fresh("late");
    eye.make(&name).await;
    let proxy = Proxy::to(server.port());
    let scene = Scene::at(proxy.port(), server.amqp_port()).with("strategy", json!("in-place"));
    let user = scene.user(&name);

    proxy.set(Weather::RepliesLost);
    let given_up = timeout(Duration::from_millis(300), user.apply(&name, NEW)).await;
    assert!(given_up.is_err(), "nobody answered");
    proxy.set(Weather::Cut);
    proxy.set(Weather::Fair);
    // The look was never answered, so the change was never sent.
    assert!(user.accepts(&name, OLD).await);

    let late = CallContext { deadline: Duration::ZERO, ..context() };
    let (identity, new) = (Identity::from(name.as_str()), value(NEW));
    let new = Credential { identity: Some(&identity), value: &new };
    let error = user.rotator.apply(&late, new, None).await.unwrap_err();
    assert_eq!((error.kind, error.effect), (ErrorKind::TimedOut, Effect::NotApplied), "{error}");

    std::fs::write(scene.directory.path().join("admin"), "wrong-password-of-the-administrator").unwrap();
    let error = user.apply(&name, NEW).await.unwrap_err();
    assert_eq!((error.kind, error.effect), (ErrorKind::Unauthenticated, Effect::NotApplied), "{error}");
    assert!(!format!("{error:?}").contains("wrong-password"));
    // What an application can do is another matter.
    assert_eq!(user.try_probe(&name, OLD).await.unwrap(), Probe::Accepted);

    // The other port of each: neither speaks what is asked.
    let crossed = Scene::at(server.amqp_port(), server.port()).user(&name);
    let error = crossed.try_probe(&name, OLD).await.unwrap_err();
    assert!(matches!(error.kind, ErrorKind::Unsupported | ErrorKind::Unavailable), "{error}");
    let error = crossed.apply(&name, NEW).await.unwrap_err();
    assert!(error.kind != ErrorKind::Rejected, "{error}");
}

#[tokio::test]
async fn a_server_that_was_stopped_is_unreachable_and_nothing_else() {
    let mut server = Rabbitmq::start();
    let eye = Eye::on(&server);
    eye.make("app").await;
    let scene = Scene::new(&server).with("strategy", json!("in-place"));
    let user = scene.user("app");
    assert!(user.accepts("app", OLD).await);
    server.stop();
    let error = user.try_probe("app", OLD).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Unavailable, "{error}");
    let error = user.apply("app", NEW).await.unwrap_err();
    assert_eq!((error.kind, error.effect), (ErrorKind::Unavailable, Effect::NotApplied), "{error}");
    let said = user.findings().await;
    assert!(said.contains("rabbitmq-plugins enable"), "{said}");
    assert!(said.contains("amqp-port"), "{said}");
}
