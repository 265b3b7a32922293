//! Answers of AWS, as its documentation has them, that the stand-in does not give.

use keywheel_core::{Clock as _, Effect, Error, ErrorKind, secret::Stage};
use keywheel_testkit::declared::StandingClock;
use serde_json::{Value, json};

use crate::{
    scene::{NAME, rotation, value},
    service::{Answer, Service, TRIES, puts_off},
};

const OLD: &str = "11111111-1111-4111-8111-111111111111";
const OTHER: &str = "22222222-2222-4222-8222-222222222222";

fn described(labels: &Value) -> Answer {
    let arn = format!("arn:aws:secretsmanager:eu-central-1:123456789012:secret:{NAME}-AbCdEf");
    ("DescribeSecret", 200, json!({"ARN": arn, "Name": NAME, "VersionIdsToStages": labels}))
}

fn refused(operation: &'static str, status: u16, code: &str) -> Answer {
    // The service's own words may quote what it was sent.
    (operation, status, json!({"__type": code, "Message": "the value was new-value"}))
}

fn put(label: &str) -> Answer {
    let id = rotation(1).rotation.to_string();
    ("PutSecretValue", 200, json!({"ARN": "x", "Name": NAME, "VersionId": id, "VersionStages": [label]}))
}

/// The label of a rotation by `test`.
fn label(number: u8) -> String {
    format!("keywheel?rotation={}&started=1970-01-01T00%3A00%3A00Z&by=test", rotation(number).rotation)
}

async fn stage(service: &Service) -> Result<(), Error> {
    service.scene().secret(NAME).stage(&rotation(1), &value("new-value"), None).await.map(|_| ())
}

#[tokio::test]
async fn the_label_is_asked_for_under_a_check_and_who_was_faster_is_named() {
    let theirs = rotation(2).rotation.to_string();
    let ours = rotation(1).rotation.to_string();
    let raced = json!({OLD: ["AWSCURRENT"], &theirs: ["AWSPENDING", label(2)], &ours: [label(1)]});
    let service = Service::giving(vec![
        described(&json!({OLD: ["AWSCURRENT"]})),
        put(&label(1)),
        refused("UpdateSecretVersionStage", 400, "InvalidParameterException"),
        described(&raced),
        ("UpdateSecretVersionStage", 200, json!({})),
    ])
    .await;
    let error = stage(&service).await.unwrap_err();
    assert_eq!((error.kind, error.effect), (ErrorKind::Conflict, Effect::MaybeApplied), "{error}");
    assert!(error.to_string().contains(&theirs), "{error}");
    let asked = service.asked();
    assert_eq!(asked[1].1["ClientRequestToken"], *ours);
    assert_eq!(asked[1].1["VersionStages"], json!([label(1)]), "nobody's label is taken by putting");
    assert_eq!(asked[2].1, json!({"SecretId": NAME, "VersionStage": "AWSPENDING", "MoveToVersionId": ours}));
    // What was put is taken out of everybody's sight.
    assert_eq!(asked[4].1["RemoveFromVersionId"], *ours);
    assert_eq!(asked[4].1["VersionStage"], *label(1));
}

#[tokio::test]
async fn a_promotion_that_lost_the_race_is_a_conflict_and_one_that_won_it_is_done() {
    let new = rotation(1).rotation.to_string();
    let before = json!({OLD: ["AWSCURRENT"], &new: ["AWSPENDING", label(1)]});
    let lost = json!({OTHER: ["AWSCURRENT"], OLD: ["AWSPREVIOUS"], &new: ["AWSPENDING", label(1)]});
    let won = json!({OLD: ["AWSPREVIOUS"], &new: ["AWSCURRENT", "AWSPENDING", label(1)]});
    for (after, conflict) in [(lost, true), (won, false)] {
        let service = Service::giving(vec![
            described(&before),
            refused("UpdateSecretVersionStage", 400, "InvalidParameterException"),
            described(&after),
        ])
        .await;
        let secret = service.scene().secret(NAME);
        let outcome = secret.promote(&rotation(1), &new.as_str().into(), Some(&OLD.into())).await;
        assert_eq!(outcome.is_err(), conflict);
        if let Err(error) = outcome {
            assert_eq!((error.kind, error.effect), (ErrorKind::Conflict, Effect::NotApplied), "{error}");
        }
        let asked = service.asked();
        assert_eq!(asked[1].1["RemoveFromVersionId"], OLD, "the service compares");
        assert_eq!(asked[1].1["MoveToVersionId"], *new);
    }
}

#[tokio::test]
async fn the_same_token_with_another_value_is_a_conflict() {
    let service = Service::giving(vec![
        described(&json!({OLD: ["AWSCURRENT"]})),
        refused("PutSecretValue", 400, "ResourceExistsException"),
    ])
    .await;
    let error = stage(&service).await.unwrap_err();
    assert_eq!((error.kind, error.effect), (ErrorKind::Conflict, Effect::NotApplied), "{error}");
}

#[tokio::test]
async fn every_refusal_has_its_kind_and_quotes_nothing() {
    use Effect::{MaybeApplied, NotApplied};
    for (status, code, kind, effect) in [
        (400, "ThrottlingException", ErrorKind::RateLimited, NotApplied),
        (429, "TooManyRequestsException", ErrorKind::RateLimited, NotApplied),
        // A quota: waiting does not help.
        (400, "LimitExceededException", ErrorKind::InvalidConfig, NotApplied),
        (400, "EncryptionFailure", ErrorKind::InvalidConfig, NotApplied),
        (400, "AccessDeniedException", ErrorKind::PermissionDenied, NotApplied),
        (400, "InvalidRequestException", ErrorKind::InvalidConfig, NotApplied),
        (400, "ExpiredTokenException", ErrorKind::Unauthenticated, NotApplied),
        (400, "UnrecognizedClientException", ErrorKind::Unauthenticated, NotApplied),
        (400, "SomethingNew", ErrorKind::InvalidConfig, NotApplied),
        (500, "InternalServiceError", ErrorKind::Unavailable, MaybeApplied),
        (503, "ServiceUnavailable", ErrorKind::Unavailable, MaybeApplied),
    ] {
        let times = if puts_off(code) { TRIES } else { 1 };
        let mut answers = vec![described(&json!({OLD: ["AWSCURRENT"]}))];
        answers.resize(1 + times, refused("PutSecretValue", status, code));
        let service = Service::giving(answers).await;
        let error = stage(&service).await.unwrap_err();
        // Asked once unless it was certainly not carried out: the engine is who repeats.
        assert_eq!(service.asked().len(), 1 + times, "{code}");
        assert_eq!((error.kind, error.effect), (kind, effect), "{error}");
        let text = format!("{error} {error:?}");
        assert!(text.contains(code) && !text.contains("new-value"), "{text}");
    }
}

#[tokio::test]
async fn a_label_whose_value_is_yet_to_come_is_in_flight_and_no_version() {
    let labels = json!({OLD: ["AWSCURRENT"], OTHER: ["AWSPENDING"]});
    let service = Service::giving(vec![described(&labels)]).await;
    let error = stage(&service).await.unwrap_err();
    assert_eq!((error.kind, error.effect), (ErrorKind::Conflict, Effect::NotApplied), "{error}");

    let service = Service::giving(vec![
        described(&labels),
        refused("GetSecretValue", 400, "ResourceNotFoundException"),
    ])
    .await;
    let error = service.scene().secret(NAME).read(Stage::Pending).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::NotFound, "{error}");
}

#[tokio::test]
async fn a_key_that_decrypts_nothing_is_said_and_not_taken_for_no_value() {
    for code in ["DecryptionFailure", "AccessDeniedException"] {
        let service = Service::giving(vec![refused("GetSecretValue", 400, code)]).await;
        let error = service.scene().secret(NAME).read(Stage::Current).await.unwrap_err();
        assert!(matches!(error.kind, ErrorKind::InvalidConfig | ErrorKind::PermissionDenied), "{error}");
        assert!(error.to_string().contains("KMS key"), "{error}");
    }
}

#[tokio::test]
async fn what_is_refused_after_something_was_changed_may_have_been_applied() {
    for (status, code, kind) in [
        (400, "ThrottlingException", ErrorKind::RateLimited),
        (400, "AccessDeniedException", ErrorKind::PermissionDenied),
    ] {
        let times = if puts_off(code) { TRIES } else { 1 };
        let mut answers = vec![described(&json!({OLD: ["AWSCURRENT"]})), put(&label(1))];
        answers.resize(2 + times, refused("UpdateSecretVersionStage", status, code));
        let service = Service::giving(answers).await;
        let error = stage(&service).await.unwrap_err();
        assert_eq!((error.kind, error.effect), (kind, Effect::MaybeApplied), "{error}");
    }
}

#[tokio::test]
async fn what_the_service_puts_off_is_sent_again_and_goes_through() {
    let service = Service::giving(vec![
        refused("DescribeSecret", 429, "SlowDownPlease"),
        described(&json!({OLD: ["AWSCURRENT"]})),
        refused("PutSecretValue", 400, "ThrottlingException"),
        refused("PutSecretValue", 400, "ThrottlingException"),
        put(&label(1)),
        refused("UpdateSecretVersionStage", 400, "ThrottlingException"),
        ("UpdateSecretVersionStage", 200, json!({})),
    ])
    .await;
    stage(&service).await.unwrap();
    let asked = service.asked();
    assert_eq!(asked[2].1, asked[4].1, "the same token and the same bytes");
}

#[tokio::test]
async fn a_plan_is_told_when_the_budget_of_versions_is_used_up() {
    let now = StandingClock.now().as_second();
    let listed = |ages: &[i64], next: Option<&str>| {
        let versions: Vec<_> =
            ages.iter().map(|age| json!({"VersionId": OLD, "CreatedDate": now - age})).collect();
        ("ListSecretVersionIds", 200, json!({"Versions": versions, "NextToken": next}))
    };
    let day = [20_000; 60];
    for (pages, told) in [
        (vec![listed(&[], None)], None),
        (vec![listed(&[60; 5], None)], None),
        (vec![listed(&[60; 6], None)], Some("6 versions within the last hour")),
        (vec![listed(&[90_000; 150], None)], None),
        (vec![listed(&day, Some("more")), listed(&day, None)], Some("120 versions of the last 24 hours")),
        // Nobody needs to count further.
        (vec![listed(&[20_000; 100], Some("more")), listed(&[1; 100], Some("more"))], Some("200 versions")),
    ] {
        let service = Service::giving(pages).await;
        let cautions = service.scene().secret(NAME).cautions().await.unwrap();
        assert_eq!(cautions.len(), usize::from(told.is_some()), "{cautions:?}");
        assert!(cautions.iter().all(|caution| caution.contains(told.unwrap_or_default())), "{cautions:?}");
        assert_eq!(service.asked()[0].1["IncludeDeprecated"], true);
    }
    let service =
        Service::giving(vec![refused("ListSecretVersionIds", 400, "ResourceNotFoundException")]).await;
    assert_eq!(service.scene().secret(NAME).cautions().await.unwrap(), [""; 0], "it has none yet");
    let service = Service::giving(vec![refused("ListSecretVersionIds", 400, "AccessDeniedException")]).await;
    let error = service.scene().secret(NAME).cautions().await.unwrap_err();
    assert_eq!((error.kind, error.effect), (ErrorKind::PermissionDenied, Effect::NotApplied), "{error}");
}

/// A version's value.
fn got(id: &str) -> Answer {
    (
        "GetSecretValue",
        200,
        json!({"ARN": "x", "Name": NAME, "VersionId": id, "SecretString": format!("of {id}")}),
    )
}

#[tokio::test]
async fn what_a_look_saw_as_previous_is_not_believed_when_the_service_says_otherwise() {
    let new = rotation(1).rotation.to_string();
    let service = Service::giving(vec![
        described(&json!({&new: ["AWSCURRENT", label(1)], OLD: ["AWSPREVIOUS", label(2)]})),
        got(&new),
        got(OLD),
        refused("UpdateSecretVersionStage", 400, "InvalidParameterException"),
        described(&json!({OLD: ["AWSCURRENT", label(2)], &new: ["AWSPREVIOUS", label(1)]})),
    ])
    .await;
    let secret = service.scene().secret(NAME);
    secret.versions().await.unwrap();
    let error = secret.retire(&rotation(1), &OLD.into()).await.unwrap_err();
    assert_eq!((error.kind, error.effect), (ErrorKind::Conflict, Effect::NotApplied), "{error}");
    let asked = service.asked();
    assert_eq!(
        (&asked[3].1["RemoveFromVersionId"], &asked[3].1["VersionStage"]),
        (&json!(OLD), &json!("AWSPREVIOUS"))
    );
}

#[tokio::test]
async fn who_was_faster_after_the_look_is_named() {
    let theirs = rotation(2).rotation.to_string();
    let ours = rotation(1).rotation.to_string();
    let service = Service::giving(vec![
        described(&json!({OLD: ["AWSCURRENT"]})),
        got(OLD),
        put(&label(1)),
        refused("UpdateSecretVersionStage", 400, "InvalidParameterException"),
        described(&json!({OLD: ["AWSCURRENT"], &theirs: ["AWSPENDING", label(2)], &ours: [label(1)]})),
        ("UpdateSecretVersionStage", 200, json!({})),
    ])
    .await;
    let secret = service.scene().secret(NAME);
    secret.versions().await.unwrap();
    let error = secret.stage(&rotation(1), &value("new-value"), None).await.unwrap_err();
    assert_eq!((error.kind, error.effect), (ErrorKind::Conflict, Effect::MaybeApplied), "{error}");
    assert!(error.to_string().contains(&theirs), "{error}");
    service.asked();
}

#[tokio::test]
async fn a_version_is_read_once_and_one_of_a_secret_made_anew_is_another() {
    let labels = json!({OLD: ["AWSCURRENT"]});
    let anew = json!({"ARN": format!("arn:aws:secretsmanager:eu-central-1:123456789012:secret:{NAME}-GhIjKl"),
                      "Name": NAME, "VersionIdsToStages": labels});
    let service = Service::giving(vec![
        described(&labels),
        got(OLD),
        described(&labels),
        ("DescribeSecret", 200, anew),
        got(OLD),
    ])
    .await;
    let secret = service.scene().secret(NAME);
    let first = secret.versions().await.unwrap();
    assert_eq!(secret.versions().await.unwrap(), first);
    secret.versions().await.unwrap();
    service.asked();
}
