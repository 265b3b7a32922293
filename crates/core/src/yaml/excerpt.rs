//! Lines of the file as they may be shown: credentials and comments show as `…`.

use std::{collections::BTreeMap, ops::Range};

use super::{credential::is_concealed, document::Document, source::Span};

const CONCEALED: &str = "…";

/// One line, and where in it each part of the original went.
#[derive(Debug, Default)]
pub(super) struct Excerpt {
    pub(super) text: String,
    pieces: Vec<Piece>,
}

#[derive(Debug)]
struct Piece {
    original: Span,
    shown: Range<usize>,
    verbatim: bool,
}

impl Excerpt {
    /// The range of the shown text that stands for `span`.
    pub(super) fn locate(&self, span: Span) -> Range<usize> {
        let start = self.offset(span.start, false);
        start..self.offset(span.end, true).max(start)
    }

    fn offset(&self, original: u32, is_end: bool) -> usize {
        let found = self
            .pieces
            .iter()
            .find(|piece| original < piece.original.end || (is_end && original == piece.original.end));
        let Some(piece) = found else { return self.text.len() };
        match (piece.verbatim, is_end) {
            (true, _) => piece.shown.start + original.saturating_sub(piece.original.start) as usize,
            (false, true) => piece.shown.end,
            (false, false) => piece.shown.start,
        }
    }

    fn push(&mut self, original: Span, shown: &str, verbatim: bool) {
        let start = self.text.len();
        self.text.extend(shown.chars().map(seen));
        self.pieces.push(Piece { original, shown: start..self.text.len(), verbatim });
    }
}

/// The renderer makes the other control characters visible, these it lets through. What stands for them is as long, so that
/// every place in the text stays where it is.
fn seen(letter: char) -> char {
    const STAND_IN: char = '\u{b7}';
    if matches!(letter, '\u{80}'..='\u{9f}') { STAND_IN } else { letter }
}

/// The lines that begin at the keys of the result, of which `lines` are the spans.
///
/// Walks the whole document rather than searching it: a line whose values are not all known must not be shown.
pub(super) fn excerpts(document: &Document, mut lines: Vec<Span>) -> BTreeMap<u32, Excerpt> {
    lines.sort_unstable();
    lines.dedup();
    let mut scalars: Vec<Vec<(Span, bool)>> = vec![Vec::new(); lines.len()];
    document.scalars(0..document.after(0), |at, key| {
        let span = document.cell(at).span;
        let first = lines.partition_point(|line| line.end < span.start);
        let mut concealed = None;
        for (line, scalars) in lines.iter().zip(&mut scalars).skip(first) {
            if line.start >= span.end {
                break;
            }
            let part = Span::new(span.start.max(line.start), span.end.min(line.end));
            let concealed = *concealed.get_or_insert_with(|| is_concealed(document, at, key));
            scalars.push((part, concealed));
        }
    });
    lines
        .iter()
        .zip(scalars)
        .map(|(&line, scalars)| (line.start, excerpt(document, line, &scalars)))
        .collect()
}

fn excerpt(document: &Document, line: Span, scalars: &[(Span, bool)]) -> Excerpt {
    let mut excerpt = Excerpt::default();
    let mut done = line.start;
    for &(scalar, concealed) in scalars {
        if scalar.start > done && gap(document, line, Span::new(done, scalar.start), &mut excerpt) {
            return excerpt;
        }
        let shown = if concealed { CONCEALED } else { document.source.slice(scalar) };
        excerpt.push(scalar, shown, !concealed);
        done = scalar.end.max(done);
    }
    gap(document, line, Span::new(done, line.end), &mut excerpt);
    excerpt
}

/// Adds what is between values. Whether a comment began there, which takes the rest of the line.
fn gap(document: &Document, line: Span, span: Span, excerpt: &mut Excerpt) -> bool {
    let text = document.source.slice(span);
    let is_comment = |&(at, _): &(usize, &str)| match text[..at].chars().next_back() {
        Some(before) => before.is_whitespace(),
        None => span.start == line.start,
    };
    let Some((comment, _)) = text.match_indices('#').find(is_comment) else {
        excerpt.push(span, text, true);
        return false;
    };
    let start = span.start + u32::try_from(comment).unwrap_or_default();
    excerpt.push(Span::new(span.start, start), &text[..comment], true);
    excerpt.push(Span::new(start, line.end), "# …", false);
    true
}
