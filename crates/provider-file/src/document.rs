//! One field of a JSON document, read and edited as bytes; every other byte stays.
//!
//! Number spelling, key order, white space and escapes elsewhere survive because the document is never built as a
//! value: `serde_json` finds where the field begins and ends, and only those bytes are exchanged. Two keys of one name
//! on the way to the field are refused, for programs differ on which of them counts (RFC 8259, section 4).

mod error;
mod locate;
mod pointer;
#[cfg(test)]
mod tests;
mod text;

use std::ops::Range;

use keywheel_core::SecretValue;
use zeroize::Zeroizing;

pub use error::DocumentError;
use locate::{Found, Gap, Place, locate};
pub use pointer::JsonPointer;

/// The text at `pointer`; `None` when the last part of it is missing or the field is `null`.
///
/// # Errors
/// [`DocumentError`]: not JSON, a part before the last missing, a key twice, or a field that holds something other
/// than text.
pub fn get(document: &[u8], pointer: &JsonPointer) -> Result<Option<SecretValue>, DocumentError> {
    match locate(document, pointer)? {
        Place::Found(Found { value, .. }) => match document[value.clone()].first() {
            Some(b'n') => Ok(None),
            Some(b'"') => Ok(Some(SecretValue::copy_from(&text::decode(&document[value])?))),
            _ => Err(DocumentError::NotText { pointer: pointer.to_string() }),
        },
        Place::Absent(_) => Ok(None),
    }
}

/// The document with the field at `pointer` set to `value`.
///
/// A missing last key is added at the end of its object, spaced as the key before it.
///
/// # Errors
/// As [`get`]; [`DocumentError::Unrepresentable`] when `value` is not UTF-8 text; [`DocumentError::NoSuchElement`] when
/// the last part is no existing index of an array.
pub fn set(
    document: &[u8],
    pointer: &JsonPointer,
    value: &SecretValue,
) -> Result<Zeroizing<Vec<u8>>, DocumentError> {
    let value = std::str::from_utf8(value.expose_secret()).map_err(|_| DocumentError::Unrepresentable)?;
    let encoded = text::encode(value);
    match locate(document, pointer)? {
        Place::Found(found) => {
            refuse_unless_text(document, &found.value, pointer)?;
            Ok(splice(document, found.value, &[&encoded]))
        }
        Place::Absent(Gap::Key { at, before, colon }) => {
            let key = text::encode(pointer.last());
            let (comma, before, colon): (&[u8], &[u8], &[u8]) = match (before, colon) {
                (Some(before), Some(colon)) => (b",", &document[before], &document[colon]),
                (_, _) => (b"", b"", b": "),
            };
            Ok(splice(document, at..at, &[comma, before, &key, colon, &encoded]))
        }
        Place::Absent(Gap::Element | Gap::Parent) => {
            Err(DocumentError::NoSuchElement { pointer: pointer.to_string() })
        }
    }
}

/// The document without the key at `pointer`; unchanged when it, or an object around it, is not there.
///
/// # Errors
/// As [`get`]; [`DocumentError::ElementOfArray`]: taking an element out would renumber the ones after it.
pub fn remove(document: &[u8], pointer: &JsonPointer) -> Result<Zeroizing<Vec<u8>>, DocumentError> {
    let located = match locate(document, pointer) {
        Err(DocumentError::MissingParent { .. }) => Place::Absent(Gap::Parent),
        other => other?,
    };
    match located {
        Place::Found(Found { value, entry: Some(entry) }) => {
            refuse_unless_text(document, &value, pointer)?;
            Ok(splice(document, entry, &[]))
        }
        Place::Found(Found { entry: None, .. }) => {
            Err(DocumentError::ElementOfArray { pointer: pointer.to_string() })
        }
        Place::Absent(_) => Ok(splice(document, 0..0, &[])),
    }
}

/// A number or an object at the pointer means that the pointer is wrong: what stands there is not ours to lose.
fn refuse_unless_text(
    document: &[u8],
    value: &Range<usize>,
    pointer: &JsonPointer,
) -> Result<(), DocumentError> {
    match document[value.clone()].first() {
        Some(b'"' | b'n') => Ok(()),
        _ => Err(DocumentError::NotText { pointer: pointer.to_string() }),
    }
}

/// The capacity is exact: a vector that grows leaves an unwiped copy of every secret in the document behind.
fn splice(document: &[u8], range: Range<usize>, parts: &[&[u8]]) -> Zeroizing<Vec<u8>> {
    let added: usize = parts.iter().map(|part| part.len()).sum();
    let mut edited = Zeroizing::new(Vec::with_capacity(document.len() - range.len() + added));
    edited.extend_from_slice(&document[..range.start]);
    for part in parts {
        edited.extend_from_slice(part);
    }
    edited.extend_from_slice(&document[range.end..]);
    edited
}
