//! Diagnostics for people.

use std::{collections::BTreeMap, fmt::Write};

use annotate_snippets::{AnnotationKind, Element, Group, Level, Origin, Renderer, Snippet};

use super::{
    diagnostic::{Diagnostic, Diagnostics, Severity},
    excerpt::{Excerpt, excerpts},
    source::Span,
};

/// Beyond this the first ones have long scrolled away.
const SHOWN: usize = 100;

/// How diagnostics are drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// Text alone.
    Plain,
    /// With ANSI colours.
    Coloured,
}

/// See [`Diagnostics::render`].
pub(super) fn render(diagnostics: &Diagnostics, style: Style) -> String {
    let renderer = match style {
        Style::Plain => Renderer::plain(),
        Style::Coloured => Renderer::styled().hyperlink(false),
    };
    let sorted = diagnostics.sorted();
    let shown = &sorted[..sorted.len().min(SHOWN)];
    let spans =
        shown.iter().flat_map(|one| one.span.into_iter().chain(one.related.iter().map(|(span, _)| *span)));
    let excerpts = match &diagnostics.document {
        Some(document) => {
            let lines = spans.map(|span| diagnostics.source.line_span(span.start)).collect();
            excerpts(document, lines)
        }
        None => BTreeMap::new(),
    };
    let mut text = String::new();
    for one in shown {
        let group = Page { diagnostics, excerpts: &excerpts }.group(one);
        let _ = writeln!(text, "{}\n", renderer.render(&[group]));
    }
    let more = sorted.len() - shown.len() + diagnostics.dropped();
    if more > 0 {
        let _ = writeln!(text, "and {more} more");
    }
    text
}

struct Page<'a> {
    diagnostics: &'a Diagnostics,
    excerpts: &'a BTreeMap<u32, Excerpt>,
}

impl<'a> Page<'a> {
    fn group(&self, one: &'a Diagnostic) -> Group<'a> {
        let level = match one.severity {
            Severity::Error => Level::ERROR,
            Severity::Warning => Level::WARNING,
        };
        let mut elements = Vec::new();
        if let Some(span) = one.span {
            self.place(span, AnnotationKind::Primary, one.label.as_deref(), &mut elements);
        }
        for (span, label) in &one.related {
            self.place(*span, AnnotationKind::Context, Some(label), &mut elements);
        }
        if let Some(hint) = &one.hint {
            elements.push(Level::HELP.with_name("hint").message(hint).into());
        }
        Group::with_title(level.primary_title(&one.message)).elements(elements)
    }

    fn place(
        &self,
        span: Span,
        kind: AnnotationKind,
        label: Option<&'a str>,
        elements: &mut Vec<Element<'a>>,
    ) {
        let source = &self.diagnostics.source;
        let (position, line) = (source.position(span.start), source.line_span(span.start));
        let path = source.name().to_owned();
        if let Some(excerpt) = self.excerpts.get(&line.start) {
            let marked = excerpt.locate(Span::new(span.start, span.end.min(line.end)));
            let column = excerpt.text[..marked.start].chars().count() + 1;
            // The header's column is that of the excerpt, and `…` before the marks has moved them.
            if column == position.column as usize {
                let snippet =
                    Snippet::source(excerpt.text.as_str()).line_start(position.line as usize).path(path);
                elements.push(snippet.annotation(kind.span(marked).label(label)).into());
                return;
            }
        }
        let origin = Origin::path(path).line(position.line as usize).char_column(position.column as usize);
        elements.push(origin.into());
    }
}
