//! What AWS shows to whoever asks, by requests that are written out here.

use std::{
    collections::BTreeSet,
    io::{Read, Write},
    net::TcpStream,
};

use serde_json::{Value, json};

/// The answer to a request, if it is a success.
fn ask(port: u16, service: &str, target: &str, body: &Value) -> Option<Value> {
    let body = body.to_string();
    let scope = format!("AKIAOUTSIDE/20260101/eu-central-1/{service}/aws4_request");
    let request = format!(
        "POST / HTTP/1.0\r\nHost: localhost\r\nX-Amz-Target: {target}\r\nContent-Type: application/x-amz-json-1.1\r\n\
         Authorization: AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=0\r\n\
         Content-Length: {}\r\n\r\n{body}",
        body.len()
    );
    let mut stream = TcpStream::connect(("127.0.0.1", port)).expect("moto listens");
    stream.write_all(request.as_bytes()).expect("a request");
    let mut reply = String::new();
    stream.read_to_string(&mut reply).expect("a reply");
    let (head, body) = reply.split_once("\r\n\r\n").expect("a head and a body");
    head.lines()
        .next()
        .expect("a first line")
        .contains(" 200 ")
        .then(|| serde_json::from_str(body).unwrap_or(Value::Null))
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
