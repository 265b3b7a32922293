//! What `doctor` says about single secrets.

use keywheel_testservers::Moto;
use serde_json::{Value, json};

use crate::{
    scene::{Eye, NAME, Scene, fresh},
    service::{Answer, Service},
};

const OLD: &str = "11111111-1111-4111-8111-111111111111";
const OTHER: &str = "22222222-2222-4222-8222-222222222222";

/// As AWS words it: the caller and the secret are named.
fn denied(operation: &'static str) -> Answer {
    let message = format!(
        "User: arn:aws:iam::123456789012:user/keywheel is not authorized to perform: secretsmanager:{operation} on \
         resource: {NAME} because no identity-based policy allows the secretsmanager:{operation} action"
    );
    (operation, 400, json!({"__type": "AccessDeniedException", "Message": message}))
}

fn absent(operation: &'static str) -> Answer {
    let message = "Secrets Manager can't find the specified secret.";
    (operation, 400, json!({"__type": "ResourceNotFoundException", "Message": message}))
}

fn described(further: &Value) -> Answer {
    let arn = format!("arn:aws:secretsmanager:eu-central-1:123456789012:secret:{NAME}-AbCdEf");
    let mut body = json!({"ARN": arn, "Name": NAME, "VersionIdsToStages": {OLD: ["AWSCURRENT"]}});
    body.as_object_mut().unwrap().extend(further.as_object().unwrap().clone());
    ("DescribeSecret", 200, body)
}

fn readable() -> Answer {
    absent("GetSecretValue")
}

/// Without what nobody here may ask IAM.
fn without_doubts(found: Vec<String>) -> Vec<String> {
    found.into_iter().filter(|finding| !finding.contains("could not be checked")).collect()
}

async fn said(answers: Vec<Answer>) -> Vec<String> {
    let service = Service::giving([vec![absent("DescribeSecret")], answers].concat()).await;
    let found = without_doubts(service.scene().found(&[NAME]).await);
    for (operation, asked) in service.asked() {
        assert!(["DescribeSecret", "GetSecretValue"].contains(&&*operation), "{operation}");
        // A value that nobody asks for is not in our memory, either.
        assert!(
            operation == "DescribeSecret" || asked["VersionId"] == "00000000-0000-0000-0000-000000000000"
        );
    }
    found
}

#[tokio::test]
async fn a_right_that_is_missing_is_named_with_the_secret_and_the_policy_that_grants_it() {
    let resource = format!("\"Resource\": \"arn:aws:secretsmanager:*:*:secret:{NAME}-??????\"");
    for (answers, right) in [
        (vec![denied("DescribeSecret"), readable()], "\"secretsmanager:DescribeSecret\""),
        (vec![described(&json!({})), denied("GetSecretValue")], "\"secretsmanager:GetSecretValue\""),
        (
            vec![denied("DescribeSecret"), denied("GetSecretValue")],
            "[\"secretsmanager:DescribeSecret\", \"secretsmanager:GetSecretValue\"]",
        ),
    ] {
        let found = said(answers).await;
        let [finding] = &*found else { panic!("{found:?}") };
        assert!(finding.starts_with(&format!("Error of {NAME}: the right")), "{finding}");
        assert!(
            finding.contains(&format!("\"Action\": {right}")) && finding.contains(&resource),
            "{finding}"
        );
        assert!(!finding.contains("123456789012"), "the service's own words are not passed on: {finding}");
    }
    assert_eq!(said(vec![described(&json!({})), readable()]).await, [""; 0]);
}

#[tokio::test]
async fn what_a_rotation_would_stumble_over_is_said_before() {
    let theirs = json!({"VersionIdsToStages": {OLD: ["AWSCURRENT"], OTHER: ["AWSPENDING"]}});
    for (further, says) in [
        (
            json!({"DeletedDate": 1_795_166_304}),
            "Error of prod/db/password: the secret is scheduled for deletion",
        ),
        (json!({"PrimaryRegion": "us-east-1"}), "write `region: us-east-1`"),
        (json!({"OwningService": "rds"}), "the service `rds` manages the secret"),
        (json!({"RotationEnabled": true}), "Warning of prod/db/password: AWS rotates the secret as well"),
        (theirs, "--remove-from-version-id 22222222-2222-4222-8222-222222222222"),
    ] {
        let found = said(vec![described(&further), readable()]).await;
        let [finding] = &*found else { panic!("{found:?}") };
        assert!(finding.contains(says), "{finding}");
    }
}

#[tokio::test]
async fn secrets_that_were_not_looked_at_are_named() {
    let busy =
        |operation| (operation, 400, json!({"__type": "ThrottlingException", "Message": "Rate exceeded"}));
    // What is put off is sent again a few times before it is given up.
    let put_off = std::iter::repeat_n("DescribeSecret", crate::service::TRIES).map(busy);
    let found = said(put_off.chain([readable()]).collect()).await;
    let [finding] = &*found else { panic!("{found:?}") };
    assert!(
        finding.starts_with("Warning") && finding.contains("1 of 1 secrets could not be looked at"),
        "{finding}"
    );
}

#[tokio::test]
async fn a_hundred_secrets_in_the_same_state_are_one_finding_and_nothing_is_changed() {
    let server = Moto::start();
    let (scene, eye) = (Scene::at(server.port()), Eye::at(server.port()));
    let names: Vec<_> = (0..100).map(|_| fresh()).collect();
    let mut before = Vec::new();
    for name in names.iter().take(3) {
        eye.make(name, "old").await;
        before.push(eye.labels(name).await);
    }
    let names: Vec<_> = names.iter().map(String::as_str).collect();
    let requests = || server.log().lines().filter(|line| line.contains("POST / ")).count();
    let asked = requests();
    let found = without_doubts(scene.found(&names).await);
    assert_eq!(found, [""; 0], "the others are made with their first value");
    let asked = requests() - asked;
    // One to the service, one for each secret, and one more for each that is there; then STS says who asks, and IAM is asked
    // about all that are there, all that are not, and what would be beside these.
    assert!((104..=112).contains(&asked), "{asked}");
    for (name, before) in names.iter().zip(before) {
        assert_eq!(eye.labels(name).await, before);
    }
    assert!(eye.labels(names[3]).await.is_empty());
}

mod writing {
    //! What nothing but a write shows for certain.

    use super::*;
    use crate::iam::query::{done, refused};
    use crate::service::{Form, Query};

    fn caller(who: &str) -> Query {
        let arn = format!(
            "<Arn>arn:aws:sts::123456789012:{who}</Arn><UserId>x</UserId><Account>123456789012</Account>"
        );
        done("GetCallerIdentity", &arn)
    }

    fn simulated(decisions: &[(&str, &str, &str)]) -> Query {
        let members = decisions.iter().map(|(action, name, decision)| {
            format!(
                "<member><EvalActionName>secretsmanager:{action}</EvalActionName><EvalResourceName>\
                 arn:aws:secretsmanager:eu-central-1:123456789012:secret:{name}</EvalResourceName><EvalDecision>{decision}\
                 </EvalDecision></member>"
            )
        });
        let members: String = members.collect();
        let results =
            format!("<EvaluationResults>{members}</EvaluationResults><IsTruncated>false</IsTruncated>");
        done("SimulatePrincipalPolicy", &results)
    }

    async fn asked(queries: Vec<Query>) -> (Vec<String>, Vec<Form>) {
        let answers = vec![absent("DescribeSecret"), described(&json!({})), readable()];
        let service = Service::giving_both(answers, queries).await;
        let found = service.scene().found(&[NAME]).await;
        service.asked();
        (found, service.queried())
    }

    #[tokio::test]
    async fn what_a_policy_denies_is_an_error_and_what_none_allows_is_named_with_what_would_allow_it() {
        let there = format!("{NAME}-AbCdEf");
        let decisions = simulated(&[
            ("ListSecretVersionIds", &there, "allowed"),
            ("PutSecretValue", &there, "implicitDeny"),
            ("UpdateSecretVersionStage", &there, "explicitDeny"),
        ]);
        let (found, queried) = asked(vec![caller("assumed-role/keywheel/session"), decisions]).await;
        let [denied, unallowed] = &*found else { panic!("{found:?}") };
        assert!(denied.starts_with(&format!("Error of {NAME}")), "{denied}");
        assert!(denied.contains("denies `secretsmanager:UpdateSecretVersionStage`"), "{denied}");
        assert!(unallowed.starts_with(&format!("Warning of {NAME}")), "{unallowed}");
        assert!(unallowed.contains("\"Action\": \"secretsmanager:PutSecretValue\""), "{unallowed}");
        assert!(unallowed.contains(&format!("secret:{there}\"")), "{unallowed}");
        let simulation: Vec<_> = queried[1].iter().map(|(name, value)| format!("{name}={value}")).collect();
        let asks = |what: String| assert!(simulation.contains(&what), "{what} is missing in {simulation:?}");
        asks("PolicySourceArn=arn:aws:iam::123456789012:role/keywheel".to_owned());
        asks("ActionNames.member.2=secretsmanager:PutSecretValue".to_owned());
        asks(format!(
            "ResourceArns.member.1=arn:aws:secretsmanager:eu-central-1:123456789012:secret:{there}"
        ));
    }

    #[tokio::test]
    async fn what_hangs_on_a_condition_that_nobody_knows_is_not_called_denied() {
        let (action, decision) = ("secretsmanager:PutSecretValue", "implicitDeny");
        let member = format!(
            "<member><EvalActionName>{action}</EvalActionName><EvalResourceName>\
             arn:aws:secretsmanager:eu-central-1:123456789012:secret:{NAME}-AbCdEf</EvalResourceName><EvalDecision>{decision}\
             </EvalDecision><MissingContextValues><member>aws:SourceVpce</member></MissingContextValues></member>"
        );
        let results =
            format!("<EvaluationResults>{member}</EvaluationResults><IsTruncated>false</IsTruncated>");
        let (found, _) =
            asked(vec![caller("user/x/keywheel"), done("SimulatePrincipalPolicy", &results)]).await;
        assert_eq!(found, [""; 0]);
    }

    #[tokio::test]
    async fn where_a_first_value_is_yet_to_come_the_secret_in_which_it_is_pending_is_asked_about() {
        for there in [true, false] {
            let mut answers = vec![absent("DescribeSecret")];
            if there {
                answers.extend([described(&json!({"VersionIdsToStages": {}})), readable()]);
            } else {
                answers.push(absent("DescribeSecret"));
            }
            let queries = vec![caller("user/keywheel"), simulated(&[]), simulated(&[])];
            let service = Service::giving_both(answers, queries).await;
            assert_eq!(service.scene().found(&[NAME]).await, [""; 0]);
            let beside = format!("secret:{NAME}.keywheel-pending-");
            let asked = service.queried().concat();
            let about = asked
                .iter()
                .filter(|(name, value)| name.starts_with("ResourceArns") && value.contains(&beside));
            assert_eq!(about.count(), 1, "{asked:?}");
        }
    }

    #[tokio::test]
    async fn the_account_itself_may_do_everything() {
        let (found, queried) = asked(vec![caller("root")]).await;
        assert_eq!((found.len(), queried.len()), (0, 1), "{found:?}");
    }

    #[tokio::test]
    async fn that_it_could_not_be_checked_is_said_once_with_every_right() {
        for queries in [
            vec![refused("GetCallerIdentity", 403, "AccessDenied")],
            vec![caller("user/keywheel"), refused("SimulatePrincipalPolicy", 403, "AccessDenied")],
            vec![caller("federated-user/somebody")],
        ] {
            let (found, _) = asked(queries).await;
            let [finding] = &*found else { panic!("{found:?}") };
            let says = "whether the caller has `secretsmanager:ListSecretVersionIds`, `secretsmanager:PutSecretValue`, \
                        `secretsmanager:UpdateSecretVersionStage` could not be checked";
            assert!(finding.starts_with("Warning") && finding.contains(says), "{finding}");
            assert!(
                !finding.contains("of the-value"),
                "the service's own words are not passed on: {finding}"
            );
        }
    }
}

mod parameters {
    use super::*;
    use crate::ssm::eye;

    const NAME: &str = "/prod/db/password";

    fn denied(operation: &'static str) -> Answer {
        let message = format!(
            "User: arn:aws:iam::123456789012:user/keywheel is not authorized to perform: ssm:{operation} on resource: \
             arn:aws:ssm:eu-central-1:123456789012:parameter{NAME} because no identity-based policy allows the \
             ssm:{operation} action"
        );
        (operation, 400, json!({"__type": "AccessDeniedException", "Message": message}))
    }

    fn absent(operation: &'static str) -> Answer {
        (operation, 400, json!({"__type": "ParameterNotFound"}))
    }

    fn history(kind: &str, labels: &[&str]) -> Answer {
        let versions: Vec<_> = (1..=100)
            .map(|number| {
                let labels = if number == 1 { labels } else { &[] };
                json!({"Name": NAME, "Type": kind, "Version": number, "Labels": labels})
            })
            .collect();
        ("GetParameterHistory", 200, json!({"Parameters": versions}))
    }

    async fn said(answers: Vec<Answer>) -> Vec<String> {
        let service = Service::giving([vec![absent("GetParameterHistory")], answers].concat()).await;
        let found = without_doubts(Scene::parameters(service.port, "").found(&[NAME]).await);
        for (operation, asked) in service.asked() {
            assert!(["GetParameterHistory", "GetParameter"].contains(&&*operation), "{operation}");
            assert_ne!(asked["WithDecryption"], true, "no value in clear is fetched");
        }
        found
    }

    #[tokio::test]
    async fn a_right_that_is_missing_is_named_with_the_parameter_and_the_policy_that_grants_it() {
        let fine = || history("SecureString", &[]);
        for (answers, right) in [
            (vec![denied("GetParameterHistory"), absent("GetParameter")], "ssm:GetParameterHistory"),
            (vec![fine(), denied("GetParameter")], "ssm:GetParameter"),
        ] {
            let found = said(answers).await;
            let [finding] = &*found else { panic!("{found:?}") };
            assert!(finding.starts_with(&format!("Error of {NAME}: the right `{right}`")), "{finding}");
            assert!(finding.contains("\"arn:aws:ssm:*:*:parameter/prod/db/password\""), "{finding}");
        }
        assert_eq!(said(vec![fine(), absent("GetParameter")]).await, [""; 0]);
    }

    #[tokio::test]
    async fn what_a_rotation_would_stumble_over_is_said_before() {
        for (answer, says) in [
            (history("String", &[]), "is no SecureString"),
            (history("SecureString", &["theirs"]), "has the label `theirs`"),
        ] {
            let found = said(vec![answer, absent("GetParameter")]).await;
            let [finding] = &*found else { panic!("{found:?}") };
            assert!(finding.starts_with("Error") && finding.contains(says), "{finding}");
        }
    }

    #[tokio::test]
    async fn nothing_is_changed() {
        let server = Moto::start();
        let (scene, eye) = (Scene::parameters(server.port(), ""), eye::Eye::at(server.port()));
        let (there, absent) = (eye::fresh(), eye::fresh());
        eye.put(&there, "old").await;
        let before = eye.everything(&there).await;
        assert_eq!(without_doubts(scene.found(&[&there, &absent]).await), [""; 0]);
        assert_eq!(eye.everything(&there).await, before);
        assert!(eye.everything(&absent).await.is_empty());
    }
}
