//! Whole rotations, and what others left.

use std::sync::Arc;

use keywheel_core::{
    CallContext, Effect, ErrorKind, Identity, RotationId, VersionId,
    secret::{Secret, Stage},
};
use keywheel_testservers::Moto;

use super::eye::{Eye, fresh};
use crate::scene::{Scene, rotation, text_at, value};

struct Set {
    server: Arc<Moto>,
    name: String,
    secret: Arc<dyn Secret>,
    eye: Eye,
}

fn set() -> Set {
    on(Moto::shared())
}

fn on(server: Arc<Moto>) -> Set {
    let (port, name) = (server.port(), fresh());
    Set { secret: Scene::parameters(port, "").secret(&name), eye: Eye::at(port), server, name }
}

/// From staged to current, in place of `old`.
async fn rotate(secret: &dyn Secret, context: &CallContext, new: &str, old: Option<&VersionId>) -> VersionId {
    let staged = secret.stage(context, &value(new), None).await.unwrap();
    secret.promote(context, &staged.id, old).await.unwrap();
    staged.id
}

async fn current(secret: &dyn Secret) -> VersionId {
    secret.versions().await.unwrap().at(Stage::Current).unwrap().id.clone()
}

fn version(all: &[(i64, String, Vec<String>)], number: i64) -> (&str, Vec<&str>) {
    let (_, value, labels) = all.iter().find(|(found, _, _)| *found == number).unwrap();
    let stages = labels.iter().map(String::as_str).filter(|label| !label.starts_with("keywheel"));
    (value, stages.collect())
}

#[tokio::test]
async fn a_way_back_that_ended_before_its_labels_leaves_none_on_what_is_dropped() {
    let Set { server: _server, name, secret, eye } = set();
    let old = rotate(&*secret, &rotation(7), "old", None).await;
    let new = rotate(&*secret, &rotation(1), "new", Some(&old)).await;
    // What the put of the way back does. It died there, and the engine sees that the old value is current.
    let number = eye.put(&name, "old").await;
    assert_eq!(current(&*secret).await, old);
    secret.retire(&rotation(1), &new).await.unwrap();
    let all = eye.everything(&name).await;
    assert_eq!(version(&all, number), ("old", vec!["current"]));
    assert!(all.iter().all(|(_, value, labels)| value == "old" || labels.is_empty()), "{all:?}");
    assert_eq!(current(&*secret).await, old);
}

#[tokio::test]
async fn a_rotation_of_somebodys_parameter_keeps_what_is_said_about_it() {
    let Set { server: _server, name, secret, eye } = set();
    let made = eye.client.put_parameter().name(&name).value("old").description("of the team");
    let made = made.r#type(aws_sdk_ssm::types::ParameterType::SecureString).key_id("alias/team");
    made.allowed_pattern("[a-z]+").send().await.unwrap();
    assert_eq!(current(&*secret).await.as_str(), "1");

    let whom = Identity::from("app/clone");
    let new = secret.stage(&rotation(1), &value("new"), Some(&whom)).await.unwrap().id;
    assert_eq!(new.as_str(), rotation(1).rotation.to_string());
    let pending = eye.history(&format!("/keywheel-pending{name}")).await;
    assert_eq!(pending[0].key_id.as_deref(), Some("alias/team"));
    secret.promote(&rotation(1), &new, Some(&"1".into())).await.unwrap();
    let all = eye.everything(&name).await;
    assert_eq!(all.len(), 2, "nothing is pending: {all:?}");
    assert_eq!((version(&all, 1), version(&all, 2)), (("old", vec!["previous"]), ("new", vec!["current"])));
    let latest = eye.history(&name).await.pop().unwrap();
    assert_eq!(latest.description.as_deref(), Some("of the team"));
    assert_eq!(latest.key_id.as_deref(), Some("alias/team"));
    assert_eq!(latest.allowed_pattern.as_deref(), Some("[a-z]+"));

    let versions = secret.versions().await.unwrap();
    let found = versions.at(Stage::Current).unwrap();
    assert_eq!((&found.id, &found.identity), (&new, &Some(whom)));
    let mark = found.mark.as_ref().unwrap();
    assert_eq!((mark.rotation, mark.started_at), (rotation(1).rotation, rotation(1).started_at));
    assert!(versions.in_overlap().any(|(_, mark)| mark.rotation == rotation(1).rotation));

    secret.retire(&rotation(1), &"1".into()).await.unwrap();
    assert_eq!(version(&eye.everything(&name).await, 1), ("old", vec![]));
    assert_eq!(secret.versions().await.unwrap().0.len(), 1);
}

#[tokio::test]
async fn the_hundredth_version_and_those_after_it_are_put() {
    let Set { server: _server, name, secret, eye } = set();
    eye.put(&name, "somebody's").await;
    let mut old = current(&*secret).await;
    for number in 1..=112_u8 {
        let context = CallContext { rotation: RotationId::from_random([number; 16]), ..rotation(1) };
        let new = rotate(&*secret, &context, &format!("value {number}"), Some(&old)).await;
        // Every third is retired late, when the one after it is there.
        if number % 3 != 0 {
            secret.retire(&context, &old).await.unwrap();
        }
        old = new;
    }
    let all = eye.everything(&name).await;
    assert_eq!(all.len(), 100);
    assert_eq!(version(&all, 113), ("value 112", vec!["current"]));
    let labelled = all.iter().filter(|(_, _, labels)| !labels.is_empty()).count();
    assert!(labelled <= 2, "current and previous alone have labels: {labelled}");
}

#[tokio::test]
async fn a_label_of_somebody_else_on_the_oldest_version_is_named_before_anything_is_staged() {
    let Set { server: _server, name, secret, eye } = set();
    for number in 0..100 {
        eye.put(&name, &format!("value {number}")).await;
    }
    eye.label(&name, 1, "golden").await;
    let before = eye.everything(&name).await;
    let refused = secret.stage(&rotation(1), &value("new"), None).await.unwrap_err();
    assert_eq!((refused.kind, refused.effect), (ErrorKind::InvalidConfig, Effect::NotApplied), "{refused}");
    let text = refused.to_string();
    assert!(text.contains("`golden`") && text.contains("unlabel-parameter-version"), "{text}");
    assert_eq!(eye.everything(&name).await, before);
    eye.label(&name, 2, "golden").await;
    rotate(&*secret, &rotation(1), "new", Some(&"100".into())).await;
}

#[tokio::test]
async fn the_way_back_gives_the_old_version_its_name_again() {
    let Set { server: _server, name, secret, eye } = set();
    eye.put(&name, "old").await;
    let new = rotate(&*secret, &rotation(1), "new", Some(&"1".into())).await;
    secret.promote(&rotation(1), &"1".into(), Some(&new)).await.unwrap();
    assert_eq!(text_at(&*secret, Stage::Current).await.as_deref(), Some("old"));
    assert_eq!(text_at(&*secret, Stage::Previous).await.as_deref(), Some("new"));
    assert_eq!(current(&*secret).await.as_str(), "1");
    secret.retire(&rotation(1), &new).await.unwrap();
    let all = eye.everything(&name).await;
    assert_eq!(version(&all, 3), ("old", vec!["current"]));
    assert!(all.iter().take(2).all(|(_, _, labels)| labels.is_empty()), "{all:?}");
}

#[tokio::test]
async fn a_promotion_that_ended_before_its_labels_is_known_and_settled() {
    let Set { server: _server, name, secret, eye } = set();
    eye.put(&name, "old").await;
    let one = rotate(&*secret, &rotation(1), "one", Some(&"1".into())).await;
    secret.retire(&rotation(1), &"1".into()).await.unwrap();
    let two = secret.stage(&rotation(2), &value("two"), None).await.unwrap().id;
    eye.put(&name, "two").await;
    let versions = secret.versions().await.unwrap();
    assert_eq!(versions.at(Stage::Current).map(|version| &version.id), Some(&two));
    assert_eq!(versions.at(Stage::Previous).map(|version| &version.id), Some(&one));
    assert!(versions.at(Stage::Pending).is_none());
    // A later rotation that finds it goes on from there.
    let three = rotate(&*secret, &rotation(3), "three", Some(&two)).await;
    assert_eq!(text_at(&*secret, Stage::Previous).await.as_deref(), Some("two"));
    // And so on the way back.
    eye.put(&name, "two").await;
    let versions = secret.versions().await.unwrap();
    assert_eq!(versions.at(Stage::Current).map(|version| &version.id), Some(&two));
    assert_eq!(versions.at(Stage::Previous).map(|version| &version.id), Some(&three));
    secret.promote(&rotation(3), &two, Some(&three)).await.unwrap();
    let all = eye.everything(&name).await;
    assert_eq!((version(&all, 4), version(&all, 5)), (("three", vec!["previous"]), ("two", vec!["current"])));
    assert!(all[2].2.is_empty(), "its name went with it: {all:?}");
}

#[tokio::test]
async fn a_value_that_somebody_put_meanwhile_is_not_overwritten() {
    let Set { server, name, secret, eye } = set();
    eye.put(&name, "old").await;
    let new = secret.stage(&rotation(1), &value("new"), None).await.unwrap().id;
    eye.put(&name, "edited").await;
    let refused = secret.promote(&rotation(1), &new, Some(&"1".into())).await.unwrap_err();
    assert_eq!((refused.kind, refused.effect), (ErrorKind::Conflict, Effect::NotApplied), "{refused}");
    assert_eq!(text_at(&*secret, Stage::Current).await.as_deref(), Some("edited"));
    // A first value, and somebody was faster.
    let name = fresh();
    let secret = Scene::parameters(server.port(), "").secret(&name);
    let new = secret.stage(&rotation(1), &value("new"), None).await.unwrap().id;
    eye.put(&name, "theirs").await;
    let refused = secret.promote(&rotation(1), &new, None).await.unwrap_err();
    assert_eq!((refused.kind, refused.effect), (ErrorKind::Conflict, Effect::NotApplied), "{refused}");
    secret.retire(&rotation(1), &new).await.unwrap();
    assert_eq!(eye.everything(&name).await, [(1, "theirs".to_owned(), vec![])]);
}

#[tokio::test]
async fn what_is_no_secret_of_keywheels_is_left_alone() {
    let Set { server, name, secret, eye } = set();
    let open = eye.client.put_parameter().name(&name).value("open");
    open.r#type(aws_sdk_ssm::types::ParameterType::String).send().await.unwrap();
    let before = eye.everything(&name).await;
    let refused = [
        secret.stage(&rotation(1), &value("new"), None).await.map(|_| ()),
        secret.promote(&rotation(1), &"x".into(), Some(&"1".into())).await,
        secret.retire(&rotation(1), &"x".into()).await,
        secret.read(Stage::Current).await.map(|_| ()),
        secret.versions().await.map(|_| ()),
    ];
    for refused in refused {
        let refused = refused.unwrap_err();
        assert_eq!((refused.kind, refused.effect), (ErrorKind::InvalidConfig, Effect::NotApplied));
        assert!(refused.to_string().contains("no SecureString"), "{refused}");
    }
    let taken = fresh();
    eye.put(&format!("/keywheel-pending{taken}"), "theirs").await;
    let secret = Scene::parameters(server.port(), "").secret(&taken);
    let refused = secret.stage(&rotation(1), &value("new"), None).await.unwrap_err();
    assert_eq!((refused.kind, refused.effect), (ErrorKind::Conflict, Effect::NotApplied), "{refused}");
    assert!(refused.to_string().contains("somebody else made it"), "{refused}");
    assert_eq!(eye.everything(&name).await, before);
}

#[tokio::test]
async fn what_does_not_fit_is_refused_before_anything_is_sent() {
    let Set { server, name, secret, eye } = on(Arc::new(Moto::start()));
    let asked = server.log().lines().count();
    let user = Identity::from("ü".repeat(30).as_str());
    for (bytes, identity) in [
        (Vec::new(), None),
        (vec![b'x'; 4097], None),
        (b"{{ssm:/prod/x}}".to_vec(), None),
        (vec![0xff], None),
        (b"fits".to_vec(), Some(&user)),
    ] {
        let value = keywheel_core::SecretValue::from_vec(bytes);
        let refused = secret.stage(&rotation(1), &value, identity).await.unwrap_err();
        assert_eq!(
            (refused.kind, refused.effect),
            (ErrorKind::InvalidValue, Effect::NotApplied),
            "{refused}"
        );
    }
    assert_eq!(server.log().lines().count(), asked, "nothing was asked");
    let large = Scene::parameters(server.port(), "tier: advanced\n").secret(&name);
    rotate(&*large, &rotation(1), &"x".repeat(8192), None).await;
    let latest = eye.history(&name).await.pop().unwrap();
    assert_eq!(latest.tier, Some(aws_sdk_ssm::types::ParameterTier::Advanced));
    // It never goes back, whatever the settings say.
    let old = current(&*secret).await;
    rotate(&*secret, &rotation(2), "small", Some(&old)).await;
    let latest = eye.history(&name).await.pop().unwrap();
    assert_eq!(latest.tier, Some(aws_sdk_ssm::types::ParameterTier::Advanced));
}

#[tokio::test]
async fn a_rotation_makes_so_many_requests() {
    let Set { server, name, secret, eye } = on(Arc::new(Moto::start()));
    eye.put(&name, "old").await;
    let first = rotate(&*secret, &rotation(1), "first", Some(&"1".into())).await;
    secret.retire(&rotation(1), &"1".into()).await.unwrap();
    let asked = || server.log().lines().filter(|line| line.contains("POST / ")).count();
    let mut counts = vec![asked()];
    let new = secret.stage(&rotation(2), &value("new"), None).await.unwrap().id;
    counts.push(asked());
    secret.promote(&rotation(2), &new, Some(&first)).await.unwrap();
    counts.push(asked());
    secret.retire(&rotation(2), &first).await.unwrap();
    counts.push(asked());
    let counts: Vec<_> = counts.windows(2).map(|pair| pair[1] - pair[0]).collect();
    // A look, and put; two looks, put, two labels, delete; a look, and labels off.
    assert_eq!(counts, [2, 6, 2]);
}

#[tokio::test]
async fn the_calls_of_the_engine_make_so_many_requests() {
    let Set { server, name, eye, .. } = on(Arc::new(Moto::start()));
    eye.put(&name, "old").await;
    let asked = || server.log().lines().filter(|line| line.contains("POST / ")).count();
    let mut made = 0;
    for number in 1..=3 {
        let start = asked();
        // One handle for each rotation, and a look before each change.
        let secret = Scene::parameters(server.port(), "").secret(&name);
        let current = current(&*secret).await;
        let new = secret.stage(&rotation(number), &value(&format!("new {number}")), None).await.unwrap().id;
        secret.versions().await.unwrap();
        secret.promote(&rotation(number), &new, Some(&current)).await.unwrap();
        secret.versions().await.unwrap();
        secret.retire(&rotation(number), &current).await.unwrap();
        made = asked() - start;
    }
    println!("Parameter Store: {made} requests for a rotation, and the least possible are 14");
    assert_eq!(made, 15);
}
