//! One user, whatever it is called and whatever it may do.

use base64::{Engine, engine::general_purpose::STANDARD};
use keywheel_core::{Effect, ErrorKind, rotator::Probe};
use keywheel_testservers::Rabbitmq;
use reqwest::Method;
use serde_json::json;
use sha2::{Digest, Sha512};

use crate::scene::{Eye, NEW, OLD, Scene, fresh};

#[tokio::test]
async fn a_user_of_any_name_keeps_its_tags_limits_and_permissions() {
    let server = Rabbitmq::shared();
    let eye = Eye::on(&server);
    for strange in ["with space", "a/b", "100%25 ?#&", "größe-鍵", "quote\"'\\", "x@y:z+w"] {
        let name = fresh(strange);
        eye.make(&name).await;
        let before = eye.state_of(&name).await;
        let user = Scene::new(&server).with("strategy", json!("in-place")).user(&name);
        assert!(user.accepts(&name, OLD).await, "{name}");
        user.apply(&name, NEW).await.unwrap();
        assert!(user.accepts(&name, NEW).await && !user.accepts(&name, OLD).await, "{name}");
        let made = eye.get(&["users", &name]).await;
        assert_eq!(made["tags"], json!(["monitoring", "ours"]), "{name}");
        assert_eq!(made["limits"], json!({"max-channels": 77}), "{name}");
        let [before, after] = [before, eye.state_of(&name).await]
            .map(|state| state.split_once("permissions:").unwrap().1.to_owned());
        assert_eq!(before, after);
    }
    let log = server.log();
    assert!(log.contains("Asked to") || log.contains("authenticated"), "it logs what happens:\n{log}");
    assert!(!log.contains(NEW) && !log.contains(OLD) && !log.contains(Rabbitmq::PASSWORD));
}

#[tokio::test]
async fn a_login_counts_without_any_virtual_host_and_a_retired_user_gets_none() {
    let server = Rabbitmq::shared();
    let eye = Eye::on(&server);
    let name = fresh("nowhere");
    eye.put(&["users", &name], json!({"password": OLD, "tags": ""})).await;
    let user = Scene::new(&server).user(&name);
    assert!(user.accepts(&name, OLD).await);
    assert!(!user.accepts(&name, NEW).await);
    // Many at once are not allowed; trying does not count.
    eye.put(&["user-limits", &name, "max-connections"], json!({"value": 0})).await;
    assert!(user.accepts(&name, OLD).await);
    eye.put(&["users", &name], json!({"password_hash": "", "tags": ""})).await;
    assert!(!user.accepts(&name, OLD).await);
    let gone = fresh("gone");
    let user = Scene::new(&server).with("strategy", json!("in-place")).user(&gone);
    assert!(!user.accepts(&gone, OLD).await);
    let error = user.apply(&gone, NEW).await.unwrap_err();
    assert_eq!((error.kind, error.effect), (ErrorKind::NotFound, Effect::NotApplied), "{error}");
}

#[tokio::test]
async fn where_the_hash_does_not_tell_whose_password_it_is_a_login_does() {
    let server = Rabbitmq::shared();
    let eye = Eye::on(&server);
    let name = fresh("otherwise hashed");
    let user = Scene::new(&server).with("strategy", json!("in-place")).user(&name);
    let hashed = |password: &str| {
        let mut bytes = b"salt".to_vec();
        bytes.extend_from_slice(&Sha512::new().chain_update("salt").chain_update(password).finalize());
        let hash = STANDARD.encode(bytes);
        json!({"password_hash": hash, "hashing_algorithm": "rabbit_password_hashing_sha512", "tags": ""})
    };
    eye.put(&["users", &name], hashed("somebody-elses-password")).await;
    user.revoke((&name, OLD), (&name, NEW)).await.unwrap();
    assert!(user.accepts(&name, "somebody-elses-password").await);
    eye.put(&["users", &name], hashed(OLD)).await;
    assert!(user.accepts(&name, OLD).await);
    user.revoke((&name, OLD), (&name, NEW)).await.unwrap();
    assert!(user.accepts(&name, NEW).await && !user.accepts(&name, OLD).await);
}

#[tokio::test]
async fn an_older_hash_is_replaced_and_values_that_cannot_be_sent_are_refused_before() {
    let server = Rabbitmq::shared();
    let eye = Eye::on(&server);
    let name = fresh("older");
    // The SHA-512 of nothing that anybody knows.
    let older = json!({"password_hash": "AAAAAAAAAAAAAAAA", "hashing_algorithm": "rabbit_password_hashing_sha512", "tags": ""});
    eye.put(&["users", &name], older).await;
    let user = Scene::new(&server).with("strategy", json!("in-place")).user(&name);
    user.apply(&name, NEW).await.unwrap();
    assert_eq!(user.try_probe(&name, NEW).await.unwrap(), Probe::Accepted);
    for impossible in ["", "a\0b"] {
        let error = user.apply(&name, impossible).await.unwrap_err();
        assert_eq!((error.kind, error.effect), (ErrorKind::InvalidValue, Effect::NotApplied), "{error}");
        assert_eq!(user.try_probe(&name, impossible).await.unwrap_err().kind, ErrorKind::InvalidValue);
    }
    // Somebody else's password is not ended in place of the old one.
    user.revoke((&name, OLD), (&name, NEW)).await.unwrap();
    assert!(user.accepts(&name, NEW).await);
    let same = user.revoke((&name, NEW), (&name, NEW)).await.unwrap_err();
    assert_eq!(same.kind, ErrorKind::Conflict);
    // An undo: the new one ends, and the old one is back.
    user.revoke((&name, NEW), (&name, OLD)).await.unwrap();
    assert!(user.accepts(&name, OLD).await && !user.accepts(&name, NEW).await);
    eye.ask(Method::DELETE, &["users", &name], None).await;
    user.revoke((&name, OLD), (&name, NEW)).await.unwrap();
}
