//! Two users that take turns.

use keywheel_core::{Effect, ErrorKind};
use keywheel_testservers::Rabbitmq;
use reqwest::Method;
use serde_json::{Value, json};

use crate::scene::{Eye, NEW, OLD, Scene, fresh};

async fn rights(eye: &Eye, name: &str) -> Vec<String> {
    let mut said = Vec::new();
    for path in ["permissions", "topic-permissions"] {
        let Value::Array(list) = eye.get(&["users", name, path]).await else { panic!("a list") };
        said.extend(list.into_iter().map(|mut entry| {
            entry["user"] = Value::Null;
            entry.to_string()
        }));
    }
    said.sort();
    said
}

#[tokio::test]
async fn at_each_turn_the_clone_gets_exactly_what_the_original_may_do() {
    let server = Rabbitmq::shared();
    let eye = Eye::on(&server);
    let (name, vhost) = (fresh("original"), fresh("a/b ü"));
    let clone = format!("{name}_clone");
    eye.make(&name).await;
    eye.put(&["vhosts", &vhost], json!({})).await;
    eye.put(&["permissions", &vhost, &name], json!({"configure": "", "write": "", "read": "^x$"})).await;
    for exchange in ["", "amq.topic", "orders/new"] {
        let topic = json!({"exchange": exchange, "write": "^{username}", "read": ""});
        eye.put(&["topic-permissions", &vhost, &name], topic).await;
    }
    let user = Scene::new(&server).user(&name);
    user.apply(&clone, NEW).await.unwrap();
    assert!(user.accepts(&clone, NEW).await && user.accepts(&name, OLD).await);
    assert_eq!(rights(&eye, &clone).await, rights(&eye, &name).await);
    assert_eq!(rights(&eye, &clone).await.len(), 6);
    let made = eye.get(&["users", &clone]).await;
    assert_eq!(made["tags"], json!(["monitoring", "ours", "keywheel-clone"]));
    assert_eq!(made["limits"], json!({"max-channels": 77}));

    user.revoke((&name, OLD), (&clone, NEW)).await.unwrap();
    assert!(user.accepts(&clone, NEW).await && !user.accepts(&name, OLD).await);
    assert_eq!(eye.get(&["users", &name]).await["password_hash"], "");

    // The original's turn, with other rights than before.
    eye.ask(Method::DELETE, &["permissions", &vhost, &name], None).await;
    eye.ask(Method::DELETE, &["topic-permissions", &vhost, &name], None).await;
    let topic = json!({"exchange": "amq.topic", "write": "^other", "read": ""});
    eye.put(&["topic-permissions", &vhost, &name], topic).await;
    eye.ask(Method::DELETE, &["user-limits", &name, "max-channels"], None).await;
    eye.put(&["user-limits", &name, "max-connections"], json!({"value": 5})).await;
    user.apply(&name, "third-password").await.unwrap();
    user.revoke((&clone, NEW), (&name, "third-password")).await.unwrap();
    assert!(user.accepts(&name, "third-password").await && !user.accepts(&clone, NEW).await);

    user.apply(&clone, "fourth-password").await.unwrap();
    assert_eq!(rights(&eye, &clone).await, rights(&eye, &name).await);
    assert_eq!(eye.get(&["users", &clone]).await["limits"], json!({"max-connections": 5}));
    assert!(user.accepts(&clone, "fourth-password").await);
    // A right that got lost in between comes back when the call is repeated.
    eye.ask(Method::DELETE, &["permissions", "/", &clone], None).await;
    user.apply(&clone, "fourth-password").await.unwrap();
    assert_eq!(rights(&eye, &clone).await, rights(&eye, &name).await);
}

#[tokio::test]
async fn a_user_that_keywheel_did_not_make_is_left_alone() {
    let server = Rabbitmq::shared();
    let eye = Eye::on(&server);
    let name = fresh("taken");
    let clone = format!("{name}_clone");
    eye.make(&name).await;
    let user = Scene::new(&server).user(&name);
    let others = [
        json!({"password": "somebody-else", "tags": ""}),
        // One that logs in with a certificate.
        json!({"password_hash": "", "tags": ""}),
        // Made by keywheel, and given a password by somebody.
        json!({"password": "somebody-else", "tags": "keywheel-clone"}),
    ];
    for other in others {
        eye.put(&["users", &clone], other).await;
        let before = eye.state_of(&name).await;
        let error = user.apply(&clone, NEW).await.unwrap_err();
        assert_eq!((error.kind, error.effect), (ErrorKind::Conflict, Effect::NotApplied), "{error}");
        assert_eq!(eye.state_of(&name).await, before);
    }
    eye.put(&["users", &clone], json!({"password_hash": "", "tags": ""})).await;
    let said = user.findings().await;
    assert!(said.contains("keywheel did not make it"), "{said}");
    // Left over by an attempt that did not come to its end.
    eye.put(&["users", &clone], json!({"password_hash": "", "tags": "keywheel-clone"})).await;
    assert_eq!(user.findings().await, "");
    user.apply(&clone, NEW).await.unwrap();
    assert!(user.accepts(&clone, NEW).await);
}
