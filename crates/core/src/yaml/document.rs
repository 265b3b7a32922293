//! A parsed file: one flat run of 16-byte cells in the order of the text, most of which borrow their text from the
//! file. An inventory of 100,000 entries has millions of nodes, so nothing is allocated for a node.

use std::{fmt, ops::Range, sync::Arc};

use super::{
    node::Node,
    source::{Source, Span},
};

/// What a cell is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    /// A scalar without quotes, whose type follows from its text.
    Plain,
    /// A scalar with quotes, a block, or one tagged `!!str`: always text.
    Text,
    /// Its items follow it.
    Sequence,
    /// Its keys and values follow it in turn.
    Mapping,
    /// Stands for another cell.
    Alias,
}

/// One node of the tree.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cell {
    pub(super) span: Span,
    /// A scalar: where its text is ([`VERBATIM`], [`QUOTED`] or an index into `texts`). A sequence or mapping: the
    /// index of the first cell after it. An alias: the index of what it stands for.
    pub(super) extra: u32,
    pub(super) shape: Shape,
    /// A key that was reported while parsing (written twice, not text, a merge): it and its value are passed over.
    pub(super) passed_over: bool,
}

/// The scalar's text is its span.
pub(super) const VERBATIM: u32 = u32::MAX;
/// The scalar's text is its span without the quotes.
pub(super) const QUOTED: u32 = u32::MAX - 1;

/// A parsed file. It is shared ([`Arc`]), so that a [`Raw`](super::Raw) part of it can be read later.
pub struct Document {
    pub(super) source: Arc<Source>,
    pub(super) cells: Vec<Cell>,
    pub(super) texts: Vec<Box<str>>,
}

impl Document {
    /// The node that holds all others.
    pub fn root(self: &Arc<Self>) -> Node<'_> {
        Node::new(self, 0)
    }

    /// The file that was parsed.
    pub fn source(&self) -> &Source {
        &self.source
    }

    /// How many nodes the file holds; aliases count once.
    pub fn len(&self) -> usize {
        self.cells.len()
    }

    /// Whether there is no node at all, which no parsed document is.
    pub fn is_empty(&self) -> bool {
        self.cells.is_empty()
    }

    pub(super) fn cell(&self, at: u32) -> Cell {
        self.cells[at as usize]
    }

    /// What `at` stands for: itself unless it is an alias.
    pub(super) fn target(&self, at: u32) -> u32 {
        let cell = self.cell(at);
        if cell.shape == Shape::Alias { cell.extra } else { at }
    }

    /// The index of the cell after `at` and all that it holds.
    pub(super) fn after(&self, at: u32) -> u32 {
        let cell = self.cell(at);
        match cell.shape {
            Shape::Sequence | Shape::Mapping => cell.extra,
            Shape::Plain | Shape::Text | Shape::Alias => at + 1,
        }
    }

    /// The text of a scalar, or of what an alias stands for; empty for anything else.
    pub(super) fn text(&self, at: u32) -> &str {
        let cell = self.cell(self.target(at));
        match (cell.shape, cell.extra) {
            (Shape::Sequence | Shape::Mapping | Shape::Alias, _) => "",
            (Shape::Plain | Shape::Text, VERBATIM) => self.source.slice(cell.span),
            (Shape::Plain | Shape::Text, QUOTED) => {
                self.source.slice(Span::new(cell.span.start + 1, cell.span.end - 1))
            }
            (Shape::Plain | Shape::Text, index) => &self.texts[index as usize],
        }
    }

    /// The indices of the cells directly in `at`, which is a sequence or a mapping.
    pub(super) fn children(&self, at: u32) -> impl Iterator<Item = u32> + '_ {
        let end = self.after(at);
        let first = Some(at + 1).filter(|&child| child < end);
        std::iter::successors(first, move |&child| Some(self.after(child)).filter(|&next| next < end))
    }

    /// The keys and values of the mapping at `at`, without those that were refused while parsing.
    pub(super) fn pairs(&self, at: u32) -> impl Iterator<Item = (u32, u32)> + '_ {
        self.all_pairs(at).filter(|&(key, _)| !self.cell(key).passed_over)
    }

    pub(super) fn all_pairs(&self, at: u32) -> impl Iterator<Item = (u32, u32)> + '_ {
        let mut children = self.children(at);
        std::iter::from_fn(move || Some((children.next()?, children.next()?)))
    }

    /// Calls `visit` with every scalar and alias among `cells`, and the key that it is the value of, directly or in a
    /// list.
    pub(super) fn scalars(&self, cells: Range<u32>, mut visit: impl FnMut(u32, Option<u32>)) {
        let mut open: Vec<Open> = Vec::new();
        for at in cells {
            while open.last().is_some_and(|open| open.end <= at) {
                open.pop();
            }
            let mut key = None;
            if let Some(parent) = open.last_mut() {
                if parent.is_mapping && parent.key_is_next {
                    parent.key = Some(at);
                } else {
                    key = parent.key;
                }
                parent.key_is_next = !parent.key_is_next;
            }
            let end = self.after(at);
            match self.cell(at).shape {
                Shape::Sequence => open.push(Open { end, is_mapping: false, key, key_is_next: false }),
                Shape::Mapping => open.push(Open { end, is_mapping: true, key: None, key_is_next: true }),
                Shape::Plain | Shape::Text | Shape::Alias => visit(at, key),
            }
        }
    }
}

/// A sequence or mapping that is being walked through.
struct Open {
    end: u32,
    is_mapping: bool,
    /// The key whose value comes next, or that the list is the value of.
    key: Option<u32>,
    key_is_next: bool,
}

impl fmt::Debug for Document {
    /// Without the values.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Document")
            .field("source", &self.source)
            .field("nodes", &self.len())
            .finish_non_exhaustive()
    }
}
