//! The text of one file, and places in it.

use std::{fmt, ops::Range, sync::OnceLock};

/// A range of bytes in a [`Source`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span {
    /// The first byte.
    pub start: u32,
    /// One past the last byte.
    pub end: u32,
}

impl Span {
    /// From `start` up to, and without, `end`.
    pub fn new(start: u32, end: u32) -> Self {
        Self { start, end }
    }

    /// Whether there is nothing in it, as with a value that was left out.
    pub fn is_empty(self) -> bool {
        self.start >= self.end
    }

    /// The same as a range of indices into the text.
    pub fn range(self) -> Range<usize> {
        self.start as usize..self.end as usize
    }
}

/// A line and a column as an editor counts them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// From 1.
    pub line: u32,
    /// From 1, in characters, not bytes.
    pub column: u32,
}

/// The text of one file, with the name that messages show.
pub struct Source {
    name: String,
    text: String,
    broken: bool,
    line_starts: OnceLock<Box<[u32]>>,
}

impl Source {
    /// Text under the name that messages will show, which is normally the path. A byte-order mark is dropped.
    pub fn new(name: impl Into<String>, text: impl Into<String>) -> Self {
        let mut text = text.into();
        if text.starts_with('\u{feff}') {
            text.drain(..'\u{feff}'.len_utf8());
        }
        Self { name: name.into(), text, broken: false, line_starts: OnceLock::new() }
    }

    /// The bytes of a file. Where they are not UTF-8, [`parse`](super::parse) says so and where.
    pub fn from_bytes(name: impl Into<String>, bytes: Vec<u8>) -> Self {
        match String::from_utf8(bytes) {
            Ok(text) => Self::new(name, text),
            Err(error) => {
                let valid = error.utf8_error().valid_up_to();
                let mut bytes = error.into_bytes();
                bytes.truncate(valid);
                let text = String::from_utf8(bytes).unwrap_or_default();
                Self { broken: true, ..Self::new(name, text) }
            }
        }
    }

    /// The name shown in messages.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The text; only the part before the first broken byte where the file was not UTF-8.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The text in `span`; empty where the span is not of this source.
    pub fn slice(&self, span: Span) -> &str {
        self.text.get(span.range()).unwrap_or_default()
    }

    /// Line and column of a byte.
    pub fn position(&self, offset: u32) -> Position {
        let line = self.line_of(offset);
        let start = self.line_starts()[line] as usize;
        let before = self.text.get(start..offset as usize).unwrap_or_default();
        Position { line: count(line + 1), column: count(before.chars().count() + 1) }
    }

    /// Whether the file had bytes that are not UTF-8 after [`Source::text`].
    pub(super) fn is_broken(&self) -> bool {
        self.broken
    }

    /// The line that holds the byte, without its line break.
    pub(super) fn line_span(&self, offset: u32) -> Span {
        let line = self.line_of(offset);
        let start = self.line_starts()[line];
        let end = self.line_starts().get(line + 1).copied().unwrap_or(count(self.text.len()));
        let text = self.slice(Span::new(start, end)).trim_end_matches(['\r', '\n']);
        Span::new(start, start + count(text.len()))
    }

    fn line_of(&self, offset: u32) -> usize {
        self.line_starts().partition_point(|&start| start <= offset).saturating_sub(1)
    }

    /// Only a file with mistakes needs it, so it is made when first asked for.
    fn line_starts(&self) -> &[u32] {
        self.line_starts.get_or_init(|| {
            let bytes = self.text.as_bytes();
            let breaks = bytes
                .iter()
                .enumerate()
                .filter(|&(at, &byte)| byte == b'\n' || (byte == b'\r' && bytes.get(at + 1) != Some(&b'\n')));
            std::iter::once(0).chain(breaks.map(|(at, _)| count(at + 1))).collect()
        })
    }
}

impl fmt::Debug for Source {
    /// Without the text: somebody may have pasted a secret into it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Source")
            .field("name", &self.name)
            .field("bytes", &self.text.len())
            .finish_non_exhaustive()
    }
}

/// Sizes fit in 32 bits because `parse` refuses larger files; beyond that a wrong column is better than a panic.
pub(super) fn count(size: usize) -> u32 {
    u32::try_from(size).unwrap_or(u32::MAX)
}
