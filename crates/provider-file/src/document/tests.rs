use proptest::prelude::*;
use rstest::rstest;
use serde_json::Value;

use super::*;

fn pointer(text: &str) -> JsonPointer {
    JsonPointer::parse(text).unwrap()
}

fn get_text(document: &str, at: &str) -> Result<Option<String>, DocumentError> {
    let value = get(document.as_bytes(), &pointer(at))?;
    Ok(value.map(|value| String::from_utf8(value.expose_secret().to_vec()).unwrap()))
}

fn set_text(document: &str, at: &str, value: &str) -> Result<String, DocumentError> {
    let edited = set(document.as_bytes(), &pointer(at), &SecretValue::copy_from(value.as_bytes()))?;
    Ok(String::from_utf8(edited.to_vec()).unwrap())
}

fn remove_text(document: &str, at: &str) -> Result<String, DocumentError> {
    Ok(String::from_utf8(remove(document.as_bytes(), &pointer(at))?.to_vec()).unwrap())
}

#[rstest]
#[case::top("{\"a\": \"x\"}", "/a", Some("x"))]
#[case::nested("{\"a\": {\"b\": [\"x\", \"y\"]}}", "/a/b/1", Some("y"))]
#[case::escaped_pointer("{\"a/b~c\": \"x\"}", "/a~1b~0c", Some("x"))]
#[case::tilde_one_is_not_a_slash("{\"~1\": \"x\"}", "/~01", Some("x"))]
#[case::empty_key("{\"\": \"x\"}", "/", Some("x"))]
#[case::escaped_key("{\"\\u0061\": \"x\"}", "/a", Some("x"))]
#[case::escapes("{\"a\": \"\\u00e9\\ud83d\\ude00\\n\\/\\\"\\b\\f\"}", "/a", Some("é😀\n/\"\u{8}\u{c}"))]
#[case::null("{\"a\": null}", "/a", None)]
#[case::missing("{\"a\": \"x\"}", "/b", None)]
#[case::no_such_element("{\"a\": [\"x\"]}", "/a/1", None)]
#[case::leading_zero_is_no_index("[\"x\", \"y\"]", "/01", None)]
#[case::plus_is_no_index("[\"x\", \"y\"]", "/+1", None)]
fn get_follows_the_pointer(#[case] document: &str, #[case] at: &str, #[case] expected: Option<&str>) {
    assert_eq!(get_text(document, at).unwrap().as_deref(), expected);
}

#[rstest]
#[case::leaves_odd_numbers_and_spacing(
    "{ \"n\":1.0e5,\r\n\t\"big\" : 12345678901234567890, \"a\":\t\"old\" , \"e\": \"\\u0041\" }\n",
    "/a",
    "{ \"n\":1.0e5,\r\n\t\"big\" : 12345678901234567890, \"a\":\t\"new\" , \"e\": \"\\u0041\" }\n"
)]
#[case::replaces_null("{\"a\":null}", "/a", "{\"a\":\"new\"}")]
#[case::replaces_an_element("[\"x\", \"y\"]", "/1", "[\"x\", \"new\"]")]
#[case::adds_with_the_indentation_of_its_siblings(
    "{\n    \"x\": 1,\n    \"y\": 2\n}\n",
    "/a",
    "{\n    \"x\": 1,\n    \"y\": 2,\n    \"a\": \"new\"\n}\n"
)]
#[case::adds_after_a_single_key("{\n  \"x\" :1\n}", "/a", "{\n  \"x\" :1,\n  \"a\" :\"new\"\n}")]
#[case::adds_on_one_line("{\"x\":1, \"y\":2}", "/a", "{\"x\":1, \"y\":2, \"a\":\"new\"}")]
#[case::adds_after_a_comma_that_leads_its_line(
    "{\"x\":1\n,\"y\":2}",
    "/a",
    "{\"x\":1\n,\"y\":2,\"a\":\"new\"}"
)]
#[case::adds_to_an_empty_object("{\"o\": { } }", "/o/a", "{\"o\": {\"a\": \"new\" } }")]
#[case::escapes_the_new_key("{}", "/a\"~1", "{\"a\\\"/\": \"new\"}")]
fn set_changes_one_field(#[case] document: &str, #[case] at: &str, #[case] expected: &str) {
    assert_eq!(set_text(document, at, "new").unwrap(), expected);
}

#[rstest]
#[case::only("{ \"a\": \"x\" }", "/a", "{ }")]
#[case::first("{\n  \"a\": \"x\",\n  \"b\": 1\n}", "/a", "{\n  \"b\": 1\n}")]
#[case::middle("{\"b\": 1, \"a\": \"x\", \"c\": 2}", "/a", "{\"b\": 1, \"c\": 2}")]
#[case::last("{\n  \"b\": 1,\n  \"a\": \"x\"\n}", "/a", "{\n  \"b\": 1\n}")]
#[case::absent("{\"b\": 1}", "/a", "{\"b\": 1}")]
#[case::absent_parent("{\"b\": 1}", "/x/y/z", "{\"b\": 1}")]
fn remove_takes_one_key(#[case] document: &str, #[case] at: &str, #[case] expected: &str) {
    assert_eq!(remove_text(document, at).unwrap(), expected);
}

#[rstest]
#[case::missing_parent("{\"a\": {}}", "/a/b/c", DocumentError::MissingParent { missing: "/a/b".into() })]
#[case::scalar_on_the_way("{\"a\": 1}", "/a/b", DocumentError::NotAContainer { pointer: "/a".into() })]
#[case::duplicate_target("{\"a\": \"x\", \"\\u0061\": \"y\"}", "/a", DocumentError::DuplicateKey { pointer: "/a".into() })]
#[case::duplicate_parent("{\"a\": {}, \"a\": {}}", "/a/b", DocumentError::DuplicateKey { pointer: "/a".into() })]
#[case::number("{\"a\": 5}", "/a", DocumentError::NotText { pointer: "/a".into() })]
#[case::object("{\"a\": {}}", "/a", DocumentError::NotText { pointer: "/a".into() })]
#[case::boolean("{\"a\": true}", "/a", DocumentError::NotText { pointer: "/a".into() })]
#[case::past_the_end("[\"x\"]", "/1", DocumentError::NoSuchElement { pointer: "/1".into() })]
#[case::append("[\"x\"]", "/-", DocumentError::NoSuchElement { pointer: "/-".into() })]
#[case::syntax("{\"a\": hunter2}", "/a", DocumentError::Syntax { line: 1, column: 7 })]
#[case::trailing_text("{} x", "/a", DocumentError::Syntax { line: 1, column: 4 })]
fn set_refuses(#[case] document: &str, #[case] at: &str, #[case] expected: DocumentError) {
    assert_eq!(set_text(document, at, "new").unwrap_err(), expected);
}

#[test]
fn remove_refuses_to_renumber_an_array() {
    let expected = DocumentError::ElementOfArray { pointer: "/0".into() };
    assert_eq!(remove_text("[\"x\"]", "/0").unwrap_err(), expected);
}

#[test]
fn bytes_that_are_not_text_are_refused() {
    let error = set(b"{}", &pointer("/a"), &SecretValue::copy_from(b"\xff")).unwrap_err();
    assert_eq!(error, DocumentError::Unrepresentable);
}

#[test]
fn half_a_character_is_refused() {
    assert_eq!(get_text("{\"a\": \"\\ud800x\"}", "/a").unwrap_err(), DocumentError::LoneSurrogate);
    assert_eq!(get_text("{\"a\": \"\\udc00\"}", "/a").unwrap_err(), DocumentError::LoneSurrogate);
}

#[rstest]
#[case("")]
#[case("a")]
#[case("/a~2")]
#[case("/a~")]
fn a_pointer_is_checked(#[case] text: &str) {
    assert!(matches!(JsonPointer::parse(text).unwrap_err(), DocumentError::InvalidPointer { .. }));
}

#[test]
fn a_pointer_prints_as_it_was_written() {
    assert_eq!(pointer("/a~1b/~0/").to_string(), "/a~1b/~0/");
}

fn json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        ".{0,6}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(".{0,4}", inner, 0..4).prop_map(|map| map.into_iter().collect()),
        ]
    })
    .prop_map(|inner| serde_json::json!({ "root": inner }))
}

/// Pointers to all texts and nulls, and one to a new key of each object.
fn pointers(value: &Value, here: &str, found: &mut Vec<String>) {
    let escape = |key: &str| key.replace('~', "~0").replace('/', "~1");
    match value {
        Value::Null | Value::String(_) => found.push(here.to_owned()),
        Value::Array(elements) => {
            for (index, element) in elements.iter().enumerate() {
                pointers(element, &format!("{here}/{index}"), found);
            }
        }
        Value::Object(map) => {
            found.push(format!("{here}/new~1key"));
            for (key, element) in map {
                pointers(element, &format!("{here}/{}", escape(key)), found);
            }
        }
        Value::Bool(_) | Value::Number(_) => {}
    }
}

proptest! {
    #[test]
    fn set_replaces_that_field_and_nothing_else(
        mut document in json(), pretty: bool, text in ".{0,12}", pick: prop::sample::Index
    ) {
        let bytes = if pretty { serde_json::to_vec_pretty(&document) } else { serde_json::to_vec(&document) }.unwrap();
        let mut all = Vec::new();
        pointers(&document, "", &mut all);
        let at = &all[pick.index(all.len())];

        let edited = set(&bytes, &pointer(at), &SecretValue::copy_from(text.as_bytes())).unwrap();

        let (parent, key) = at.rsplit_once('/').unwrap();
        match document.pointer_mut(parent).unwrap() {
            Value::Object(map) => {
                map.insert(key.replace("~1", "/").replace("~0", "~"), Value::from(text.as_str()));
            }
            Value::Array(elements) => elements[key.parse::<usize>().unwrap()] = Value::from(text.as_str()),
            other @ (Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_)) => {
                prop_assert!(false, "{other}");
            }
        }
        prop_assert_eq!(&serde_json::from_slice::<Value>(&edited).unwrap(), &document);
        let read = get(&edited, &pointer(at)).unwrap().unwrap();
        prop_assert_eq!(read.expose_secret(), text.as_bytes());

        // What is not common to both at the front and at the back is the field alone.
        let front = bytes.iter().zip(edited.iter()).take_while(|(old, new)| old == new).count();
        let back = bytes.iter().rev().zip(edited.iter().rev()).take_while(|(old, new)| old == new).count();
        let added = serde_json::to_string(&text).unwrap().len() + "\"new/key\": ,\n".len() + 2 * 8;
        prop_assert!(edited.len() - (front + back).min(edited.len()) <= added);
    }

    #[test]
    fn what_is_encoded_is_what_a_parser_reads(text: String) {
        let encoded = text::encode(&text);
        prop_assert_eq!(&serde_json::from_slice::<String>(&encoded).unwrap(), &text);
        let decoded = text::decode(&encoded).unwrap();
        prop_assert_eq!(decoded.as_slice(), text.as_bytes());
    }

    #[test]
    fn escapes_are_read_as_the_parser_reads_them(units in prop::collection::vec(any::<u16>(), 0..8)) {
        let escaped: String = units.iter().flat_map(|unit| ["\\u".to_owned(), format!("{unit:04X}")]).collect();
        let string = format!("\"{escaped}\"");
        match (serde_json::from_str::<String>(&string), text::decode(string.as_bytes())) {
            (Ok(expected), Ok(decoded)) => prop_assert_eq!(decoded.as_slice(), expected.as_bytes()),
            (Err(_), Err(_)) => {}
            (parser, _) => prop_assert!(false, "the parser says {parser:?}, decode does not"),
        }
    }
}
