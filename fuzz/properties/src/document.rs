//! The editor of JSON documents: an edit changes one field and nothing else.

use keywheel_core::SecretValue;
use keywheel_provider_file::{
    DocumentError, JsonPointer,
    document::{get, remove, set},
};
use serde_json::Value;

use crate::fields::{common, split};

/// `/pointer␞value␞document`: sets and removes the field.
///
/// `serde_json` reads the document after the edit as the one before with that field changed; the bytes outside one
/// string (or the key that was added) stay; what cannot be edited is refused for a reason that `serde_json` confirms.
pub fn check(input: &[u8]) {
    let Some((text, value, document)) = split(input, "/password") else { return };
    let pointer = match JsonPointer::parse(text) {
        Ok(pointer) => pointer,
        Err(DocumentError::InvalidPointer { .. }) => {
            return assert!(!is_pointer(text), "{text:?} is a pointer");
        }
        Err(other) => panic!("a pointer is refused for what is wrong with a document: {other}"),
    };
    assert!(is_pointer(text), "{text:?} is no pointer");
    assert_eq!(pointer.to_string(), text, "a pointer does not print as it was written");
    // `None` for documents that ours understands and `serde_json` does not: deep ones, and numbers beyond `f64`.
    let parsed: Option<Value> = serde_json::from_slice(document).ok();
    if let Some(parsed) = &parsed {
        reads_as(parsed, document, &pointer);
    }
    match set(document, &pointer, &SecretValue::copy_from(value)) {
        Ok(edited) => was_set(parsed, document, &edited, &pointer, value),
        Err(error) => refused(&error, parsed.as_ref(), &pointer, value),
    }
    if let Ok(removed) = remove(document, &pointer) {
        was_removed(document, &removed, &pointer);
    }
}

/// RFC 6901, and not the whole document.
fn is_pointer(text: &str) -> bool {
    text.starts_with('/') && text.match_indices('~').all(|(at, _)| text[at + 1..].starts_with(['0', '1']))
}

fn parent_and_last(pointer: &JsonPointer) -> (String, String) {
    let text = pointer.to_string();
    let (parent, last) = text.rsplit_once('/').expect("a pointer begins with /");
    (parent.to_owned(), last.replace("~1", "/").replace("~0", "~"))
}

fn reads_as(parsed: &Value, document: &[u8], pointer: &JsonPointer) {
    let theirs = parsed.pointer(&pointer.to_string());
    match get(document, pointer) {
        Ok(Some(ours)) => {
            assert_eq!(theirs.and_then(Value::as_str).map(str::as_bytes), Some(ours.expose_secret()));
        }
        Ok(None) => assert!(theirs.is_none_or(Value::is_null), "a field is not found"),
        Err(DocumentError::NotText { .. }) => {
            assert!(theirs.is_some_and(|value| !value.is_string() && !value.is_null()));
        }
        Err(DocumentError::MissingParent { .. } | DocumentError::NotAContainer { .. }) => {
            assert!(theirs.is_none(), "a field that is there is said to lie in nothing");
        }
        Err(DocumentError::DuplicateKey { pointer }) => {
            assert!(parsed.pointer(&pointer).is_some(), "a key that is there twice and not at all");
        }
        Err(error) => panic!("serde_json reads what ours refuses: {error}"),
    }
}

fn was_set(before: Option<Value>, document: &[u8], edited: &[u8], pointer: &JsonPointer, value: &[u8]) {
    let read = get(edited, pointer).expect("a document that was edited can be read");
    assert_eq!(
        read.as_ref().map(SecretValue::expose_secret),
        Some(value),
        "what was set is not what is read"
    );
    let again = set(edited, pointer, &SecretValue::copy_from(value)).expect("what was set can be set again");
    assert_eq!(*again, *edited, "the same edit twice is not one edit");

    let (front, back) = common(document, edited);
    let gone = front..document.len() - back;
    let added = get(document, pointer).is_ok_and(|was| was.is_none()) && gone.is_empty();
    if added {
        let removed = remove(edited, pointer).expect("what was added can be removed");
        // `null` became text, which removing does not give back.
        let was_null = before.as_ref().and_then(|before| before.pointer(&pointer.to_string())).is_some();
        assert!(*removed == *document || was_null || before.is_none(), "adding changed more than was added");
    } else if *edited != *document {
        assert!(within_one_value(document, &gone), "bytes outside the value changed: {gone:?}");
    }
    let Some(mut expected) = before else { return };
    let text = Value::from(str::from_utf8(value).expect("what JSON took is UTF-8"));
    if let Some(place) = expected.pointer_mut(&pointer.to_string()) {
        *place = text;
    } else {
        let (parent, last) = parent_and_last(pointer);
        let parent = expected.pointer_mut(&parent).and_then(Value::as_object_mut);
        parent.expect("a key goes into an object").insert(last, text);
    }
    let after: Value = serde_json::from_slice(edited).expect("serde_json reads the document after the edit");
    assert_eq!(after, expected, "the document is not the one before with one field changed");
}

/// Whether `range` lies in one string or one `null`, found without the parser under test.
fn within_one_value(document: &[u8], range: &std::ops::Range<usize>) -> bool {
    let mut at = 0;
    while at < document.len() {
        let start = at;
        match document[at] {
            b'"' => {
                at += 1;
                while at < document.len() && document[at] != b'"' {
                    at += if document[at] == b'\\' { 2 } else { 1 };
                }
                at += 1;
            }
            b'n' => at += 4,
            _ => {
                at += 1;
                continue;
            }
        }
        if start <= range.start && range.end <= at {
            return true;
        }
    }
    false
}

fn was_removed(document: &[u8], removed: &[u8], pointer: &JsonPointer) {
    let read = get(removed, pointer);
    assert!(
        matches!(read, Ok(None) | Err(DocumentError::MissingParent { .. })),
        "what was removed is still there, or the document is broken: {read:?}"
    );
    let (front, back) = common(document, removed);
    assert!(front + back >= removed.len(), "a removal put something in");
    let Ok(mut expected) = serde_json::from_slice::<Value>(document) else { return };
    let (parent, last) = parent_and_last(pointer);
    if let Some(parent) = expected.pointer_mut(&parent).and_then(Value::as_object_mut) {
        parent.remove(&last);
    }
    let after: Value =
        serde_json::from_slice(removed).expect("serde_json reads the document after the removal");
    assert_eq!(after, expected, "the document is not the one before without one field");
}

fn refused(error: &DocumentError, parsed: Option<&Value>, pointer: &JsonPointer, value: &[u8]) {
    let theirs = parsed.and_then(|parsed| parsed.pointer(&pointer.to_string()));
    match error {
        DocumentError::Syntax { line, column } => {
            assert!(parsed.is_none(), "serde_json reads what ours refuses: {error}");
            assert!(*line >= 1 || *column == 0, "a mistake in no line: {error}");
        }
        DocumentError::Unrepresentable => assert!(str::from_utf8(value).is_err()),
        DocumentError::NotText { .. } => {
            assert!(parsed.is_none() || theirs.is_some_and(|value| !value.is_string() && !value.is_null()));
        }
        DocumentError::MissingParent { .. }
        | DocumentError::NotAContainer { .. }
        | DocumentError::NoSuchElement { .. } => assert!(theirs.is_none(), "{error}"),
        DocumentError::DuplicateKey { .. } => {}
        DocumentError::LoneSurrogate
        | DocumentError::InvalidPointer { .. }
        | DocumentError::ElementOfArray { .. } => panic!("no reason to refuse this edit: {error}"),
    }
}
