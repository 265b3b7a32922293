//! Whole lives, looked at from the database and from the server.

use keywheel_core::{
    Effect, ErrorKind,
    rotator::{Credential, Rotator},
};
use serde_json::json;

use crate::scene::{FIRST, Ground, accepts, rotation, value};

async fn reissued(rotator: &dyn Rotator, number: u8) -> String {
    let seen = rotator.generation().await.unwrap();
    let made = rotator.reissue(&rotation(number), seen.as_ref()).await.unwrap();
    String::from_utf8(made.value.expose_secret().to_vec()).unwrap()
}

#[tokio::test]
async fn a_static_role_has_one_password_and_the_database_takes_it() {
    let ground = Ground::start();
    let role = ground.static_role("app");
    let old = ground.password();
    assert!(ground.postgres().lets_in("app-user", &old));
    let seen = role.generation().await.unwrap();
    let made = role.reissue(&rotation(1), seen.as_ref()).await.unwrap();
    assert_eq!(made.identity, Some("app-user".into()), "the user, not the role");
    let new = ground.password();
    assert!(made.value.same_as(&value(&new)) && new != old);
    assert!(ground.postgres().lets_in("app-user", &new) && !ground.postgres().lets_in("app-user", &old));
    assert!(accepts(&*role, &new).await && !accepts(&*role, &old).await);
}

#[tokio::test]
async fn a_password_of_another_user_is_not_the_roles() {
    let ground = Ground::start();
    let (role, password) = (ground.static_role("app"), value(&ground.password()));
    let stranger = "somebody-else".into();
    let credential = Credential { identity: Some(&stranger), value: &password };
    assert_eq!(role.probe(credential).await.unwrap(), keywheel_core::rotator::Probe::Rejected);
}

#[tokio::test]
async fn nobody_is_told_the_root_credential_and_the_one_before_is_dead() {
    let ground = Ground::start();
    let root = ground.root_credential("main");
    assert!(ground.postgres().lets_in("vaultadmin", FIRST));
    assert_eq!(root.generation().await.unwrap(), None);
    let receipt = reissued(&*root, 1).await;
    assert!(!ground.postgres().lets_in("vaultadmin", FIRST));
    // The same for each attempt, and nothing that would log in.
    assert_eq!(reissued(&*root, 1).await, receipt);
    assert!(
        receipt.contains("\"connection\":\"main\"") && !ground.postgres().lets_in("vaultadmin", &receipt)
    );
    assert!(accepts(&*root, &receipt).await, "it logs in with what it has");
    assert!(!accepts(&*root, FIRST).await && !accepts(&*root, &receipt.replace("main", "other")).await);
    // And it still makes passwords for others.
    reissued(&*ground.static_role("app"), 2).await;
}

#[tokio::test]
async fn a_connection_that_does_not_work_any_more_is_no_proof() {
    let ground = Ground::start();
    let root = ground.root_credential("main");
    let receipt = reissued(&*root, 1).await;
    ground.postgres().sql("ALTER ROLE vaultadmin PASSWORD 'changed by somebody'");
    let receipt = value(&receipt);
    let probed = root.probe(Credential { identity: None, value: &receipt }).await;
    assert!(probed.is_err(), "{probed:?}");
}

#[tokio::test]
async fn old_versions_of_a_key_read_until_they_are_ended() {
    let ground = Ground::of_keys();
    let key = ground.key("orders");
    let encrypt = format!("{}/encrypt/orders", ground.transit);
    let old_text = ground.bao.write(&encrypt, &json!({ "plaintext": "aGVsbG8=" }));
    assert_eq!(reissued(&*key, 1).await, "2");
    assert_eq!(reissued(&*key, 2).await, "3");
    let [old, new] = [value("1"), value("3")];
    let [old, new] = [&old, &new].map(|value| Credential { identity: None, value });
    assert!(accepts(&*key, "1").await && accepts(&*key, "2").await && accepts(&*key, "3").await);
    assert!(!accepts(&*key, "4").await && !accepts(&*key, "0").await && !accepts(&*key, "none").await);
    key.revoke(&rotation(2), old, Some(new)).await.unwrap();
    assert_eq!(ground.shown("orders")["min_decryption_version"], 3);
    assert!(!accepts(&*key, "1").await && !accepts(&*key, "2").await && accepts(&*key, "3").await);
    let decrypt = format!("{}/decrypt/orders", ground.transit);
    let (status, _) =
        ground.bao.ask("POST", &decrypt, &json!({ "ciphertext": old_text["data"]["ciphertext"] }));
    assert_eq!(status, 400, "what version 1 made is not read any more");
}

#[tokio::test]
async fn the_newest_version_is_never_ended() {
    let ground = Ground::of_keys();
    let key = ground.key("orders");
    reissued(&*key, 1).await;
    let [one, two] = [value("1"), value("2")];
    let [one, two] = [&one, &two].map(|value| Credential { identity: None, value });
    for (old, remaining) in [(two, Some(one)), (two, Some(two)), (two, None)] {
        let error = key.revoke(&rotation(1), old, remaining).await.unwrap_err();
        assert_eq!((error.kind, error.effect), (ErrorKind::Conflict, Effect::NotApplied), "{error}");
    }
    assert_eq!(ground.shown("orders")["min_decryption_version"], 1);
}

#[tokio::test]
async fn a_least_version_for_encryption_moves_along() {
    let ground = Ground::of_keys();
    let key = ground.key("orders");
    reissued(&*key, 1).await;
    ground
        .bao
        .write(&format!("{}/keys/orders/config", ground.transit), &json!({ "min_encryption_version": 1 }));
    let [old, new] = [value("1"), value("2")];
    let [old, new] = [&old, &new].map(|value| Credential { identity: None, value });
    key.revoke(&rotation(1), old, Some(new)).await.unwrap();
    let shown = ground.shown("orders");
    assert_eq!((&shown["min_decryption_version"], &shown["min_encryption_version"]), (&json!(2), &json!(2)));
}

#[tokio::test]
async fn derived_keys_are_tried_with_a_context() {
    let ground = Ground::of_keys();
    ground.bao.write(&format!("{}/keys/derived", ground.transit), &json!({ "derived": true }));
    let key = ground.key("derived");
    assert!(accepts(&*key, "1").await);
    reissued(&*key, 1).await;
    assert!(accepts(&*key, "1").await && accepts(&*key, "2").await);
}

#[tokio::test]
async fn what_is_not_there_is_found_before_anything_is_asked_for() {
    let ground = Ground::start();
    for rotator in [ground.static_role("none"), ground.root_credential("none"), ground.key("none")] {
        let error = rotator.generation().await.unwrap_err();
        assert_eq!((error.kind, error.effect), (ErrorKind::InvalidConfig, Effect::NotApplied), "{error}");
        assert!(error.to_string().contains("check `identity`"), "{error}");
        let error = rotator.reissue(&rotation(1), None).await.unwrap_err();
        assert_eq!((error.kind, error.effect), (ErrorKind::InvalidConfig, Effect::NotApplied), "{error}");
    }
    let nobody = ground.target("vault-static-role", &ground.database).rotator(None);
    let error = nobody.generation().await.unwrap_err();
    assert!(error.to_string().contains("set `identity`"), "{error}");
    let nowhere = ground.target("vault-transit-key", "nowhere").rotator(Some(&"orders".into()));
    let error = nowhere.generation().await.unwrap_err();
    assert!(error.to_string().contains("nothing is mounted there"), "{error}");
}

#[tokio::test]
async fn a_database_that_is_down_leaves_it_open_whether_it_happened() {
    let mut ground = Ground::start();
    let role = ground.static_role("app");
    let seen = role.generation().await.unwrap();
    let old = ground.password();
    ground.postgres_itself().kill();
    let error = role.reissue(&rotation(1), seen.as_ref()).await.unwrap_err();
    assert_eq!((error.kind, error.effect), (ErrorKind::Unavailable, Effect::MaybeApplied), "{error}");
    assert!(!error.to_string().contains(&old));
    ground.postgres_itself().start_again();
    let made = role.reissue(&rotation(1), seen.as_ref()).await.unwrap();
    assert!(ground.postgres().lets_in("app-user", std::str::from_utf8(made.value.expose_secret()).unwrap()));
}
