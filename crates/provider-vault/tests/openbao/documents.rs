//! What a document and a mount may be like, and what the engine makes of what keywheel writes.

use keywheel_core::{Effect, ErrorKind, secret::Stage};
use serde_json::{Value, json};

use crate::{
    ground::Ground,
    scene::{Scene, calm, location, rotate, shown, text, value, with_token},
};

#[tokio::test]
async fn deleted_and_destroyed_versions_are_no_versions() {
    let ground = Ground::new();
    let secret = ground.scene().at("app/database");
    rotate(&*secret, 1, "one").await;
    rotate(&*secret, 2, "two").await;
    assert_eq!(shown(&*secret).await, "current=two by 2, previous=one by 1");
    let path = |part: &str| format!("{}/{part}/app/database", ground.mount);
    let (status, _) = ground.server.ask("DELETE", &path("data"), &Value::Null);
    assert_eq!(status, 204);
    assert_eq!(text(&*secret, Stage::Current).await, None);
    assert_eq!(text(&*secret, Stage::Previous).await.as_deref(), Some("one"));
    ground.server.write(&path("undelete"), &json!({ "versions": [2] }));
    assert_eq!(shown(&*secret).await, "current=two by 2, previous=one by 1");
    ground.server.write(&path("destroy"), &json!({ "versions": [1, 2] }));
    assert_eq!(shown(&*secret).await, "");
    // A destroyed latest version is still what a write is checked against.
    rotate(&*secret, 3, "three").await;
    assert_eq!(shown(&*secret).await, "current=three by 3");
    // The path is removed and begun anew: the old numbers mean something else.
    let (status, _) = ground.server.ask("DELETE", &path("metadata"), &Value::Null);
    assert_eq!(status, 204);
    assert_eq!(shown(&*secret).await, "");
    for other in ["another", "one more", "other"] {
        ground.put("app/database", &json!({ "value": other }));
    }
    assert_eq!(shown(&*secret).await, "current=other by 0");
}

#[tokio::test]
async fn what_is_retired_is_destroyed_and_what_was_pending_is_not_kept() {
    let ground = Ground::new();
    ground.put("app/database", &json!({ "value": "zero", "port": 5432 }));
    let secret = ground.scene().at("app/database");
    rotate(&*secret, 1, "one").await;
    let zero = secret.versions().await.unwrap().at(Stage::Previous).unwrap().id.clone();
    secret.retire(&calm(1), &zero).await.unwrap();
    let versions = ground.versions("app/database");
    assert_eq!((&versions["1"]["destroyed"], &versions["2"]["destroyed"]), (&json!(true), &json!(false)));
    assert_eq!(ground.latest("app/database"), json!({ "value": "one", "port": 5432 }));
    let notes = ground.versions("keywheel/app/database/value");
    assert_eq!(notes.as_object().unwrap().len(), 1, "one version of the notes: {notes}");
    assert!(ground.latest("keywheel/app/database/value")["pending"].is_null());
}

#[tokio::test]
async fn what_the_engine_no_longer_keeps_is_no_previous_version() {
    let ground = Ground::new();
    let secret = ground.scene().at("app/database");
    rotate(&*secret, 1, "one").await;
    rotate(&*secret, 2, "two").await;
    for number in 0..10 {
        ground.put("app/database", &json!({ "value": "two", "note": number }));
    }
    assert_eq!(shown(&*secret).await, "current=two by 2");
    let keep = |number: u64, at: &str| {
        ground.server.write(&format!("{}/{at}", ground.mount), &json!({ "max_versions": number }));
    };
    // One version is too few from the start, unless a field shows the previous one.
    keep(1, "metadata/app/database");
    let refusal = secret.stage(&calm(3), &value("three"), None).await.unwrap_err();
    assert_eq!((refusal.kind, refusal.effect), (ErrorKind::InvalidConfig, Effect::NotApplied), "{refusal}");
    assert!(refusal.to_string().contains("-max-versions=10"), "{refusal}");
    assert!(secret.cautions().await.unwrap()[0].contains("-max-versions=10"));
    keep(0, "metadata/app/database");
    assert_eq!(secret.cautions().await.unwrap(), [""; 0], "ten, if nobody says anything");
    keep(1, "config");
    assert!(secret.cautions().await.unwrap()[0].contains("-max-versions=10"), "of the whole mount");
    let scene = ground.scene();
    let secret = scene.secret(&location("app/database", true));
    assert_eq!(secret.cautions().await.unwrap(), [""; 0]);
    rotate(&*secret, 3, "three").await;
    assert_eq!(shown(&*secret).await, "current=three by 3, previous=two by 2");
    assert_eq!(ground.latest("app/database"), json!({ "value": "three", "previous": "two", "note": 9 }));
}

#[tokio::test]
async fn a_mount_that_cannot_be_used_is_refused_before_anything_is_written() {
    let ground = Ground::new();
    let [old, transit, nothing] =
        ["old", "transit", "nothing"].map(|name| format!("{}-{name}", ground.mount));
    ground.server.mount(&old, &json!({ "type": "kv", "options": { "version": "1" } }));
    ground.server.mount(&transit, &json!({ "type": "transit" }));
    for (mount, kind, words) in [
        (&old, ErrorKind::InvalidConfig, "vault kv enable-versioning"),
        (&transit, ErrorKind::InvalidConfig, "no KV engine"),
        (&nothing, ErrorKind::PermissionDenied, "nothing is mounted there"),
    ] {
        let settings = with_token(&ground.server.url(), &format!("mount: {mount}"));
        let scene = Scene::with(&ground.server.root_token(), &settings);
        let error = scene.at("app/x").stage(&calm(1), &value("one"), None).await.unwrap_err();
        assert_eq!((error.kind, error.effect), (kind, Effect::NotApplied), "{error}");
        assert!(error.to_string().contains(words), "{error}");
    }
    let (status, _) = ground.server.ask("LIST", &old, &Value::Null);
    assert_eq!(status, 404, "nothing is in the engine of version 1");
}

#[tokio::test]
async fn a_mount_that_goes_away_is_not_taken_for_a_secret_that_does() {
    let ground = Ground::new();
    let secret = ground.scene().at("app/database");
    rotate(&*secret, 1, "one").await;
    let (status, _) = ground.server.ask("DELETE", &format!("sys/mounts/{}", ground.mount), &Value::Null);
    assert_eq!(status, 204);
    let error = secret.versions().await.unwrap_err();
    assert_eq!((error.kind, error.effect), (ErrorKind::InvalidConfig, Effect::NotApplied), "{error}");
    assert!(error.to_string().contains("nothing is mounted there"), "{error}");
}

#[tokio::test]
async fn another_installation_sees_what_is_pending_and_of_two_writers_one_wins() {
    let ground = Ground::new();
    let (ours, theirs) = (ground.scene().at("app/database"), ground.scene().at("app/database"));
    rotate(&*ours, 1, "one").await;
    let one = ours.versions().await.unwrap().at(Stage::Current).unwrap().id.clone();
    let staged = ours.stage(&calm(2), &value("two"), None).await.unwrap();
    let refusal = theirs.stage(&calm(3), &value("three"), None).await.unwrap_err();
    assert_eq!((refusal.kind, refusal.effect), (ErrorKind::Conflict, Effect::NotApplied), "{refusal}");
    // Both promote the same version at once: it becomes current once.
    let (mine, yours) = (calm(2), calm(2));
    let both = tokio::join!(
        ours.promote(&mine, &staged.id, Some(&one)),
        theirs.promote(&yours, &staged.id, Some(&one))
    );
    assert!(both.0.is_ok() && both.1.is_ok(), "{both:?}");
    assert_eq!(ground.versions("app/database").as_object().unwrap().len(), 2);
    assert_eq!(shown(&*theirs).await, "current=two by 2, previous=one by 1");
}

#[tokio::test]
async fn a_document_of_the_largest_values_is_taken() {
    let ground = Ground::new();
    let scene = ground.scene();
    let secret = scene.secret(&location("app/database", true));
    let most = secret.capabilities().max_bytes;
    for (number, letter) in [(1, "a"), (2, "b"), (3, "c")] {
        rotate(&*secret, number, &letter.repeat(most)).await;
    }
    assert_eq!(text(&*secret, Stage::Current).await.map(|text| text.len()), Some(most));
}
