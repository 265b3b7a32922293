//! The private `OpenBao` does what tests rely on.
#![cfg(feature = "openbao")]

use keywheel_testservers::{Authority, OpenBao};
use serde_json::{Value, json};

#[test]
fn what_the_durable_one_acknowledged_survives_a_power_cut() {
    let mut server = OpenBao::start_durable();
    server.write("secret/data/app", &json!({ "data": { "value": "one" } }));
    let before = server.id();
    server.kill();
    server.start_again();
    assert_ne!(before, server.id());
    assert_eq!(server.read("secret/data/app").unwrap()["data"]["value"], "one");
    assert!(server.read("secret/data/nothing").is_none());
}

#[test]
fn it_asks_for_a_token_and_holds_its_tongue_while_it_is_sealed() {
    let server = OpenBao::start();
    assert_eq!(server.ask_as("", "GET", "secret/data/app", &Value::Null).0, 403);
    server.seal();
    assert_eq!(server.ask("GET", "secret/data/app", &Value::Null).0, 503);
    server.unseal();
    assert_eq!(server.ask("GET", "secret/data/app", &Value::Null).0, 404);
    assert!(!server.log().contains(&server.root_token()), "its log has the token");
}

#[test]
fn with_tls_it_is_whom_its_authority_says() {
    let authority = Authority::called("ours");
    let server = OpenBao::start_encrypted(&authority.issue("localhost"), &authority.pem());
    server.write("secret/data/app", &json!({ "data": { "value": "one" } }));
    assert!(server.url().starts_with("https://localhost:"));
}
