//! `--output json`: one document for a question, a line for each event of a run.

use rstest::rstest;
use serde_json::Value;

use crate::world::World;

#[rstest]
#[case("plan", "/items")]
#[case("status", "/0/state")]
#[case("list", "/0/stores/0/store")]
#[case("history db-password", "/0/records/0/event/started")]
#[case("verify", "/0/stores")]
#[case("check", "/values/0/findings")]
#[case("doctor", "/0/what")]
#[case("fingerprint db-password", "/0/fingerprint")]
#[case("audit show", "/0/event")]
#[case("audit verify", "/lines")]
#[case("schema", "/properties/secrets")]
#[case("rotate --all --dry-run", "/items")]
fn a_question_gets_one_document(#[case] arguments: &str, #[case] pointer: &str) {
    let world = World::settled();
    let output = world.run(&format!("{arguments} --output json"));
    let document: Value = serde_json::from_slice(&output.stdout).expect(arguments);
    assert!(document.pointer(pointer).is_some(), "{arguments}: {document:#}");
}

#[rstest]
#[case("rotate session --yes", "succeeded")]
#[case("rollback db-password --yes", "rolled-back")]
#[case("retire db-password --yes", "succeeded")]
fn a_run_gets_a_line_for_each_event_and_a_report_last(#[case] arguments: &str, #[case] outcome: &str) {
    let world = World::settled();
    world.succeeds("rotate db-password --yes");
    let stdout = world.succeeds(&format!("{arguments} --output json"));
    let lines: Vec<Value> = stdout.lines().map(|line| serde_json::from_str(line).expect(line)).collect();
    let (last, events) = lines.split_last().unwrap();
    assert!(events.iter().any(|event| event.get("recorded").is_some()));
    assert_eq!(last.pointer("/report/exit-code"), Some(&0.into()), "{last:#}");
    assert_eq!(last.pointer("/report/items/0/ended/finished/outcome"), Some(&outcome.into()), "{last:#}");
}

#[test]
fn a_run_with_nothing_to_do_reports_so() {
    let world = World::settled();
    let stdout = world.succeeds("rotate --due --yes -o json");
    let report: Value = serde_json::from_str(&stdout).unwrap();
    assert_eq!(report.pointer("/report/items").and_then(Value::as_array).map(Vec::len), Some(0));
}

#[test]
fn what_a_run_leaves_alone_is_in_its_report() {
    let world = World::settled();
    let output = world.run("rotate dev-thing session --yes -o json");
    assert_eq!(output.status.code(), Some(1), "one was refused");
    let last = String::from_utf8(output.stdout).unwrap();
    let report: Value = serde_json::from_str(last.lines().last().unwrap()).unwrap();
    assert_eq!(report.pointer("/report/kept/0/secret"), Some(&"dev-thing".into()));
    assert_eq!(report.pointer("/report/items/0/exit-code"), Some(&0.into()));
}

#[test]
fn a_failure_is_a_document_on_stderr() {
    let world = World::settled();
    let output = world.run("rotate nothing-like-it --yes -o json");
    assert!(output.stdout.is_empty());
    let document: Value = serde_json::from_slice(&output.stderr).unwrap();
    assert_eq!(document.pointer("/error/exit-code"), Some(&2.into()));
}
