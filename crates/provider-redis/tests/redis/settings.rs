//! What the inventory may say.

use std::borrow::Cow;

use keywheel_core::provider::{Connection, Target};
use keywheel_provider_redis::{RedisSettings, kinds};
use rstest::rstest;
use serde_json::{Value, json};

use keywheel_testkit::declared::{self, surroundings};

fn fields(settings: Value) -> Vec<Cow<'static, str>> {
    let settings: RedisSettings = serde_json::from_value(settings).unwrap();
    let mistakes = settings.resolve(&surroundings("/nowhere".as_ref())).err().unwrap();
    mistakes.into_iter().map(|mistake| mistake.field).collect()
}

#[rstest]
#[case::empty_host(json!({"host": " "}), &["host"])]
#[case::url(json!({"host": "redis://user:hunter2@localhost"}), &["host"])]
#[case::port_and_reason(json!({"host": "h", "port": 0, "persist": {"none": ""}}), &["port", "persist.none"])]
#[case::no_user(json!({"host": "h", "login": {"user": "", "password": "file:x"}}), &["login.user"])]
#[case::half_a_pair(json!({"host": "h", "tls": {"root-certificate": "", "client-certificate": "x"}}),
    &["tls.root-certificate", "tls.client-certificate"])]
#[case::other_half(json!({"host": "h", "tls": {"root-certificate": "x", "client-key": "file:x"}}), &["tls.client-key"])]
#[case::no_name(json!({"host": "h", "tls": {"root-certificate": "x", "server-name": "a b"}}), &["tls.server-name"])]
fn every_mistake_is_reported(#[case] settings: Value, #[case] expected: &[&str]) {
    assert_eq!(fields(settings), expected);
}

/// `Err` with the mistakes as they are printed.
fn configure(text: &str) -> Result<std::sync::Arc<dyn Target>, String> {
    declared::configure(&*kinds()[0], &surroundings("/nowhere".as_ref()), text)
}

#[test]
fn a_whole_declaration_is_read() {
    let text = "host: redis.example.org\nport: 6380\ntls: { root-certificate: ca.pem }\nlogin:\n  user: keywheel\n  password: \
                ${env:REDIS_ADMIN}\nstrategy: in-place\nflush-sessions: true\npersist: { none: an operator does it }\n";
    let target = configure(text).unwrap_or_else(|mistakes| panic!("{mistakes}"));
    assert_eq!(target.describe(), "Redis at redis.example.org:6380 with TLS");
    assert!(!target.strategy().keeps_old());
    let expected =
        Connection { engine: "redis", host: "redis.example.org".to_owned(), port: 6380, database: None };
    assert_eq!(target.connection(), Some(expected));
}

#[test]
fn a_host_is_enough() {
    let target = configure("host: localhost\n").unwrap_or_else(|mistakes| panic!("{mistakes}"));
    assert_eq!(target.describe(), "Redis at localhost:6379");
    assert!(target.strategy().keeps_old());
}

#[test]
fn a_mistake_is_shown_at_its_line_and_no_password_is() {
    let mistakes = configure("host: redis://:hunter2@localhost\nport: 0\n").err().unwrap();
    assert!(mistakes.contains("keywheel.yaml:2:"), "{mistakes}");
    let mistakes = configure("host: localhost\nlogin: { password: hunter2 }\n").err().unwrap();
    assert!(mistakes.contains("named, not written down"), "{mistakes}");
}

#[test]
fn the_schema_knows_every_setting() {
    let schema = schemars::schema_for!(RedisSettings);
    assert_eq!(schema.get("required"), Some(&json!(["host"])));
    assert_eq!(schema.get("additionalProperties"), Some(&json!(false)));
}
