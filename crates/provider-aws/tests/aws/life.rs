//! Whole rotations, and what others left.

use std::sync::Arc;

use keywheel_core::{
    Effect, ErrorKind, Identity,
    secret::{Secret, Stage},
};
use keywheel_testservers::Moto;

use crate::scene::{Eye, Scene, fresh, rotation, text_at, value};

struct Set {
    server: Arc<Moto>,
    name: String,
    scene: Scene,
    eye: Eye,
}

fn set() -> Set {
    on(Moto::shared())
}

fn on(server: Arc<Moto>) -> Set {
    let (scene, eye) = (Scene::at(server.port()), Eye::at(server.port()));
    Set { server, name: fresh(), scene, eye }
}

fn stages(labels: &[(String, String)]) -> Vec<(&str, &str)> {
    let aws = labels.iter().filter(|(label, _)| label.starts_with("AWS"));
    aws.map(|(label, id)| (label.as_str(), id.as_str())).collect()
}

#[tokio::test]
async fn a_rotation_of_somebodys_secret_goes_through_the_stages_of_aws() {
    let Set { server: _server, name, scene, eye } = set();
    let old = eye.make(&name, "old").await;
    let secret = scene.secret(&name);
    let new = secret.stage(&rotation(1), &value("new"), Some(&Identity::from("app_clone"))).await.unwrap().id;
    assert_eq!(new.as_str(), rotation(1).rotation.to_string());
    assert_eq!(stages(&eye.labels(&name).await), [("AWSCURRENT", &*old), ("AWSPENDING", new.as_str())]);

    secret.promote(&rotation(1), &new, Some(&old.as_str().into())).await.unwrap();
    let labels = eye.labels(&name).await;
    assert!(stages(&labels).contains(&("AWSCURRENT", new.as_str())));
    assert!(stages(&labels).contains(&("AWSPREVIOUS", &*old)));
    let versions = secret.versions().await.unwrap();
    let current = versions.at(Stage::Current).unwrap();
    assert_eq!(current.identity, Some("app_clone".into()));
    assert_eq!(current.mark.as_ref().unwrap().rotation, rotation(1).rotation);
    assert!(versions.in_overlap().any(|(_, mark)| mark.rotation == rotation(1).rotation));
    assert!(versions.at(Stage::Pending).is_none(), "the label that is left behind says nothing");

    secret.retire(&rotation(1), &old.as_str().into()).await.unwrap();
    assert_eq!(secret.versions().await.unwrap().0.len(), 1);
    // The label that was left behind is taken along.
    let next = secret.stage(&rotation(2), &value("newer"), None).await.unwrap().id;
    let labels = eye.labels(&name).await;
    assert_eq!(stages(&labels), [("AWSCURRENT", new.as_str()), ("AWSPENDING", next.as_str())]);
}

#[tokio::test]
async fn the_way_back_leaves_nothing_of_the_new_value() {
    let Set { server: _server, name, scene, eye } = set();
    let old = eye.make(&name, "old").await;
    let secret = scene.secret(&name);
    let new = secret.stage(&rotation(1), &value("new"), None).await.unwrap().id;
    secret.promote(&rotation(1), &new, Some(&old.as_str().into())).await.unwrap();
    secret.promote(&rotation(1), &old.as_str().into(), Some(&new)).await.unwrap();
    assert_eq!(text_at(&*secret, Stage::Current).await.as_deref(), Some("old"));
    assert_eq!(text_at(&*secret, Stage::Previous).await.as_deref(), Some("new"));
    secret.retire(&rotation(1), &new).await.unwrap();
    assert_eq!(eye.labels(&name).await, [("AWSCURRENT".to_owned(), old)]);
}

#[tokio::test]
async fn what_was_dropped_is_staged_again_with_its_mark() {
    let Set { server: _server, name, scene, eye } = set();
    eye.make(&name, "old").await;
    let secret = scene.secret(&name);
    let new = secret.stage(&rotation(1), &value("new"), None).await.unwrap().id;
    secret.retire(&rotation(1), &new).await.unwrap();
    assert!(secret.versions().await.unwrap().at(Stage::Pending).is_none());
    secret.stage(&rotation(1), &value("new"), None).await.unwrap();
    let versions = secret.versions().await.unwrap();
    assert_eq!(versions.at(Stage::Pending).unwrap().mark.as_ref().unwrap().rotation, rotation(1).rotation);
}

#[tokio::test]
async fn a_version_of_a_life_that_ended_before_its_label_is_in_flight_and_goes_on() {
    let Set { server: _server, name, scene, eye } = set();
    eye.make(&name, "old").await;
    let secret = scene.secret(&name);
    let new = secret.stage(&rotation(1), &value("new"), None).await.unwrap().id;
    let dropped = eye.client.update_secret_version_stage().secret_id(&name).version_stage("AWSPENDING");
    dropped.remove_from_version_id(new.as_str()).send().await.unwrap();
    assert_eq!(secret.versions().await.unwrap().at(Stage::Pending).unwrap().id, new);
    let refused = secret.stage(&rotation(2), &value("other"), None).await.unwrap_err();
    assert_eq!((refused.kind, refused.effect), (ErrorKind::Conflict, Effect::NotApplied), "{refused}");
    secret.stage(&rotation(1), &value("new"), None).await.unwrap();
    assert!(stages(&eye.labels(&name).await).contains(&("AWSPENDING", new.as_str())));
}

#[tokio::test]
async fn a_first_value_is_seen_by_nobody_until_it_is_promoted() {
    for exists in [false, true] {
        let Set { server: _server, name, scene, eye } = set();
        if exists {
            eye.client.create_secret().name(&name).description("kept").send().await.unwrap();
        }
        let secret = scene.secret(&name);
        let first = secret.stage(&rotation(1), &value("first"), None).await.unwrap().id;
        assert!(eye.consumers_see(&name).await.is_empty());
        let refused = secret.stage(&rotation(2), &value("other"), None).await.unwrap_err();
        assert!(refused.to_string().contains(&rotation(1).rotation.to_string()), "{refused}");
        secret.promote(&rotation(1), &first, None).await.unwrap();
        assert_eq!(eye.consumers_see(&name).await, [b"first"]);
        assert!(eye.labels(&format!("{name}.keywheel-pending")).await.is_empty());
        let versions = secret.versions().await.unwrap();
        assert_eq!(
            versions.at(Stage::Current).unwrap().mark.as_ref().unwrap().rotation,
            rotation(1).rotation
        );
        // And dropped, if it was not to be.
        let beside = fresh();
        let other = scene.secret(&beside);
        let first = other.stage(&rotation(3), &value("first"), None).await.unwrap().id;
        other.retire(&rotation(3), &first).await.unwrap();
        assert!(other.versions().await.unwrap().0.is_empty());
        assert!(eye.labels(&format!("{beside}.keywheel-pending")).await.is_empty());
    }
}

#[tokio::test]
async fn a_first_value_gives_way_to_whoever_was_faster() {
    let Set { server: _server, name, scene, eye } = set();
    let secret = scene.secret(&name);
    let first = secret.stage(&rotation(1), &value("first"), None).await.unwrap().id;
    let theirs = eye.make(&name, "theirs").await;
    let refused = secret.promote(&rotation(1), &first, None).await.unwrap_err();
    assert_eq!((refused.kind, refused.effect), (ErrorKind::Conflict, Effect::NotApplied), "{refused}");
    secret.retire(&rotation(1), &first).await.unwrap();
    assert!(eye.labels(&format!("{name}.keywheel-pending")).await.is_empty());
    assert_eq!(stages(&eye.labels(&name).await), [("AWSCURRENT", &*theirs)]);
}

#[tokio::test]
async fn somebody_elses_pending_version_is_named_and_stays() {
    let Set { server: _server, name, scene, eye } = set();
    eye.make(&name, "old").await;
    let put =
        eye.client.put_secret_value().secret_id(&name).secret_string("theirs").version_stages("AWSPENDING");
    let theirs = put.send().await.unwrap().version_id.unwrap();
    let before = eye.labels(&name).await;
    let refused = scene.secret(&name).stage(&rotation(1), &value("new"), None).await.unwrap_err();
    assert_eq!((refused.kind, refused.effect), (ErrorKind::Conflict, Effect::NotApplied), "{refused}");
    let text = refused.to_string();
    assert!(text.contains(&theirs) && text.contains("update-secret-version-stage"), "{text}");
    assert_eq!(eye.labels(&name).await, before);
    let versions = scene.secret(&name).versions().await.unwrap();
    assert_eq!(versions.at(Stage::Pending).unwrap().mark, None);
}

#[tokio::test]
async fn a_value_that_somebody_put_meanwhile_is_not_overwritten() {
    let Set { server: _server, name, scene, eye } = set();
    let old = eye.make(&name, "old").await;
    let secret = scene.secret(&name);
    let new = secret.stage(&rotation(1), &value("new"), None).await.unwrap().id;
    eye.client.put_secret_value().secret_id(&name).secret_string("edited").send().await.unwrap();
    let refused = secret.promote(&rotation(1), &new, Some(&old.as_str().into())).await.unwrap_err();
    assert_eq!((refused.kind, refused.effect), (ErrorKind::Conflict, Effect::NotApplied), "{refused}");
    assert_eq!(text_at(&*secret, Stage::Current).await.as_deref(), Some("edited"));
}

async fn assert_untouched(secret: &dyn Secret, says: &str) {
    let refused = [
        secret.stage(&rotation(1), &value("new"), None).await.map(|_| ()),
        secret.promote(&rotation(1), &"x".into(), Some(&"y".into())).await,
        secret.retire(&rotation(1), &"x".into()).await,
    ];
    for refused in refused {
        let refused = refused.unwrap_err();
        assert_eq!(
            (refused.kind, refused.effect),
            (ErrorKind::InvalidConfig, Effect::NotApplied),
            "{refused}"
        );
        assert!(refused.to_string().contains(says), "{refused}");
    }
}

#[tokio::test]
async fn a_secret_that_is_scheduled_for_deletion_is_not_changed() {
    // The stand-in takes changes to one; AWS does not, and neither do we.
    let Set { server: _server, name, scene, eye } = set();
    eye.make(&name, "old").await;
    eye.client.delete_secret().secret_id(&name).send().await.unwrap();
    let secret = scene.secret(&name);
    let before = eye.labels(&name).await;
    assert_untouched(&*secret, "restore-secret").await;
    assert!(secret.versions().await.unwrap_err().to_string().contains("scheduled for deletion"));
    assert_eq!(secret.read(Stage::Current).await.unwrap_err().kind, ErrorKind::InvalidConfig);
    assert_eq!(eye.labels(&name).await, before);
}

#[tokio::test]
async fn a_replica_is_read_and_the_primary_secret_is_rotated() {
    let Set { server, name, scene, eye } = set();
    let primary = Eye::in_region(server.port(), "us-east-1");
    let region = aws_sdk_secretsmanager::types::ReplicaRegionType::builder().region("eu-central-1").build();
    let made = primary.client.create_secret().name(&name).secret_string("old").add_replica_regions(region);
    made.send().await.unwrap();
    let secret = scene.secret(&name);
    assert_untouched(&*secret, "region: us-east-1").await;
    let there = Scene::in_region("us-east-1", server.port());
    let secret = there.secret(&name);
    let old = secret.versions().await.unwrap().at(Stage::Current).unwrap().id.clone();
    let new = secret.stage(&rotation(1), &value("new"), None).await.unwrap().id;
    secret.promote(&rotation(1), &new, Some(&old)).await.unwrap();
    assert!(!eye.labels(&name).await.is_empty());
}

#[tokio::test]
async fn what_does_not_fit_is_refused_before_anything_is_sent() {
    let Set { server, name, scene, eye } = on(Arc::new(Moto::start()));
    eye.make(&name, "old").await;
    let before = eye.labels(&name).await;
    let secret = scene.secret(&name);
    let asked = server.log().lines().count();
    let user = Identity::from("x".repeat(300).as_str());
    for (text, identity) in [("", None), (&*"x".repeat(65_537), None), ("fits", Some(&user))] {
        let refused = secret.stage(&rotation(1), &value(text), identity).await.unwrap_err();
        assert_eq!(
            (refused.kind, refused.effect),
            (ErrorKind::InvalidValue, Effect::NotApplied),
            "{refused}"
        );
    }
    assert_eq!(server.log().lines().count(), asked, "nothing was asked");
    assert_eq!(eye.labels(&name).await, before);
    secret.stage(&rotation(1), &value(&"x".repeat(65_536)), None).await.unwrap();
}

#[tokio::test]
async fn a_rotation_makes_so_many_requests() {
    let Set { server, name, scene, eye } = on(Arc::new(Moto::start()));
    let old = eye.make(&name, "old").await;
    let secret = scene.secret(&name);
    let asked = || server.log().lines().filter(|line| line.contains("POST / ")).count();
    let mut counts = Vec::new();
    let mut count = |start: usize, end: usize| counts.push(end - start);
    let start = asked();
    let new = secret.stage(&rotation(1), &value("new"), None).await.unwrap().id;
    count(start, asked());
    let start = asked();
    secret.promote(&rotation(1), &new, Some(&old.as_str().into())).await.unwrap();
    count(start, asked());
    let start = asked();
    secret.retire(&rotation(1), &old.as_str().into()).await.unwrap();
    count(start, asked());
    // A look each; put and label; move; one label.
    assert_eq!(counts, [3, 2, 2]);
}

#[tokio::test]
async fn the_calls_of_the_engine_make_so_many_requests() {
    let Set { server, name, scene, eye } = on(Arc::new(Moto::start()));
    eye.make(&name, "old").await;
    let asked = || server.log().lines().filter(|line| line.contains("POST / ")).count();
    let mut made = 0;
    for number in 1..=3 {
        let start = asked();
        // One handle for each rotation, and a look before each change.
        let secret = scene.secret(&name);
        let current = secret.versions().await.unwrap().at(Stage::Current).unwrap().id.clone();
        let new = secret.stage(&rotation(number), &value(&format!("new {number}")), None).await.unwrap().id;
        secret.versions().await.unwrap();
        secret.promote(&rotation(number), &new, Some(&current)).await.unwrap();
        secret.versions().await.unwrap();
        secret.retire(&rotation(number), &current).await.unwrap();
        made = asked() - start;
    }
    println!("Secrets Manager: {made} requests for a rotation, and the least possible are 10");
    assert_eq!(made, 11);
}

#[tokio::test]
async fn previous_versions_that_nobody_retires_are_not_taken_for_pending() {
    let Set { server: _server, name, scene, eye } = set();
    let mut current = eye.make(&name, "old").await;
    let secret = scene.secret(&name);
    for number in 1..=4 {
        let new = secret.stage(&rotation(number), &value(&format!("new {number}")), None).await.unwrap().id;
        secret.promote(&rotation(number), &new, Some(&current.as_str().into())).await.unwrap();
        current = new.as_str().to_owned();
        assert!(secret.versions().await.unwrap().at(Stage::Pending).is_none());
    }
    // Those of current and previous: labels are few.
    let marks = eye.labels(&name).await.into_iter().filter(|(label, _)| label.starts_with("keywheel"));
    assert_eq!(marks.count(), 2);
}

#[tokio::test]
async fn what_was_dropped_since_the_look_is_not_promoted() {
    let Set { server: _server, name, scene, eye } = set();
    let old = eye.make(&name, "old").await;
    let (ours, theirs) = (scene.secret(&name), scene.secret(&name));
    let new = ours.stage(&rotation(1), &value("new"), None).await.unwrap().id;
    ours.versions().await.unwrap();
    theirs.retire(&rotation(1), &new).await.unwrap();
    let refused = ours.promote(&rotation(1), &new, Some(&old.as_str().into())).await.unwrap_err();
    assert_eq!((refused.kind, refused.effect), (ErrorKind::NotFound, Effect::NotApplied), "{refused}");
    assert_eq!(text_at(&*theirs, Stage::Current).await.as_deref(), Some("old"));
}
