//! One value of a document, as its reader sees it.

use std::{fmt, sync::Arc};

use super::{
    document::{Document, Shape},
    scalar::Scalar,
    source::Span,
};

/// A scalar, a sequence or a mapping. An alias shows what it stands for, at the place where it is written.
#[derive(Clone, Copy)]
pub struct Node<'d> {
    document: &'d Arc<Document>,
    at: u32,
}

impl<'d> Node<'d> {
    pub(super) fn new(document: &'d Arc<Document>, at: u32) -> Self {
        Self { document, at }
    }

    pub(super) fn at(self) -> u32 {
        self.at
    }

    /// The document that it is part of.
    pub fn document(self) -> &'d Arc<Document> {
        self.document
    }

    /// Where it is written. A value that was left out has an empty span after its key.
    pub fn span(self) -> Span {
        self.document.cell(self.at).span
    }

    /// The scalar with its type resolved; `None` for sequences and mappings.
    pub fn scalar(self) -> Option<Scalar<'d>> {
        let text = self.document.text(self.at);
        match self.shape() {
            Shape::Plain => Some(Scalar::of_plain(text)),
            Shape::Text => Some(Scalar::Text(text)),
            Shape::Sequence | Shape::Mapping | Shape::Alias => None,
        }
    }

    /// The text of a scalar as written, without quotes and with escapes resolved, whatever its type.
    pub fn raw_text(self) -> Option<&'d str> {
        matches!(self.shape(), Shape::Plain | Shape::Text).then(|| self.document.text(self.at))
    }

    /// Whether the scalar's type follows from its text; false for quoted text, blocks, sequences and mappings.
    pub fn is_plain(self) -> bool {
        self.shape() == Shape::Plain
    }

    /// Whether nothing, `~` or `null` is written.
    pub fn is_null(self) -> bool {
        self.scalar() == Some(Scalar::Null)
    }

    /// Whether it is a sequence.
    pub fn is_sequence(self) -> bool {
        self.shape() == Shape::Sequence
    }

    /// Whether it is a mapping.
    pub fn is_mapping(self) -> bool {
        self.shape() == Shape::Mapping
    }

    /// The value under `key`, the first where it is written twice. Takes time in proportion to the mapping's length.
    pub fn get(self, key: &str) -> Option<Node<'d>> {
        self.entries().find(|(name, _)| name.raw_text() == Some(key)).map(|(_, value)| value)
    }

    /// The keys and values of a mapping in the order of the file, without keys that were refused while parsing;
    /// nothing for anything else.
    pub fn entries(self) -> impl Iterator<Item = (Node<'d>, Node<'d>)> {
        let document = self.document;
        let mapping = self.is_mapping().then(|| document.pairs(self.target())).into_iter().flatten();
        mapping.map(move |(key, value)| (Node::new(document, key), Node::new(document, value)))
    }

    /// The items of a sequence; nothing for anything else.
    pub fn items(self) -> impl Iterator<Item = Node<'d>> {
        let document = self.document;
        let sequence = self.is_sequence().then(|| document.children(self.target())).into_iter().flatten();
        sequence.map(move |item| Node::new(document, item))
    }

    /// The shape of what is meant: never an alias.
    pub(super) fn shape(self) -> Shape {
        self.document.cell(self.target()).shape
    }

    pub(super) fn target(self) -> u32 {
        self.document.target(self.at)
    }

    /// The span to point at: all of a scalar, the first line of anything longer.
    pub(super) fn headline(self) -> Span {
        let span = self.span();
        let line = self.document.source.line_span(span.start);
        Span::new(span.start, span.end.min(line.end).max(span.start))
    }
}

impl fmt::Debug for Node<'_> {
    /// Without the value.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Node").field("shape", &self.shape()).field("span", &self.span()).finish()
    }
}
