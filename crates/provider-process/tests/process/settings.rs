//! What the inventory may say.

use std::borrow::Cow;

use keywheel_core::provider::{Consumer, Mistake};
use keywheel_provider_process::{CommandSettings, SignalSettings};
use rstest::rstest;
use serde_json::{Value, json};

use crate::scene::Scene;

fn signal(settings: Value) -> Result<String, Vec<Mistake>> {
    let scene = Scene::new();
    let settings: SignalSettings = serde_json::from_value(settings).unwrap();
    settings.resolve(&scene.surroundings).map(|consumer| consumer.describe())
}

fn command(settings: Value) -> Result<String, Vec<Mistake>> {
    let scene = Scene::new();
    let settings: CommandSettings = serde_json::from_value(settings).unwrap();
    settings.resolve(&scene.surroundings).map(|consumer| consumer.describe())
}

fn fields(mistakes: Result<String, Vec<Mistake>>) -> Vec<Cow<'static, str>> {
    mistakes.unwrap_err().into_iter().map(|mistake| mistake.field).collect()
}

fn trust() -> Value {
    json!({"trust": "a test"})
}

#[test]
fn a_consumer_is_described_as_the_operator_wrote_it() {
    assert_eq!(
        signal(json!({"pid-file": "./run/web.pid", "evidence": {"file": {"path": "run/evidence"}}})),
        Ok("SIGHUP to the process in ./run/web.pid".to_owned())
    );
    assert_eq!(
        signal(json!({"process": "web", "signal": "SIGUSR1", "evidence": trust()})),
        Ok("SIGUSR1 to every process named web".to_owned())
    );
    // The arguments stay out: an operator may have put a token there.
    assert_eq!(
        command(
            json!({"command": ["curl", "-H", "Authorization: hunter2"], "evidence": {"command": ["true"]}})
        ),
        Ok("the command curl".to_owned())
    );
}

#[rstest]
#[case::nothing(json!({}), &["pid-file", "evidence"])]
#[case::no_evidence(json!({"process": "web"}), &["evidence"])]
#[case::empty_path(json!({"pid-file": "", "evidence": trust()}), &["pid-file"])]
#[case::process_with_a_directory(json!({"process": "/usr/bin/web", "evidence": trust()}), &["process"])]
#[case::empty_reason(json!({"process": "web", "evidence": {"trust": " "}}), &["evidence.trust"])]
#[case::no_evidence_path(json!({"process": "web", "evidence": {"file": {"path": ""}}}), &["evidence.file.path"])]
#[case::no_evidence_program(json!({"process": "web", "evidence": {"command": []}}), &["evidence.command"])]
#[case::pointer_without_slash(
    json!({"process": "web", "evidence": {"file": {"path": "x", "pointer": "secrets"}}}), &["evidence.file.pointer"])]
#[case::pointer_with_a_bare_tilde(
    json!({"process": "web", "evidence": {"file": {"path": "x", "pointer": "/~secrets"}}}), &["evidence.file.pointer"])]
fn every_mistake_is_reported(#[case] settings: Value, #[case] expected: &[&str]) {
    assert_eq!(fields(signal(settings)), expected);
}

#[rstest]
#[case::nothing(json!({"command": []}), &["command", "evidence"])]
#[case::a_line_for_a_shell(json!({"command": ["systemctl reload web"], "evidence": trust()}), &["command"])]
#[case::no_program(json!({"command": ["", "x"], "evidence": trust()}), &["command"])]
fn every_mistake_in_a_command_is_reported(#[case] settings: Value, #[case] expected: &[&str]) {
    assert_eq!(fields(command(settings)), expected);
}

#[test]
fn the_hint_for_missing_evidence_names_the_three_choices() {
    let hint = &signal(json!({"process": "web"})).unwrap_err()[0].hint;
    assert!(["file:", "command:", "trust:"].iter().all(|choice| hint.contains(choice)), "{hint}");
}

#[rstest]
#[case::kill("SIGKILL")]
#[case::core_dump("SIGQUIT")]
#[case::short("HUP")]
fn other_signals_are_unknown(#[case] name: &str) {
    assert!(
        serde_json::from_value::<SignalSettings>(
            json!({"process": "web", "signal": name, "evidence": trust()})
        )
        .is_err()
    );
}

#[test]
fn the_schema_requires_evidence_and_knows_no_other_setting() {
    let schema = schemars::schema_for!(SignalSettings);
    assert_eq!(schema.get("required"), Some(&json!(["evidence"])));
    assert_eq!(schema.get("additionalProperties"), Some(&json!(false)));
    let mut known: Vec<&str> =
        schema.get("properties").unwrap().as_object().unwrap().keys().map(String::as_str).collect();
    known.sort_unstable();
    assert_eq!(known, ["action", "evidence", "pid-file", "process", "signal", "systemctl", "unit"]);
}
