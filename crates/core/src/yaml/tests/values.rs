//! What is read from a file without mistakes.

use super::{Kind, check};
use crate::yaml::{Checked, Diagnostics, Located, Raw, Scalar, Source, Style, near_miss, parse};
use rstest::rstest;

#[test]
fn a_correct_file_is_read_without_a_word() {
    let text = "version: 1\nstores:\n  a: {kind: file}\n  b:\n    kind:\n      custom: {path: /x, depth: 2}\n    \
                settings: {deep: [1]}\nsecrets:\n  db: {store: a, every: 30d, weight: 1}\n";
    let (inventory, diagnostics) = check(text);
    assert!(diagnostics.is_empty(), "{}", diagnostics.render(Style::Plain));
    let inventory = inventory.unwrap();
    assert_eq!(inventory.stores["b"].kind, Kind::Custom { path: "/x".into(), depth: 2 });
    let (name, secret) = inventory.secrets.iter().next().unwrap();
    assert_eq!((name.as_str(), name.span().map(|span| &text[span.range()])), ("db", Some("db")));
    let store = &secret.get().unwrap().store;
    assert_eq!((store.as_str(), store.span().map(|span| &text[span.range()])), ("a", Some("a")));
}

#[test]
fn an_alias_reads_as_what_it_stands_for() {
    let (inventory, diagnostics) = check("version: 1\nstores:\n  a: &a {kind: file}\n  b: *a\n");
    assert!(diagnostics.is_empty());
    assert_eq!(inventory.unwrap().stores["b"].kind, Kind::File);
}

#[rstest]
#[case("port: 08", Scalar::Int(8))]
#[case("port: \"08\"", Scalar::Text("08"))]
#[case("port: 0o17", Scalar::Int(15))]
#[case("port: 0x1F", Scalar::Int(31))]
#[case("port: 0x-1", Scalar::Text("0x-1"))]
#[case("port: -3", Scalar::Int(-3))]
#[case("port: 1.10", Scalar::Float(1.1))]
#[case("port: 1e3", Scalar::Float(1000.0))]
#[case("port: -.inf", Scalar::Float(f64::NEG_INFINITY))]
#[case("port: infinity", Scalar::Text("infinity"))]
#[case("port: no", Scalar::Text("no"))]
#[case("port: True", Scalar::Bool(true))]
#[case("port: ~", Scalar::Null)]
#[case("port:", Scalar::Null)]
#[case("port: ''", Scalar::Text(""))]
#[case("port: !!str 8", Scalar::Text("8"))]
#[case("port: 'it''s'", Scalar::Text("it's"))]
#[case("port: \"a\\tb\"", Scalar::Text("a\tb"))]
#[case("port: a\n  b", Scalar::Text("a b"))]
#[case("port: |\n  a\n  b\n", Scalar::Text("a\nb\n"))]
#[case("port: 1.2.3.4", Scalar::Text("1.2.3.4"))]
fn scalars_have_the_types_of_the_core_schema(#[case] text: &str, #[case] expected: Scalar<'_>) {
    let mut diagnostics = Diagnostics::new(Source::new("x.yaml", text));
    let document = parse(&mut diagnostics).unwrap();
    assert_eq!(document.root().get("port").unwrap().scalar(), Some(expected));
}

#[test]
fn located_reads_from_json_without_a_place() {
    let value: Located<u8> = serde_json::from_str("7").unwrap();
    assert_eq!((*value, value.span()), (7, None));
    assert_eq!(serde_json::to_string(&value).unwrap(), "7");
    let value: Checked<u8> = serde_json::from_str("7").unwrap();
    assert_eq!(value.get(), Some(&7));
    assert!(serde_json::from_str::<Raw>("7").is_err());
}

#[test]
fn wrappers_have_the_schema_of_what_they_hold() {
    let schema = |schema: schemars::Schema| schema.as_value()["type"].clone();
    assert_eq!(schema(schemars::schema_for!(Located<String>)), "string");
    assert_eq!(schema(schemars::schema_for!(Checked<bool>)), "boolean");
}

#[rstest]
#[case("pasword", Some("password"))]
#[case("Store", Some("store"))]
#[case("rotate_every", Some("rotate-every"))]
#[case("zebra", None)]
#[case("x", None)]
fn near_misses_are_slips_of_the_finger(#[case] word: &str, #[case] expected: Option<&str>) {
    assert_eq!(near_miss(word, ["password", "store", "rotate-every", "y"]), expected);
}
