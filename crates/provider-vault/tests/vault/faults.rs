//! A server that refuses, is sealed, or whose answers are lost.

use std::time::Duration;

use keywheel_core::{Effect, ErrorKind, secret::Stage};
use keywheel_testservers::vault::{Fake, Trouble};
use serde_json::{Value, json};

use crate::scene::{calm, on, rotate, rotation, shown, value};

#[tokio::test]
async fn what_passes_by_itself_is_said_to_and_nothing_was_applied() {
    let fake = Fake::start();
    let secret = on(&fake).at("app/database");
    let sealed = json!({"errors": ["error performing token check: Vault is sealed"]});
    let later = vec![("retry-after", "70".to_owned())];
    let elsewhere = vec![("location", "https://elsewhere.example/v1/".to_owned())];
    for (status, headers, body, kind, words) in [
        (503, vec![], sealed, ErrorKind::Unavailable, "sealed"),
        (429, later, json!({"errors": []}), ErrorKind::RateLimited, "retry after: 70 s"),
        (472, vec![], Value::Null, ErrorKind::Unavailable, "standby"),
        (473, vec![], Value::Null, ErrorKind::Unavailable, "standby"),
        (412, vec![], json!({"errors": []}), ErrorKind::Unavailable, "latest writes"),
        (307, elsewhere, Value::Null, ErrorKind::Unavailable, "standby"),
    ] {
        fake.trouble("POST secret/data/keywheel", Trouble::Answered(status, headers, body));
        let error = secret.stage(&calm(1), &value("one"), None).await.unwrap_err();
        assert_eq!(error.kind, kind, "{error}");
        assert!(error.to_string().contains(words), "{error}");
        assert!(fake.is_calm());
    }
    rotate(&*secret, 1, "one").await;
    // A gateway may have passed on what it does not answer.
    fake.trouble("POST secret/data/keywheel", Trouble::Answered(503, vec![], Value::Null));
    let error = secret.stage(&calm(2), &value("two"), None).await.unwrap_err();
    assert_eq!((error.kind, error.effect), (ErrorKind::Unavailable, Effect::MaybeApplied), "{error}");
    let busy = vec![("retry-after", "60".to_owned())];
    fake.trouble("POST secret/data/keywheel", Trouble::Answered(429, busy, Value::Null));
    let error = secret.stage(&calm(2), &value("two"), None).await.unwrap_err();
    assert_eq!((error.kind, error.effect), (ErrorKind::RateLimited, Effect::NotApplied), "{error}");
}

#[tokio::test]
async fn a_404_of_a_gateway_is_not_the_absence_of_a_version() {
    let fake = Fake::start();
    let secret = on(&fake).at("app/database");
    rotate(&*secret, 1, "one").await;
    rotate(&*secret, 2, "two").await;
    let old = secret.versions().await.unwrap().at(Stage::Previous).unwrap().id.clone();
    // A page of its own, its own JSON, and a server without the namespace.
    for (body, kind) in [
        (json!("default backend - 404"), ErrorKind::Unavailable),
        (json!({"message": "no route matched"}), ErrorKind::Unavailable),
        (json!({"errors": ["namespace not found"]}), ErrorKind::InvalidConfig),
    ] {
        let lost = || Trouble::Answered(404, vec![], body.clone());
        fake.trouble("GET secret/data/app", lost());
        let error = secret.read(Stage::Current).await.unwrap_err();
        assert_eq!((error.kind, error.effect), (kind, Effect::NotApplied), "{error}");
        fake.trouble("GET secret/data/keywheel", lost());
        let error = secret.versions().await.unwrap_err();
        assert_eq!((error.kind, error.effect), (kind, Effect::NotApplied), "{error}");
        // Whoever tidies up takes a version that is not found for one that is gone.
        fake.trouble("POST secret/destroy/app", lost());
        let error = secret.retire(&calm(2), &old).await.unwrap_err();
        assert_eq!((error.kind, error.effect), (kind, Effect::NotApplied), "{error}");
        assert!(fake.is_calm());
    }
    assert_eq!(shown(&*secret).await, "current=two by 2, previous=one by 1");
}

#[tokio::test]
async fn a_standby_that_points_to_the_active_node_is_followed_and_no_further() {
    let (fake, standby) = (Fake::start(), Fake::start());
    let secret = on(&standby).at("app/database");
    // The second request of the operation goes to the active node at once.
    let to = |url: &str| vec![("location", format!("{url}/v1/whatever/it/says"))];
    standby.trouble("GET sys/internal", Trouble::Answered(307, to(&fake.url()), Value::Null));
    secret.stage(&calm(1), &value("one"), None).await.unwrap();
    assert_eq!(standby.seen().len(), 1);
    assert_eq!(fake.state(|state| state.kv("secret").version("keywheel/app/database/value")), 1);
}

#[tokio::test]
async fn a_request_and_a_reply_that_are_lost_leave_nobody_sure_and_the_next_attempt_finds_out() {
    // Every write of a rotation, and its way back.
    for lost in ["request", "reply"] {
        for (words, step) in [
            ("POST secret/metadata/keywheel", 0),
            ("POST secret/data/keywheel", 0),
            ("POST secret/data/app", 1),
            ("POST secret/data/keywheel", 1),
            ("POST secret/destroy/app", 2),
            ("POST secret/data/keywheel", 2),
        ] {
            let fake = Fake::start();
            let scene = on(&fake);
            let secret = scene.at("app/database");
            fake.state(|state| state.kv("secret").put("app/database", json!({"value": "one", "port": 5432})));
            let old = secret.versions().await.unwrap().at(Stage::Current).unwrap().id.clone();
            let mut new = old.clone();
            for at in 0..3 {
                let trouble = || if lost == "reply" { Trouble::ReplyLost } else { Trouble::RequestLost };
                if at == step {
                    fake.trouble(words, trouble());
                }
                for attempt in 0..2 {
                    let left = Duration::from_millis(if at == step && attempt == 0 { 400 } else { 20_000 });
                    let context = rotation(1, left);
                    let outcome = match at {
                        0 => secret.stage(&context, &value("two"), None).await.map(|staged| new = staged.id),
                        1 => secret.promote(&context, &new, Some(&old)).await,
                        _ => secret.retire(&context, &old).await,
                    };
                    let hit = at == step && attempt == 0;
                    match outcome {
                        Ok(()) => assert!(!hit, "{lost} {words}"),
                        Err(error) => {
                            assert!(hit, "{lost} {words} at {at}: {error}");
                            assert_eq!(error.effect, Effect::MaybeApplied, "{lost} {words}: {error}");
                        }
                    }
                    if at == 1 {
                        let previous = secret.versions().await.unwrap();
                        let kept = previous.by_id(&old).is_some();
                        assert!(kept, "{lost} {words}: what was displaced is readable");
                    }
                }
                assert!(fake.is_calm());
            }
            assert_eq!(shown(&*secret).await, "current=two by 1", "{lost} {words}");
            let (document, first) = fake.state(|state| {
                let kv = state.kv("secret");
                (kv.latest("app/database"), kv.at("app/database", 1))
            });
            assert_eq!(document, json!({"value": "two", "port": 5432}));
            assert_eq!(first, Value::Null, "the retired version is destroyed");
        }
    }
}

#[tokio::test]
async fn nothing_is_sent_after_the_deadline() {
    let fake = Fake::start();
    let secret = on(&fake).at("app/database");
    let error = secret.stage(&rotation(1, Duration::ZERO), &value("one"), None).await.unwrap_err();
    assert_eq!((error.kind, error.effect), (ErrorKind::TimedOut, Effect::NotApplied), "{error}");
    assert!(fake.seen().is_empty());
}

#[tokio::test]
async fn a_request_that_arrives_when_others_wrote_changes_nothing() {
    let fake = Fake::start();
    let scene = on(&fake);
    let secret = scene.at("app/database");
    rotate(&*secret, 1, "one").await;
    let first = secret.versions().await.unwrap().at(Stage::Current).unwrap().id.clone();
    let staged = secret.stage(&calm(2), &value("two"), None).await.unwrap();
    // Somebody writes another field in between: nothing is lost of it.
    let theirs = json!({"value": "one", "note": "theirs"});
    let deed = Trouble::Meanwhile(Box::new(move |state| state.kv("secret").put("app/database", theirs)));
    fake.trouble("POST secret/data/app", deed);
    secret.promote(&calm(2), &staged.id, Some(&first)).await.unwrap();
    let document = fake.state(|state| state.kv("secret").latest("app/database"));
    assert_eq!(document, json!({"value": "two", "note": "theirs"}));
    // Somebody writes the value itself.
    let staged = secret.stage(&calm(3), &value("three"), None).await.unwrap();
    let current = secret.versions().await.unwrap().at(Stage::Current).unwrap().id.clone();
    let deed =
        Trouble::Meanwhile(Box::new(|state| state.kv("secret").put("app/database", json!({"value": "x"}))));
    fake.trouble("POST secret/data/app", deed);
    let error = secret.promote(&calm(3), &staged.id, Some(&current)).await.unwrap_err();
    assert_eq!((error.kind, error.effect), (ErrorKind::Conflict, Effect::NotApplied), "{error}");
    let document = fake.state(|state| state.kv("secret").latest("app/database"));
    assert_eq!(document, json!({"value": "x"}));
}

#[tokio::test]
async fn whatever_fails_after_the_first_write_may_have_been_applied() {
    let fake = Fake::start();
    let secret = on(&fake).at("app/database");
    rotate(&*secret, 1, "one").await;
    let old = secret.versions().await.unwrap().at(Stage::Current).unwrap().id.clone();
    let staged = secret.stage(&calm(2), &value("two"), None).await.unwrap();
    for (status, kind) in [(429, ErrorKind::RateLimited), (403, ErrorKind::PermissionDenied)] {
        // The document is written, the record is not.
        fake.state(|state| state.kv("secret").put("app/database", json!({"value": "one"})));
        fake.trouble("POST secret/data/keywheel", Trouble::Answered(status, vec![], json!({"errors": []})));
        let error = secret.promote(&calm(2), &staged.id, Some(&old)).await.unwrap_err();
        assert_eq!((error.kind, error.effect), (kind, Effect::MaybeApplied), "{error}");
    }
    // Who looks now sees it where it came from and where it is.
    assert_eq!(shown(&*secret).await, "pending=two by 2, current=two by 2, previous=one by 1");
    secret.promote(&calm(2), &staged.id, Some(&old)).await.unwrap();
    assert_eq!(shown(&*secret).await, "current=two by 2, previous=one by 1");
}

fn soon() -> Vec<(&'static str, String)> {
    vec![("retry-after", "0".to_owned())]
}

#[tokio::test]
async fn what_is_put_off_is_sent_again_whether_it_was_carried_out_or_not() {
    for carried_out in [false, true] {
        let fake = Fake::start();
        let scene = on(&fake);
        let secret = scene.at("app/database");
        fake.state(|state| state.kv("secret").put("app/database", json!({"value": "one"})));
        let old = secret.versions().await.unwrap().at(Stage::Current).unwrap().id.clone();
        let trouble = |words: &str| {
            let trouble = if carried_out {
                Trouble::CarriedOutAndAnswered(503, soon())
            } else {
                Trouble::Answered(503, soon(), Value::Null)
            };
            fake.trouble(words, trouble);
        };
        trouble("POST secret/metadata/keywheel");
        trouble("POST secret/data/keywheel");
        let staged = secret.stage(&calm(1), &value("two"), None).await.unwrap();
        trouble("GET secret/data/app");
        trouble("POST secret/data/app");
        trouble("POST secret/data/keywheel");
        secret.promote(&calm(1), &staged.id, Some(&old)).await.unwrap();
        assert_eq!(shown(&*secret).await, "current=two by 1, previous=one by 0");
        trouble("POST secret/destroy/app");
        trouble("POST secret/data/keywheel");
        secret.retire(&calm(1), &old).await.unwrap();
        assert!(fake.is_calm());
        assert_eq!(shown(&*secret).await, "current=two by 1");
        let (version, first) = fake.state(|state| {
            let kv = state.kv("secret");
            (kv.version("app/database"), kv.at("app/database", 1))
        });
        assert_eq!((version, first), (2, Value::Null), "carried out: {carried_out}");
    }
}

#[tokio::test]
async fn after_a_write_that_may_have_been_carried_out_no_error_says_that_it_was_not() {
    let fake = Fake::start();
    let secret = on(&fake).at("app/database");
    fake.trouble("POST secret/data/keywheel", Trouble::CarriedOutAndAnswered(503, soon()));
    // It is sent again, and refused.
    fake.trouble("POST secret/data/keywheel", Trouble::Answered(403, vec![], json!({"errors": []})));
    let error = secret.stage(&calm(1), &value("one"), None).await.unwrap_err();
    assert_eq!((error.kind, error.effect), (ErrorKind::PermissionDenied, Effect::MaybeApplied), "{error}");
    assert!(fake.is_calm());
}
