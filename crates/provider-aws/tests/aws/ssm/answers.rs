//! Answers of AWS, as its documentation has them, that the stand-in does not give.

use keywheel_core::{Effect, Error, ErrorKind};
use serde_json::{Value, json};

use crate::{
    scene::{Scene, rotation, value},
    service::{Answer, Service, TRIES, puts_off},
};

const NAME: &str = "/prod/db/password";

fn scene(service: &Service) -> Scene {
    Scene::parameters(service.port, "")
}

fn history(versions: &[(i64, &str, &[&str])]) -> Answer {
    let parameters: Vec<Value> = versions
        .iter()
        .map(|(number, value, labels)| {
            json!({"Name": NAME, "Type": "SecureString", "Version": number, "Value": value, "Labels": labels,
                   "Tier": "Standard", "KeyId": "alias/aws/ssm"})
        })
        .collect();
    ("GetParameterHistory", 200, json!({"Parameters": parameters}))
}

fn pending(text: &str) -> Answer {
    let description =
        format!("keywheel?rotation={}&started=1970-01-01T00%3A00%3A00Z&by=test", rotation(1).rotation);
    let found = json!({"Name": NAME, "Type": "SecureString", "Version": 1, "Value": text, "Description": description});
    ("GetParameterHistory", 200, json!({"Parameters": [found]}))
}

fn nothing() -> Answer {
    refused("GetParameterHistory", 400, "ParameterNotFound")
}

fn refused(operation: &'static str, status: u16, code: &str) -> Answer {
    (operation, status, json!({"__type": code, "message": "the value was new-value"}))
}

fn put(version: i64) -> Answer {
    ("PutParameter", 200, json!({"Version": version, "Tier": "Standard"}))
}

fn got(version: i64, value: &str) -> Answer {
    let found = json!({"Name": NAME, "Type": "SecureString", "Version": version, "Value": value});
    ("GetParameter", 200, json!({"Parameter": found}))
}

fn done(operation: &'static str) -> Answer {
    (operation, 200, json!({}))
}

const OLD: &[(i64, &str, &[&str])] = &[(4, "x", &["current", "keywheel.3"])];

async fn promote(service: &Service) -> Result<(), Error> {
    let new = rotation(1).rotation.to_string();
    scene(service).secret(NAME).promote(&rotation(1), &new.as_str().into(), Some(&"3".into())).await
}

#[tokio::test]
async fn an_update_that_was_lost_is_seen_by_its_number_and_put_back() {
    let service =
        Service::giving(vec![history(OLD), pending("new-value"), put(6), got(5, "theirs"), put(7)]).await;
    let error = promote(&service).await.unwrap_err();
    assert_eq!((error.kind, error.effect), (ErrorKind::Conflict, Effect::MaybeApplied), "{error}");
    assert!(error.to_string().contains("theirs is current again"), "{error}");
    let asked = service.asked();
    assert_eq!((&asked[2].1["Value"], &asked[2].1["Overwrite"]), (&json!("new-value"), &json!(true)));
    assert_eq!(asked[3].1["Name"], format!("{NAME}:5"));
    assert_eq!(asked[4].1["Value"], "theirs");
}

#[tokio::test]
async fn an_earlier_attempt_of_ours_that_arrived_late_is_no_update_of_anybody() {
    let service = Service::giving(vec![
        history(OLD),
        pending("new-value"),
        put(6),
        got(5, "new-value"),
        done("LabelParameterVersion"),
        done("LabelParameterVersion"),
        done("DeleteParameter"),
    ])
    .await;
    promote(&service).await.unwrap();
    let asked = service.asked();
    assert_eq!((&asked[4].1["ParameterVersion"], &asked[5].1["ParameterVersion"]), (&json!(6), &json!(4)));
    assert_eq!(asked[5].1["Labels"], json!(["previous"]));
}

#[tokio::test]
async fn labels_that_the_service_does_not_take_are_an_error_though_it_answers_yes() {
    let service = Service::giving(vec![
        history(OLD),
        pending("new-value"),
        put(5),
        ("LabelParameterVersion", 200, json!({"InvalidLabels": ["current"]})),
    ])
    .await;
    let error = promote(&service).await.unwrap_err();
    assert_eq!((error.kind, error.effect), (ErrorKind::InvalidConfig, Effect::MaybeApplied), "{error}");
}

#[tokio::test]
async fn what_is_still_being_deleted_is_waited_for() {
    let service = Service::giving(vec![
        history(OLD),
        refused("PutParameter", 400, "ParameterAlreadyExists"),
        nothing(),
    ])
    .await;
    let error =
        scene(&service).secret(NAME).stage(&rotation(1), &value("new-value"), None).await.unwrap_err();
    assert_eq!((error.kind, error.effect), (ErrorKind::Unavailable, Effect::NotApplied), "{error}");
    let asked = service.asked();
    assert_eq!(
        (&asked[1].1["Name"], &asked[1].1["Overwrite"]),
        (&json!("/keywheel-pending/prod/db/password"), &json!(false))
    );
}

#[tokio::test]
async fn who_was_faster_to_stage_is_named() {
    let service = Service::giving(vec![
        history(OLD),
        refused("PutParameter", 400, "ParameterAlreadyExists"),
        pending("theirs"),
    ])
    .await;
    let error =
        scene(&service).secret(NAME).stage(&rotation(2), &value("new-value"), None).await.unwrap_err();
    assert_eq!((error.kind, error.effect), (ErrorKind::Conflict, Effect::NotApplied), "{error}");
    assert!(error.to_string().contains(&rotation(1).rotation.to_string()), "{error}");
}

#[tokio::test]
async fn every_refusal_has_its_kind_and_quotes_nothing() {
    use Effect::{MaybeApplied, NotApplied};
    for (status, code, kind, effect) in [
        (400, "ThrottlingException", ErrorKind::RateLimited, NotApplied),
        (400, "TooManyUpdates", ErrorKind::RateLimited, NotApplied),
        (400, "AccessDeniedException", ErrorKind::PermissionDenied, NotApplied),
        // What SSM answers where KMS denies.
        (400, "InvalidKeyId", ErrorKind::InvalidConfig, NotApplied),
        (400, "ParameterMaxVersionLimitExceeded", ErrorKind::InvalidConfig, NotApplied),
        (400, "ParameterLimitExceeded", ErrorKind::InvalidConfig, NotApplied),
        (400, "HierarchyLevelLimitExceededException", ErrorKind::InvalidConfig, NotApplied),
        (400, "ValidationException", ErrorKind::InvalidConfig, NotApplied),
        (400, "ExpiredTokenException", ErrorKind::Unauthenticated, NotApplied),
        (500, "InternalServerError", ErrorKind::Unavailable, MaybeApplied),
    ] {
        let times = if puts_off(code) { TRIES } else { 1 };
        let mut answers = vec![history(OLD), pending("new-value")];
        answers.resize(2 + times, refused("PutParameter", status, code));
        let service = Service::giving(answers).await;
        let error = promote(&service).await.unwrap_err();
        assert_eq!(
            service.asked().len(),
            2 + times,
            "{code}: but for what was put off, the engine is who repeats"
        );
        assert_eq!((error.kind, error.effect), (kind, effect), "{error}");
        let text = format!("{error} {error:?}");
        assert!(text.contains(code) && !text.contains("new-value"), "{text}");
    }
}

#[tokio::test]
async fn doctor_names_the_right_that_is_missing() {
    let service = Service::giving(vec![refused("GetParameterHistory", 400, "AccessDeniedException")]).await;
    let findings = scene(&service).findings().await;
    assert_eq!(findings.len(), 1, "{findings:?}");
    assert!(findings[0].message.contains("ssm:GetParameterHistory"), "{findings:?}");
    assert!(findings[0].hint.as_ref().unwrap().contains("parameter/keywheel-pending/*"), "{findings:?}");
    service.asked();
}

/// The latest versions of the parameter and of what is pending, when they exist.
fn latest(current: i64, pending: Option<&str>) -> Answer {
    let mut found = vec![json!({"Name": NAME, "Type": "SecureString", "Version": current, "Value": "old"})];
    let beside = format!("/keywheel-pending{NAME}");
    let (there, not): (Vec<_>, Vec<_>) = match pending {
        Some(text) => {
            (vec![json!({"Name": beside, "Type": "SecureString", "Version": 1, "Value": text})], vec![])
        }
        None => (vec![], vec![beside]),
    };
    found.extend(there);
    ("GetParameters", 200, json!({"Parameters": found, "InvalidParameters": not}))
}

/// What `versions` asks for.
fn look() -> Vec<Answer> {
    vec![history(OLD), pending("new-value"), got(4, "old")]
}

#[tokio::test]
async fn what_a_look_saw_is_overwritten_only_if_it_still_is_so() {
    let new = rotation(1).rotation.to_string();
    let other = history(&[(4, "x", &["keywheel.3"]), (5, "y", &["current", "keywheel.9"])]);
    for (now, after, kind) in [
        (latest(5, Some("new-value")), vec![other, pending("new-value")], ErrorKind::Conflict),
        (latest(4, None), vec![history(OLD), nothing()], ErrorKind::NotFound),
        (latest(4, Some("another")), vec![history(OLD), nothing()], ErrorKind::NotFound),
    ] {
        let service = Service::giving([look(), vec![now], after].concat()).await;
        let secret = scene(&service).secret(NAME);
        secret.versions().await.unwrap();
        let error = secret.promote(&rotation(1), &new.as_str().into(), Some(&"3".into())).await.unwrap_err();
        assert_eq!((error.kind, error.effect), (kind, Effect::NotApplied), "{error}");
        service.asked();
    }
}

#[tokio::test]
async fn who_may_not_ask_for_both_at_once_asks_for_each() {
    let new = rotation(1).rotation.to_string();
    let changes =
        [put(5), done("LabelParameterVersion"), done("LabelParameterVersion"), done("DeleteParameter")];
    for second_look in [
        vec![latest(4, Some("new-value"))],
        vec![refused("GetParameters", 400, "AccessDeniedException"), history(OLD), pending("new-value")],
    ] {
        let service = Service::giving([look(), second_look, changes.to_vec()].concat()).await;
        let secret = scene(&service).secret(NAME);
        secret.versions().await.unwrap();
        secret.promote(&rotation(1), &new.as_str().into(), Some(&"3".into())).await.unwrap();
        service.asked();
    }
}

#[tokio::test]
async fn what_a_look_saw_as_previous_is_not_believed_when_its_labels_have_moved() {
    let seen = history(&[(4, "x", &["previous", "keywheel.3"]), (5, "y", &["current", "keywheel.9"])]);
    let back = history(&[(5, "y", &["previous", "keywheel.9"]), (6, "x", &["current", "keywheel.3"])]);
    let service = Service::giving(vec![
        seen,
        nothing(),
        got(5, "new"),
        got(4, "old"),
        ("UnlabelParameterVersion", 200, json!({"InvalidLabels": ["previous", "keywheel.3"]})),
        back,
    ])
    .await;
    let secret = scene(&service).secret(NAME);
    secret.versions().await.unwrap();
    let error = secret.retire(&rotation(1), &"3".into()).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Conflict, "{error}");
    service.asked();
}
