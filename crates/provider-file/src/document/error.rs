//! Why a field of a JSON document cannot be read or edited; places, never values.

use keywheel_core::{Error, ErrorKind};

/// What is wrong with a document, the pointer into it, or the value to put there.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DocumentError {
    /// Not JSON.
    #[error("not valid JSON at line {line}, column {column}")]
    Syntax {
        /// Counted from 1.
        line: usize,
        /// Counted from 1, in bytes.
        column: usize,
    },
    /// A string escape that stands for no character: half of a UTF-16 pair.
    #[error("the text holds an escape that is half of a character")]
    LoneSurrogate,
    /// Not an RFC 6901 pointer to a field.
    #[error("{pointer:?} is not a JSON pointer to a field: {why}")]
    InvalidPointer {
        /// What was given.
        pointer: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// Something before the last part of the pointer is not there.
    #[error("the document has no {missing}; create it by hand")]
    MissingParent {
        /// The pointer up to and with the first part that is missing.
        missing: String,
    },
    /// Something before the last part of the pointer is neither an object nor an array.
    #[error("{pointer} is neither an object nor an array")]
    NotAContainer {
        /// The pointer to it; empty for the document itself.
        pointer: String,
    },
    /// One object has the key twice.
    #[error("the key {pointer} is there twice; remove one of them")]
    DuplicateKey {
        /// The pointer to both.
        pointer: String,
    },
    /// The field holds a number, a boolean, an object or an array.
    #[error("{pointer} holds something other than text or null")]
    NotText {
        /// The pointer to it.
        pointer: String,
    },
    /// No such index: elements can be replaced, not added.
    #[error("{pointer} names no existing element; elements of arrays can be replaced, not added")]
    NoSuchElement {
        /// The pointer to it.
        pointer: String,
    },
    /// An element of an array cannot be removed without renumbering others.
    #[error("{pointer} is an element of an array; removing it would renumber the ones after it")]
    ElementOfArray {
        /// The pointer to it.
        pointer: String,
    },
    /// The value is not UTF-8.
    #[error("JSON cannot hold bytes that are not UTF-8; keep this secret in a file of its own, or encode it")]
    Unrepresentable,
}

impl DocumentError {
    /// The same as a provider's error. Nothing was written: these are found before anything is.
    pub fn into_error(self, operation: &'static str) -> Error {
        let kind = match self {
            Self::Syntax { .. } | Self::LoneSurrogate => ErrorKind::Corrupt,
            Self::InvalidPointer { .. }
            | Self::MissingParent { .. }
            | Self::NotAContainer { .. }
            | Self::DuplicateKey { .. }
            | Self::NotText { .. }
            | Self::NoSuchElement { .. }
            | Self::ElementOfArray { .. } => ErrorKind::InvalidConfig,
            Self::Unrepresentable => ErrorKind::InvalidValue,
        };
        Error::not_applied(kind, operation, self.to_string())
    }
}
