//! JSON for programs.

use serde::Serialize;

/// A document over several lines.
pub(crate) fn document<T: Serialize + ?Sized>(value: &T) -> String {
    serde_json::to_string_pretty(value).expect("our own types serialise: their maps have text for keys")
}

/// One of a stream of documents, each on a line of its own.
pub(crate) fn one_line<T: Serialize + ?Sized>(value: &T) -> String {
    serde_json::to_string(value).expect("our own types serialise: their maps have text for keys")
}
