//! Answers of Secrets Manager, as its documentation has them, that the stand-in does not give.

use std::time::Duration;

use keywheel_core::{Effect, Error, ErrorKind};
use keywheel_lambda::{Event, Outcome, Step};
use serde_json::{Value, json};

use crate::{
    scene::{OLD, Scene, document, postgres, role},
    service::{Answer, Service},
};

const CURRENT: &str = "11111111-1111-4111-8111-111111111111";
const PENDING: &str = "22222222-2222-4222-8222-222222222222";
const OTHER: &str = "33333333-3333-4333-8333-333333333333";

fn described(more: &Value) -> Answer {
    let mut answer = json!({
        "ARN": "arn:aws:secretsmanager:eu-central-1:123456789012:secret:db-AbCdEf", "Name": "db", "RotationEnabled": true,
        "VersionIdsToStages": {CURRENT: ["AWSCURRENT"], PENDING: ["AWSPENDING"]},
    });
    for (name, value) in more.as_object().unwrap() {
        answer[name] = value.clone();
    }
    ("DescribeSecret", 200, answer)
}

fn value(id: &str, text: &Value) -> Answer {
    (
        "GetSecretValue",
        200,
        json!({"ARN": "x", "Name": "db", "VersionId": id, "SecretString": text.to_string()}),
    )
}

fn refused(operation: &'static str, status: u16, code: &str) -> Answer {
    // The service's own words may quote what it was sent.
    (operation, status, json!({"__type": code, "Message": format!("the value was {OLD}")}))
}

fn no_value() -> Answer {
    refused("GetSecretValue", 400, "ResourceNotFoundException")
}

async fn serve(service: &Service, step: Step) -> Result<Outcome, Error> {
    let event = Event { secret: "db".to_owned(), token: PENDING.to_owned(), step };
    let outcome =
        Scene::new("single").function_at(service.port, &[]).serve(&event, Duration::from_mins(1)).await;
    if let Err(error) = &outcome {
        assert!(!error.to_string().contains(OLD), "{error}");
    }
    outcome
}

fn app() -> Value {
    document("postgres", 5432, "app")
}

#[tokio::test]
async fn the_pending_version_gets_its_value_and_its_label_in_one_request() {
    let service = Service::giving(vec![
        described(&json!({})),
        value(CURRENT, &app()),
        no_value(),
        (
            "PutSecretValue",
            200,
            json!({"ARN": "x", "Name": "db", "VersionId": PENDING, "VersionStages": ["AWSPENDING"]}),
        ),
    ])
    .await;
    assert_eq!(serve(&service, Step::Create).await.unwrap(), Outcome::Created);
    let put = &service.asked()[3];
    assert_eq!(put["ClientRequestToken"], PENDING);
    assert_eq!(put["VersionStages"], json!(["AWSPENDING"]));
    let made: Value = serde_json::from_str(put["SecretString"].as_str().unwrap()).unwrap();
    assert_eq!(made["username"], "app");
    assert_ne!(made["password"], OLD);
}

#[tokio::test]
async fn a_value_that_another_call_put_meanwhile_counts() {
    let mut theirs = app();
    theirs["password"] = "of-the-other-call".into();
    let service = Service::giving(vec![
        described(&json!({})),
        value(CURRENT, &app()),
        no_value(),
        refused("PutSecretValue", 400, "ResourceExistsException"),
        value(PENDING, &theirs),
    ])
    .await;
    assert_eq!(serve(&service, Step::Create).await.unwrap(), Outcome::AlreadyCreated);
    service.asked();
}

#[tokio::test]
async fn a_value_that_cannot_be_decrypted_is_not_taken_for_none() {
    for code in ["DecryptionFailure", "AccessDeniedException"] {
        let service = Service::giving(vec![
            described(&json!({})),
            value(CURRENT, &app()),
            refused("GetSecretValue", 400, code),
        ])
        .await;
        let error = serve(&service, Step::Create).await.unwrap_err();
        assert_eq!(error.effect, Effect::NotApplied, "{error}");
        assert!(error.to_string().contains("KMS key"), "{error}");
        service.asked();
    }
}

#[tokio::test]
async fn a_service_that_asks_to_be_called_later_is() {
    let service = Service::giving(vec![
        refused("DescribeSecret", 400, "ThrottlingException"),
        refused("DescribeSecret", 500, "InternalServiceError"),
        described(&json!({"VersionIdsToStages": {PENDING: ["AWSCURRENT"], CURRENT: ["AWSPREVIOUS"]}})),
    ])
    .await;
    assert_eq!(serve(&service, Step::Finish).await.unwrap(), Outcome::AlreadyCurrent);
    service.asked();
}

#[tokio::test]
async fn a_secret_that_cannot_be_changed_is_not_rotated() {
    for (more, says) in [
        (json!({"DeletedDate": 1_700_000_000}), "scheduled for deletion"),
        (json!({"PrimaryRegion": "us-east-1"}), "replica"),
        (json!({"RotationEnabled": null}), "rotation is not turned on"),
        (json!({"VersionIdsToStages": {PENDING: ["AWSPENDING"]}}), "no current version"),
    ] {
        let service = Service::giving(vec![described(&more)]).await;
        let error = serve(&service, Step::Create).await.unwrap_err();
        assert_eq!((error.kind, error.effect), (ErrorKind::InvalidConfig, Effect::NotApplied), "{error}");
        assert!(error.to_string().contains(says), "{error}");
        service.asked();
    }
}

/// The answers up to the move of the label, of a database that accepts both.
fn before_the_move() -> (std::sync::Arc<keywheel_testservers::Postgres>, Vec<Answer>) {
    let server = postgres();
    let text = document("postgres", server.port(), &role(&server));
    (server, vec![described(&json!({})), value(CURRENT, &text), value(PENDING, &text)])
}

#[tokio::test]
async fn the_label_is_moved_by_one_request_that_the_service_compares() {
    let (_server, mut answers) = before_the_move();
    answers.push(("UpdateSecretVersionStage", 200, json!({})));
    let service = Service::giving(answers).await;
    assert_eq!(serve(&service, Step::Finish).await.unwrap(), Outcome::Finished);
    assert_eq!(
        service.asked()[3],
        json!({"SecretId": "db", "VersionStage": "AWSCURRENT", "MoveToVersionId": PENDING, "RemoveFromVersionId": CURRENT})
    );
}

#[tokio::test]
async fn whoever_loses_the_race_for_the_label_leaves_it_where_it_is() {
    let lost = json!({OTHER: ["AWSCURRENT"], CURRENT: ["AWSPREVIOUS"], PENDING: ["AWSPENDING"]});
    let won = json!({PENDING: ["AWSCURRENT", "AWSPENDING"], CURRENT: ["AWSPREVIOUS"]});
    for (labels, conflict) in [(lost, true), (won, false)] {
        let (_server, mut answers) = before_the_move();
        answers.push(refused("UpdateSecretVersionStage", 400, "InvalidParameterException"));
        answers.push(described(&json!({"VersionIdsToStages": labels})));
        let service = Service::giving(answers).await;
        let outcome = serve(&service, Step::Finish).await;
        assert_eq!(outcome.is_err(), conflict);
        if let Err(error) = outcome {
            assert_eq!((error.kind, error.effect), (ErrorKind::Conflict, Effect::NotApplied), "{error}");
            assert!(error.to_string().contains(OTHER), "{error}");
        }
        service.asked();
    }
}

#[tokio::test]
async fn a_move_whose_answer_was_lost_is_seen_by_the_next_look() {
    let (_server, mut answers) = before_the_move();
    answers.push(refused("UpdateSecretVersionStage", 500, "InternalServiceError"));
    answers
        .push(described(&json!({"VersionIdsToStages": {PENDING: ["AWSCURRENT"], CURRENT: ["AWSPREVIOUS"]}})));
    let service = Service::giving(answers).await;
    assert_eq!(serve(&service, Step::Finish).await.unwrap(), Outcome::AlreadyCurrent);
    service.asked();
}

/// The right to list versions is one that the published functions do without.
#[tokio::test]
async fn without_the_right_to_list_versions_only_those_with_labels_are_tried() {
    let server = postgres();
    let role = role(&server);
    let mut current = document("postgres", server.port(), &role);
    current["password"] = "not-the-password".into();
    let service = Service::giving(vec![
        described(&json!({})),
        value(CURRENT, &current),
        value(PENDING, &current),
        refused("ListSecretVersionIds", 400, "AccessDeniedException"),
    ])
    .await;
    let error = serve(&service, Step::Set).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Unauthenticated, "{error}");
    service.asked();
}
