//! Reads fingerprints out of what a consumer wrote. Never repeats content: a wrong setting may point at a secret.

use serde_json::Value;

use super::sight::Sight;
use crate::fingerprint::Fingerprint;

/// Lines: those that are a fingerprint and nothing else count, the first is in use; others are for people.
pub fn lines(text: &str) -> Sight {
    let fingerprints: Vec<Fingerprint> = text.lines().filter_map(|line| line.trim().parse().ok()).collect();
    if !fingerprints.is_empty() {
        return Sight::of(fingerprints);
    }
    // Not `Nothing`: a file that is rewritten in place is empty for a moment.
    Sight::Unclear(if text.trim().is_empty() {
        "is empty".to_owned()
    } else {
        "has no line that is a fingerprint (16 hex digits)".to_owned()
    })
}

/// The first line of a program's output.
pub fn first_line(output: &str) -> Sight {
    let line = output.lines().next().unwrap_or_default().trim();
    if line.is_empty() {
        return Sight::Nothing("printed no fingerprint".to_owned());
    }
    line.parse().map_or_else(
        |_| Sight::Unclear("did not print a fingerprint (16 hex digits) in its first line".to_owned()),
        |fingerprint| Sight::of(vec![fingerprint]),
    )
}

/// The node at `pointer` of a JSON document.
pub fn json(text: &str, pointer: &str) -> Sight {
    let document = match document(text) {
        Ok(document) => document,
        Err(why) => return Sight::Unclear(why),
    };
    match document.pointer(pointer) {
        None => Sight::Nothing(format!("has nothing at {pointer}")),
        Some(node) => {
            fingerprints(node).unwrap_or_else(|why| Sight::Unclear(format!("has {why} at {pointer}")))
        }
    }
}

/// A whole JSON document.
///
/// # Errors
/// Where it stops being one, without what stands there.
pub fn document(text: &str) -> Result<Value, String> {
    // The position and no more: serde_json's text may repeat what it found there.
    serde_json::from_str(text)
        .map_err(|error| format!("is not complete JSON: line {}, column {}", error.line(), error.column()))
}

fn fingerprints(node: &Value) -> Result<Sight, &'static str> {
    match node {
        Value::Null => Ok(Sight::Nothing("shows null".to_owned())),
        Value::String(_) => Ok(Sight::of(vec![fingerprint(node)?])),
        Value::Array(items) => Ok(Sight::of(items.iter().map(fingerprint).collect::<Result<_, _>>()?)),
        Value::Object(fields) => {
            let in_use = match fields.get("current") {
                None => return Err("an object without `current`"),
                Some(Value::Null) => None,
                Some(current) => Some(fingerprint(current)?),
            };
            let accepted = match fields.get("accepted") {
                None | Some(Value::Null) => Vec::new(),
                Some(Value::Array(items)) => items.iter().map(fingerprint).collect::<Result<_, _>>()?,
                Some(Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Object(_)) => {
                    return Err("an `accepted` that is not an array");
                }
            };
            Ok(Sight::Shown { in_use, accepted })
        }
        Value::Bool(_) | Value::Number(_) => Err("something that is not a fingerprint"),
    }
}

fn fingerprint(node: &Value) -> Result<Fingerprint, &'static str> {
    node.as_str()
        .and_then(|text| text.trim().parse().ok())
        .ok_or("something that is not a fingerprint (16 hex digits)")
}
