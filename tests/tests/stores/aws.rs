//! What AWS shows to whoever asks, by plain requests.

use std::{collections::BTreeSet, sync::LazyLock};

use reqwest::{
    Client,
    header::{AUTHORIZATION, CONTENT_TYPE},
};
use serde_json::{Value, json};
use tokio::runtime::Runtime;

/// All that asks, from whatever thread.
static WEB: LazyLock<(Runtime, Client)> = LazyLock::new(|| {
    // The client wants one, though it never speaks TLS here. Somebody else may have been faster.
    let _known = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let client = Client::builder().no_proxy().build().expect("a client");
    (Runtime::new().expect("a runtime"), client)
});

/// How often the stand-in may fail at one request.
const ATTEMPTS: usize = 5;

/// The answer to a request, if it is a success. The stand-in answers several at once, and fails where one walks through its
/// secrets while another one adds one: it is asked again.
fn ask(port: u16, service: &str, target: &str, body: &Value) -> Option<Value> {
    let (runtime, client) = &*WEB;
    let scope = format!("AKIAOUTSIDE/20260101/eu-central-1/{service}/aws4_request");
    let request = client
        .post(format!("http://127.0.0.1:{port}/"))
        .header("X-Amz-Target", target)
        .header(CONTENT_TYPE, "application/x-amz-json-1.1")
        .header(
            AUTHORIZATION,
            format!("AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=0"),
        )
        .body(body.to_string());
    for _ in 0..ATTEMPTS {
        let request = request.try_clone().expect("its body is text");
        let (status, bytes) = runtime.block_on(async {
            let reply = request.send().await.expect("moto answers");
            (reply.status(), reply.bytes().await.expect("a body"))
        });
        if !status.is_server_error() {
            return status.is_success().then(|| serde_json::from_slice(&bytes).unwrap_or(Value::Null));
        }
    }
    panic!("moto fails at each of {ATTEMPTS} {target}");
}

/// Secrets Manager.
pub(crate) mod secrets {
    use super::{BTreeSet, Value, ask, json};

    fn call(port: u16, operation: &str, body: &Value) -> Option<Value> {
        ask(port, "secretsmanager", &format!("secretsmanager.{operation}"), body)
    }

    pub(crate) fn create(port: u16, name: &str, value: &str) {
        let token = "11111111-1111-4111-8111-111111111111";
        let body = json!({"Name": name, "SecretString": value, "ClientRequestToken": token});
        call(port, "CreateSecret", &body).expect("a secret is made");
    }

    pub(crate) fn current(port: u16, name: &str) -> Option<String> {
        // By its label: without one the stand-in gives what was put last, and AWS what is current.
        let body = json!({"SecretId": name, "VersionStage": "AWSCURRENT"});
        let found = call(port, "GetSecretValue", &body)?;
        Some(found["SecretString"].as_str()?.to_owned())
    }

    /// The value of every version with any label.
    pub(crate) fn labelled(port: u16, name: &str) -> BTreeSet<String> {
        let described = call(port, "DescribeSecret", &json!({"SecretId": name})).unwrap_or_default();
        let versions = described["VersionIdsToStages"].as_object().cloned().unwrap_or_default();
        let labelled =
            versions.iter().filter(|(_, labels)| labels.as_array().is_some_and(|all| !all.is_empty()));
        let value = |id: &str| {
            let found = call(port, "GetSecretValue", &json!({"SecretId": name, "VersionId": id}))?;
            Some(found["SecretString"].as_str()?.to_owned())
        };
        labelled.filter_map(|(id, _)| value(id)).collect()
    }
}

/// Parameter Store.
pub(crate) mod parameters {
    use super::{BTreeSet, Value, ask, json};

    fn call(port: u16, operation: &str, body: &Value) -> Option<Value> {
        ask(port, "ssm", &format!("AmazonSSM.{operation}"), body)
    }

    pub(crate) fn create(port: u16, name: &str, value: &str) {
        let body = json!({"Name": name, "Value": value, "Type": "SecureString"});
        call(port, "PutParameter", &body).expect("a parameter is made");
    }

    pub(crate) fn current(port: u16, name: &str) -> Option<String> {
        let found = call(port, "GetParameter", &json!({"Name": name, "WithDecryption": true}))?;
        Some(found["Parameter"]["Value"].as_str()?.to_owned())
    }

    /// What is current, every other version with a label, and what is pending.
    pub(crate) fn labelled(port: u16, name: &str) -> BTreeSet<String> {
        let mut values: BTreeSet<_> = current(port, name).into_iter().collect();
        values.extend(current(port, &format!("/keywheel-pending{name}")));
        let body = json!({"Name": name, "WithDecryption": true});
        let history = call(port, "GetParameterHistory", &body).unwrap_or_default();
        for version in history["Parameters"].as_array().into_iter().flatten() {
            if version["Labels"].as_array().is_some_and(|labels| !labels.is_empty()) {
                values.extend(version["Value"].as_str().map(str::to_owned));
            }
        }
        values
    }
}
