//! What a document and a mount may be like.

use keywheel_core::{Effect, ErrorKind, secret::Stage};
use keywheel_testservers::vault::{Fake, Trouble};
use rstest::rstest;
use serde_json::{Value, json};

use crate::scene::{Scene, calm, location, on, rotate, shown, text, value, with_token};

#[tokio::test]
async fn another_installation_sees_what_is_pending_and_what_is_in_its_overlap() {
    let fake = Fake::start();
    let (ours, theirs) = (on(&fake).at("app/database"), on(&fake).at("app/database"));
    rotate(&*ours, 1, "one").await;
    ours.stage(&calm(2), &value("two"), None).await.unwrap();
    let refusal = theirs.stage(&calm(3), &value("three"), None).await.unwrap_err();
    assert_eq!((refusal.kind, refusal.effect), (ErrorKind::Conflict, Effect::NotApplied), "{refusal}");
    let [one, two] = [Stage::Current, Stage::Pending];
    let versions = ours.versions().await.unwrap();
    let ids = [versions.at(one).unwrap().id.clone(), versions.at(two).unwrap().id.clone()];
    ours.promote(&calm(2), &ids[1], Some(&ids[0])).await.unwrap();
    assert_eq!(shown(&*theirs).await, "current=two by 2, previous=one by 1");
    // The way back, and again: nothing that was staged comes to life.
    ours.promote(&calm(2), &ids[0], Some(&ids[1])).await.unwrap();
    assert_eq!(shown(&*theirs).await, "current=one by 1, previous=two by 2");
    let again = ours.stage(&calm(2), &value("two"), None).await.unwrap();
    assert_eq!(again.stage, Stage::Previous);
    ours.retire(&calm(2), &ids[1]).await.unwrap();
    assert_eq!(shown(&*theirs).await, "current=one by 1");
}

#[tokio::test]
async fn deleted_and_destroyed_versions_are_no_versions() {
    let fake = Fake::start();
    let secret = on(&fake).at("app/database");
    rotate(&*secret, 1, "one").await;
    rotate(&*secret, 2, "two").await;
    fake.state(|state| state.kv("secret").delete_latest("app/database"));
    assert_eq!(text(&*secret, Stage::Current).await, None);
    assert_eq!(text(&*secret, Stage::Previous).await.as_deref(), Some("one"));
    // A deleted latest version is still what a write is checked against.
    rotate(&*secret, 3, "three").await;
    assert_eq!(text(&*secret, Stage::Current).await.as_deref(), Some("three"));
    // The path is removed and begun anew: the old numbers mean something else.
    fake.state(|state| {
        let kv = state.kv("secret");
        kv.paths.remove("app/database");
        kv.put("app/database", json!({"value": "other"}));
        kv.put("app/database", json!({"value": "another"}));
    });
    assert_eq!(shown(&*secret).await, "current=another by 0");
}

#[tokio::test]
async fn what_the_engine_no_longer_keeps_is_no_previous_version() {
    let fake = Fake::start();
    let secret = on(&fake).at("app/database");
    rotate(&*secret, 1, "one").await;
    rotate(&*secret, 2, "two").await;
    for number in 0..10 {
        fake.state(|state| state.kv("secret").put("app/database", json!({"value": "two", "note": number})));
    }
    assert_eq!(shown(&*secret).await, "current=two by 2");
    // One version is too few from the start, unless a field shows the previous one.
    fake.state(|state| state.kv("secret").paths.get_mut("app/database").unwrap().max_versions = 1);
    let refusal = secret.stage(&calm(3), &value("three"), None).await.unwrap_err();
    assert_eq!((refusal.kind, refusal.effect), (ErrorKind::InvalidConfig, Effect::NotApplied), "{refusal}");
    assert!(refusal.to_string().contains("-max-versions=10"), "{refusal}");
    // A plan says so before anything begins.
    assert!(secret.cautions().await.unwrap()[0].contains("-max-versions=10"));
    fake.state(|state| state.kv("secret").paths.get_mut("app/database").unwrap().max_versions = 0);
    assert_eq!(secret.cautions().await.unwrap(), [""; 0], "ten, if nobody says anything");
    fake.state(|state| state.kv("secret").max_versions = 1);
    assert!(secret.cautions().await.unwrap()[0].contains("-max-versions=10"), "of the whole mount");
    let scene = on(&fake);
    let secret = scene.secret(&location("app/database", true));
    assert_eq!(secret.cautions().await.unwrap(), [""; 0]);
    rotate(&*secret, 3, "three").await;
    assert_eq!(shown(&*secret).await, "current=three by 3, previous=two by 2");
    let note = fake.state(|state| state.kv("secret").latest("app/database"));
    assert_eq!(note, json!({"value": "three", "previous": "two", "note": 9}));
}

#[tokio::test]
async fn values_that_were_pending_are_not_kept_by_the_engine() {
    let fake = Fake::start();
    let secret = on(&fake).at("app/database");
    rotate(&*secret, 1, "one").await;
    let record = fake.state(|state| {
        let kv = state.kv("secret");
        let kept: Vec<Value> = (1..=9).map(|number| kv.at("keywheel/app/database/value", number)).collect();
        json!(kept).to_string()
    });
    assert!(!record.contains("\"one\""), "{record}");
}

#[tokio::test]
async fn two_secrets_of_one_document_do_not_meet() {
    let fake = Fake::start();
    let scene = on(&fake);
    let (a, b) = (scene.at("app/database#a"), scene.at("app/database#b"));
    rotate(&*a, 1, "a1").await;
    rotate(&*b, 2, "b1").await;
    rotate(&*a, 3, "a2").await;
    rotate(&*b, 4, "b2").await;
    assert_eq!(shown(&*a).await, "current=a2 by 3, previous=a1 by 1");
    let old = a.versions().await.unwrap().at(Stage::Previous).unwrap().id.clone();
    a.retire(&calm(3), &old).await.unwrap();
    assert_eq!(shown(&*a).await, "current=a2 by 3");
    assert_eq!(shown(&*b).await, "current=b2 by 4, previous=b1 by 2");
}

#[tokio::test]
async fn a_mount_that_cannot_be_used_is_refused_before_anything_is_written() {
    let fake = Fake::start();
    fake.state(|state| {
        state.mount("old", "kv", "1");
        state.mount("transit", "transit", "1");
    });
    for (mount, kind, words) in [
        ("old", ErrorKind::InvalidConfig, "vault kv enable-versioning old"),
        ("transit", ErrorKind::InvalidConfig, "no KV engine"),
        ("nothing", ErrorKind::PermissionDenied, "nothing is mounted there"),
    ] {
        let scene = Scene::with(Fake::ROOT, &with_token(&fake.url(), &format!("mount: {mount}")));
        let error = scene.at("app/x").stage(&calm(1), &value("one"), None).await.unwrap_err();
        assert_eq!((error.kind, error.effect), (kind, Effect::NotApplied), "{error}");
        assert!(error.to_string().contains(words), "{error}");
        assert!(fake.seen().iter().all(|request| request.starts_with("GET")));
    }
}

#[tokio::test]
async fn a_field_that_is_no_text_is_refused_and_not_quoted() {
    let fake = Fake::start();
    let secret = on(&fake).at("app/database");
    fake.state(|state| state.kv("secret").put("app/database", json!({"value": {"inner": "hunter2"}})));
    let error = secret.versions().await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::InvalidConfig, "{error}");
    assert!(!format!("{error} {error:?}").contains("hunter2"), "{error:?}");
}

#[rstest]
#[case::with_fields_for_next_and_previous(true, [2, 2, 4, 6], [1, 2, 4])]
#[case::with_neither(false, [3, 3, 5, 5], [2, 2, 2])]
#[tokio::test]
async fn each_call_makes_as_many_requests_as_its_documentation_says(
    #[case] shows: bool,
    #[case] alone: [usize; 4],
    #[case] after_a_look: [usize; 3],
) {
    let fake = Fake::start();
    let scene = on(&fake);
    let handle = || scene.secret(&location("app/database", shows));
    rotate(&*handle(), 1, "one").await;
    rotate(&*handle(), 2, "two").await;
    fake.seen();
    let mut counted = Vec::new();
    let mut count = || counted.push(fake.seen().len());
    let current = handle().versions().await.unwrap().at(Stage::Current).unwrap().id.clone();
    count();
    let staged = handle().stage(&calm(3), &value("three"), None).await.unwrap();
    count();
    handle().promote(&calm(3), &staged.id, Some(&current)).await.unwrap();
    count();
    handle().retire(&calm(3), &current).await.unwrap();
    count();
    assert_eq!(counted, alone);

    let handle = handle();
    let current = handle.versions().await.unwrap().at(Stage::Current).unwrap().id.clone();
    fake.seen();
    let mut counted = Vec::new();
    let staged = handle.stage(&calm(4), &value("four"), None).await.unwrap();
    counted.push(fake.seen().len());
    handle.versions().await.unwrap();
    fake.seen();
    handle.promote(&calm(4), &staged.id, Some(&current)).await.unwrap();
    counted.push(fake.seen().len());
    handle.versions().await.unwrap();
    fake.seen();
    handle.retire(&calm(4), &current).await.unwrap();
    counted.push(fake.seen().len());
    assert_eq!(counted, after_a_look);
}

#[tokio::test]
async fn what_a_look_saw_is_not_believed_when_others_wrote_since() {
    let fake = Fake::start();
    let scene = on(&fake);
    let (ours, theirs) = (scene.at("app/database"), scene.at("app/database"));
    rotate(&*ours, 1, "one").await;
    let one = ours.versions().await.unwrap().at(Stage::Current).unwrap().id.clone();
    // Somebody stages in between.
    let staged = theirs.stage(&calm(2), &value("two"), None).await.unwrap();
    let error = ours.stage(&calm(3), &value("three"), None).await.unwrap_err();
    assert_eq!((error.kind, error.effect), (ErrorKind::Conflict, Effect::NotApplied), "{error}");
    assert!(error.to_string().contains("in flight"), "{error}");
    // Somebody goes back in between: what was previous is current.
    theirs.promote(&calm(2), &staged.id, Some(&one)).await.unwrap();
    assert_eq!(shown(&*ours).await, "current=two by 2, previous=one by 1");
    ours.versions().await.unwrap();
    theirs.promote(&calm(2), &one, Some(&staged.id)).await.unwrap();
    let error = ours.retire(&calm(2), &one).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Conflict, "{error}");
    assert_eq!(shown(&*ours).await, "current=one by 1, previous=two by 2");
}

#[rstest]
#[case::with_fields_for_next_and_previous(true)]
#[case::with_neither(false)]
#[tokio::test]
async fn what_was_dropped_since_the_look_is_not_promoted(#[case] shows: bool) {
    let fake = Fake::start();
    let scene = on(&fake);
    let at = || scene.secret(&location("app/database", shows));
    let (ours, theirs) = (at(), at());
    rotate(&*ours, 1, "one").await;
    let one = ours.versions().await.unwrap().at(Stage::Current).unwrap().id.clone();
    // What is pending: only the document's version says that it is gone.
    let two = ours.stage(&calm(2), &value("two"), None).await.unwrap().id;
    ours.versions().await.unwrap();
    theirs.retire(&calm(2), &two).await.unwrap();
    let error = ours.promote(&calm(2), &two, Some(&one)).await.unwrap_err();
    assert_eq!((error.kind, error.effect), (ErrorKind::NotFound, Effect::NotApplied), "{error}");
    assert_eq!(shown(&*theirs).await, "current=one by 1");
    // What was previous.
    rotate(&*ours, 3, "three").await;
    let three = ours.versions().await.unwrap().at(Stage::Current).unwrap().id.clone();
    theirs.retire(&calm(3), &one).await.unwrap();
    let error = ours.promote(&calm(3), &one, Some(&three)).await.unwrap_err();
    assert_eq!((error.kind, error.effect), (ErrorKind::NotFound, Effect::NotApplied), "{error}");
    assert_eq!(shown(&*theirs).await, "current=three by 3");
}

#[tokio::test]
async fn who_may_not_write_the_document_can_drop_what_is_pending() {
    let fake = Fake::start();
    let secret = on(&fake).at("app/database");
    rotate(&*secret, 1, "one").await;
    let two = secret.stage(&calm(2), &value("two"), None).await.unwrap().id;
    let denied =
        Trouble::Answered(403, vec![], json!({"errors": ["1 error occurred:\n\t* permission denied\n\n"]}));
    fake.trouble("POST secret/data/app", denied);
    secret.retire(&calm(2), &two).await.unwrap();
    assert!(fake.is_calm());
    assert_eq!(shown(&*secret).await, "current=one by 1");
}
