//! What the inventory may say.

use std::borrow::Cow;

use keywheel_core::provider::{Connection, Target};
use keywheel_provider_rabbitmq::{RabbitmqSettings, kinds};
use serde_json::{Value, json};

use keywheel_testkit::declared::{self, surroundings};

fn fields(mut settings: Value) -> Vec<Cow<'static, str>> {
    if settings.get("login").is_none() {
        settings["login"] = json!({"user": "keeper", "password": "file:x"});
    }
    let settings: RabbitmqSettings = serde_json::from_value(settings).unwrap();
    let mistakes = settings.resolve(&surroundings("/nowhere".as_ref())).err().unwrap();
    mistakes.into_iter().map(|mistake| mistake.field).collect()
}

#[test]
fn every_mistake_is_reported() {
    for host in ["", " ", "http://h", "user:hunter2@h", "h:5672", "h/p", "[::1]"] {
        assert_eq!(fields(json!({"host": host})), ["host"], "{host}");
    }
    assert_eq!(fields(json!({"host": "h", "port": 0, "amqp-port": 0})), ["port", "amqp-port"]);
    let login = json!({"user": "", "password": "file:x"});
    let settings = json!({"host": "", "tls": {"root-certificate": ""}, "login": login});
    assert_eq!(fields(settings), ["host", "tls.root-certificate", "login.user"]);
}

/// `Err` with the mistakes as they are printed.
fn configure(text: &str) -> Result<std::sync::Arc<dyn Target>, String> {
    declared::configure(&*kinds()[0], &surroundings("/nowhere".as_ref()), text)
}

#[test]
fn a_declaration_is_read() {
    let login = "login: { user: keywheel, password: \"${env:RABBITMQ_ADMIN}\" }\n";
    let target =
        configure(&format!("host: \"::1\"\n{login}")).unwrap_or_else(|mistakes| panic!("{mistakes}"));
    assert_eq!(target.describe(), "RabbitMQ at ::1:5672, management at port 15672");
    assert!(target.strategy().keeps_old());
    let whole = format!(
        "host: mq.example.org\nport: 443\nstrategy: in-place\ntls: {{ root-certificate: ca.pem }}\n{login}"
    );
    let target = configure(&whole).unwrap_or_else(|mistakes| panic!("{mistakes}"));
    assert_eq!(target.describe(), "RabbitMQ at mq.example.org:5671 with TLS, management at port 443");
    assert!(!target.strategy().keeps_old());
    let expected =
        Connection { engine: "rabbitmq", host: "mq.example.org".to_owned(), port: 5671, database: None };
    assert_eq!(target.connection(), Some(expected));
}

#[test]
fn a_mistake_is_shown_at_its_line_and_no_password_is() {
    let mistakes = configure("host: h\nlogin: { user: keeper, password: hunter2 }\n").err().unwrap();
    assert!(mistakes.contains("keywheel.yaml:2:") && !mistakes.contains("hunter2@"), "{mistakes}");
    let mistakes = configure("host: keeper:hunter2@h\nport: 0\nlogin: { user: keeper, password: file:x }\n")
        .err()
        .unwrap();
    assert!(mistakes.contains("keywheel.yaml:1:") && mistakes.contains("keywheel.yaml:2:"), "{mistakes}");
}

#[test]
fn the_schema_knows_every_setting() {
    let schema = schemars::schema_for!(RabbitmqSettings);
    assert_eq!(schema.get("required"), Some(&json!(["host", "login"])));
    assert_eq!(schema.get("additionalProperties"), Some(&json!(false)));
}
