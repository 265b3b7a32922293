//! A part of a document that somebody else will read.

use std::{borrow::Cow, cell::Cell, fmt, sync::Arc};

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{
    Deserialize, Deserializer,
    de::{self, DeserializeOwned, Visitor},
};

use super::{diagnostic::Diagnostics, document::Document, node::Node, reading::read_under};

/// By this name the reader of a document knows what is asked for.
pub(super) const NAME: &str = "$keywheel::yaml::Raw";

thread_local! {
    /// Serde's data model has no place for a node: it is laid here by the reader and taken at once by the visitor
    /// that asked for it.
    static HANDED_OVER: Cell<Option<Raw>> = const { Cell::new(None) };
}

/// A value as it was written, kept to be read as its owner's type later: the settings of a provider. It keeps the
/// whole document in memory. Only a YAML document can be read into it.
#[derive(Clone)]
pub struct Raw {
    document: Arc<Document>,
    at: u32,
    /// Where to say that something is missing, and what decides whether the value may be repeated.
    key: Option<u32>,
}

impl Raw {
    pub(super) fn new(node: Node<'_>, key: Option<u32>) -> Self {
        Self { document: Arc::clone(node.document()), at: node.at(), key }
    }

    /// The value.
    pub fn node(&self) -> Node<'_> {
        Node::new(&self.document, self.at)
    }

    /// Reads it as `T`, as [`read`](super::read) does.
    pub fn read<T: DeserializeOwned>(&self, diagnostics: &mut Diagnostics) -> Option<T> {
        read_under(self.key, self.node(), diagnostics)
    }

    pub(super) fn hand_over(self) {
        HANDED_OVER.set(Some(self));
    }
}

impl fmt::Debug for Raw {
    /// Without the value.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.node().fmt(f)
    }
}

impl JsonSchema for Raw {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Raw".into()
    }

    /// Anything goes: only its later reader knows more.
    fn json_schema(_generator: &mut SchemaGenerator) -> Schema {
        true.into()
    }
}

impl<'de> Deserialize<'de> for Raw {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visit;

        impl Visitor<'_> for Visit {
            type Value = Raw;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a value in a YAML document")
            }

            fn visit_unit<E: de::Error>(self) -> Result<Raw, E> {
                HANDED_OVER.take().ok_or_else(|| E::invalid_type(de::Unexpected::Unit, &self))
            }
        }

        deserializer.deserialize_newtype_struct(NAME, Visit)
    }
}
