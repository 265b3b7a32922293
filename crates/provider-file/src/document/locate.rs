//! Which bytes of a document a pointer names.

use std::fmt;
use std::ops::Range;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::{DocumentError, JsonPointer};

/// Where a pointer leads.
pub(super) enum Place {
    Found(Found),
    Absent(Gap),
}

/// An existing value.
pub(super) struct Found {
    pub(super) value: Range<usize>,
    /// What to cut so that key, value and one comma go; `None` for an element of an array.
    pub(super) entry: Option<Range<usize>>,
}

/// Where the last part of a pointer would go.
pub(super) enum Gap {
    /// A key goes in at `at`, after the last one; the ranges are what stands before the last key and between it and
    /// its value, to be repeated. `None` in an empty object.
    Key { at: usize, before: Option<Range<usize>>, colon: Option<Range<usize>> },
    /// No such index.
    Element,
    /// What would hold it is missing.
    Parent,
}

/// Follows `pointer`.
pub(super) fn locate(document: &[u8], pointer: &JsonPointer) -> Result<Place, DocumentError> {
    let mut value: &RawValue = parse(document)?;
    let parts = pointer.parts();
    for (depth, part) in parts.iter().enumerate() {
        let place = match value.get().as_bytes().first() {
            Some(b'{') => in_object(document, value, part, || pointer.prefix(depth + 1))?,
            Some(b'[') => in_array(document, value, part)?,
            _ => return Err(DocumentError::NotAContainer { pointer: pointer.prefix(depth) }),
        };
        match place {
            Place::Found(found) if depth + 1 < parts.len() => value = parse(&document[found.value])?,
            Place::Absent(_) if depth + 1 < parts.len() => {
                return Err(DocumentError::MissingParent { missing: pointer.prefix(depth + 1) });
            }
            last @ (Place::Found(_) | Place::Absent(_)) => return Ok(last),
        }
    }
    Err(DocumentError::InvalidPointer { pointer: String::new(), why: "it names the whole document" })
}

/// The parser's message may quote the document, so only its place is kept.
fn parse<'a, T: Deserialize<'a>>(json: &'a [u8]) -> Result<T, DocumentError> {
    serde_json::from_slice(json)
        .map_err(|error| DocumentError::Syntax { line: error.line(), column: error.column() })
}

/// Where `raw`, borrowed from `document`, lies in it.
fn range_in(document: &[u8], raw: &RawValue) -> Range<usize> {
    let start = raw.get().as_ptr().addr() - document.as_ptr().addr();
    start..start + raw.get().len()
}

fn in_object(
    document: &[u8],
    object: &RawValue,
    name: &str,
    pointer: impl Fn() -> String,
) -> Result<Place, DocumentError> {
    let Entries(entries) = parse(object.get().as_bytes())?;
    let mut same = Vec::new();
    for (index, (key, _)) in entries.iter().enumerate() {
        if parse::<String>(key.get().as_bytes())? == name {
            same.push(index);
        }
    }
    let open = range_in(document, object).start + 1;
    let key_range = |index: usize| range_in(document, entries[index].0);
    let value_range = |index: usize| range_in(document, entries[index].1);
    match (same.as_slice(), entries.len().checked_sub(1)) {
        ([], None) => Ok(Place::Absent(Gap::Key { at: open, before: None, colon: None })),
        ([], Some(last)) => {
            let key = key_range(last);
            let from = match last.checked_sub(1) {
                Some(previous) => {
                    let end = value_range(previous).end;
                    let comma = document[end..key.start].iter().position(|byte| *byte == b',');
                    end + comma.map_or(0, |comma| comma + 1)
                }
                None => open,
            };
            Ok(Place::Absent(Gap::Key {
                at: value_range(last).end,
                before: Some(from..key.start),
                colon: Some(key.end..value_range(last).start),
            }))
        }
        (&[index], _) => {
            let entry = if index + 1 < entries.len() {
                key_range(index).start..key_range(index + 1).start
            } else {
                let from = index.checked_sub(1).map_or(open, |previous| value_range(previous).end);
                from..value_range(index).end
            };
            Ok(Place::Found(Found { value: value_range(index), entry: Some(entry) }))
        }
        (_, _) => Err(DocumentError::DuplicateKey { pointer: pointer() }),
    }
}

/// An index has no leading zero; `-`, the element after the last, never exists (RFC 6901, section 4).
fn in_array(document: &[u8], array: &RawValue, part: &str) -> Result<Place, DocumentError> {
    let canonical = part == "0" || (!part.starts_with('0') && part.bytes().all(|byte| byte.is_ascii_digit()));
    let index = part.parse::<usize>().ok().filter(|_| canonical);
    let Elements(elements) = parse(array.get().as_bytes())?;
    Ok(match index.and_then(|index| elements.get(index)) {
        Some(element) => Place::Found(Found { value: range_in(document, element), entry: None }),
        None => Place::Absent(Gap::Element),
    })
}

/// The keys and values of an object in order, duplicates kept, as they are spelt.
struct Entries<'a>(Vec<(&'a RawValue, &'a RawValue)>);

struct Elements<'a>(Vec<&'a RawValue>);

impl<'de> Deserialize<'de> for Entries<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct InOrder;
        impl<'de> Visitor<'de> for InOrder {
            type Value = Entries<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut entries = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    entries.push(entry);
                }
                Ok(Entries(entries))
            }
        }
        deserializer.deserialize_map(InOrder)
    }
}

impl<'de> Deserialize<'de> for Elements<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct InOrder;
        impl<'de> Visitor<'de> for InOrder {
            type Value = Elements<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an array")
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
                let mut elements = Vec::new();
                while let Some(element) = seq.next_element()? {
                    elements.push(element);
                }
                Ok(Elements(elements))
            }
        }
        deserializer.deserialize_seq(InOrder)
    }
}
