//! From the parser's events to a [`Document`].

use std::{
    collections::{HashMap, hash_map::Entry},
    sync::Arc,
};

use serde_saphyr::granit_parser::{ErrorKind, Event, Marker, Options, Parser, ScalarStyle, ScanError, Tag};

use super::{
    diagnostic::{Diagnostic, Diagnostics, shortened},
    document::{Cell, Document, QUOTED, Shape, VERBATIM},
    source::{Source, Span, count},
};

/// Far more than an inventory needs, far less than would exhaust a thread's stack when it is read.
const DEPTH: usize = 64;
/// Offsets are 32 bits wide, and no inventory is this large.
const LARGEST: usize = 1 << 30;
/// How many nodes aliases may stand for in all, before the file's own size is counted in.
const EXPANDED: u64 = 1_000_000;
/// Up to this many keys of a mapping are compared each with each.
const FEW: usize = 12;

/// Parses the source of `diagnostics`.
///
/// Keys written twice, merge keys (`<<`) and keys that are not text are reported and passed over, so that the rest is
/// still read. `None` where the text is not YAML at all, is empty, holds several documents, or nests or multiplies
/// beyond reason.
pub fn parse(diagnostics: &mut Diagnostics) -> Option<Arc<Document>> {
    let mut builder = Builder::new(Arc::clone(diagnostics.source()));
    let outcome = builder.run();
    let Builder { document, found, .. } = builder;
    for mistake in found {
        diagnostics.push(mistake);
    }
    match outcome {
        Ok(()) => {
            let document = Arc::new(document);
            diagnostics.document = Some(Arc::clone(&document));
            Some(document)
        }
        Err(fatal) => {
            diagnostics.push(fatal);
            None
        }
    }
}

/// A sequence or mapping that is not closed yet.
struct Open {
    at: u32,
    anchor: usize,
    /// How many nodes are in it, each alias counted as all that it stands for.
    expanded: u64,
    /// How many levels are below it.
    height: usize,
}

/// What an alias may stand for.
#[derive(Clone, Copy)]
struct Anchored {
    at: u32,
    expanded: u64,
    height: usize,
}

struct Builder {
    document: Document,
    open: Vec<Open>,
    anchors: HashMap<usize, Anchored>,
    expanded_by_aliases: u64,
    documents: usize,
    found: Vec<Diagnostic>,
}

impl Builder {
    fn new(source: Arc<Source>) -> Self {
        Self {
            document: Document { source, cells: Vec::new(), texts: Vec::new() },
            open: Vec::new(),
            anchors: HashMap::new(),
            expanded_by_aliases: 0,
            documents: 0,
            found: Vec::new(),
        }
    }

    fn run(&mut self) -> Result<(), Diagnostic> {
        let source = Arc::clone(&self.document.source);
        let text = source.text();
        if text.len() > LARGEST {
            return Err(Diagnostic::error("the file is larger than 1 GiB"));
        }
        if source.is_broken() {
            let end = count(text.len());
            return Err(Diagnostic::error("the file is not UTF-8 text from here on").at(Span::new(end, end)));
        }
        let mut options = Options::default();
        options.set_emit_comments(false);
        options.flow_nesting_limit = DEPTH;
        options.block_nesting_limit = DEPTH;
        for event in Parser::new_from_str_with_options(text, options) {
            let (event, span) = event.map_err(|error| self.syntax_error(&error))?;
            let tag_at = span.tag_start();
            let span = Span::new(self.offset(span.start), self.offset(span.end));
            let tag_at = tag_at.map_or(span, |start| Span::new(self.offset(start), self.offset(start) + 1));
            self.event(event, span, tag_at)?;
        }
        let nothing =
            self.document.cells.first().is_none_or(|root| root.shape == Shape::Plain && root.span.is_empty());
        if nothing {
            let empty = Diagnostic::error("the file is empty").at(Span::new(0, 0));
            return Err(empty.hint("`keywheel init` writes one to start from"));
        }
        Ok(())
    }

    #[expect(clippy::wildcard_enum_match_arm, reason = "the enum is open, and what is left carries no value")]
    fn event(&mut self, event: Event<'_>, span: Span, tag_at: Span) -> Result<(), Diagnostic> {
        match event {
            Event::DocumentStart(..) => self.start_document(span),
            Event::Scalar(text, style, anchor, tag) => {
                let is_text = self.check_tag(tag.as_deref(), tag_at, &["str"]);
                let at = self.scalar(&text, style, is_text, span)?;
                self.remember(anchor, Anchored { at, expanded: 1, height: 0 });
                Ok(())
            }
            Event::SequenceStart(_, anchor, tag) => {
                self.check_tag(tag.as_deref(), tag_at, &["seq"]);
                self.start(Shape::Sequence, anchor, span)
            }
            Event::MappingStart(_, anchor, tag) => {
                self.check_tag(tag.as_deref(), tag_at, &["map"]);
                self.start(Shape::Mapping, anchor, span)
            }
            Event::SequenceEnd | Event::MappingEnd => {
                self.end(span);
                Ok(())
            }
            Event::Alias(anchor) => self.alias(anchor, span),
            _ => Ok(()),
        }
    }

    fn start_document(&mut self, span: Span) -> Result<(), Diagnostic> {
        self.documents += 1;
        if self.documents == 1 {
            return Ok(());
        }
        Err(Diagnostic::error("a second document starts here, but the file may hold only one")
            .at(span)
            .hint("remove the line `---` or `...`, or move what follows to a file of its own"))
    }

    /// Whether the tag says that it is text. Only tags that change nothing, or that say so, are taken.
    fn check_tag(&mut self, tag: Option<&Tag>, at: Span, allowed: &[&str]) -> bool {
        let Some(tag) = tag else { return false };
        let non_specific = tag.handle().is_empty() && tag.suffix() == "!";
        let known = non_specific || allowed.iter().any(|name| tag.is_yaml_core_schema_tag(name));
        if !known {
            let message = "tags are not read here";
            self.found.push(Diagnostic::error(message).at(at).hint("remove the tag, the word after `!`"));
        }
        known && allowed.contains(&"str")
    }

    fn scalar(
        &mut self,
        text: &str,
        style: ScalarStyle,
        is_text: bool,
        span: Span,
    ) -> Result<u32, Diagnostic> {
        let plain = style == ScalarStyle::Plain;
        let written = self.document.source.slice(span);
        let extra = if plain && (written.is_empty() || written == text) {
            VERBATIM
        } else if !plain && within_quotes(written) == Some(text) {
            QUOTED
        } else {
            self.document.texts.push(text.into());
            count(self.document.texts.len() - 1)
        };
        let shape = if plain && !is_text { Shape::Plain } else { Shape::Text };
        self.place(Cell { span, extra, shape, passed_over: false })
    }

    fn alias(&mut self, anchor: usize, span: Span) -> Result<(), Diagnostic> {
        let Some(&target) = self.anchors.get(&anchor) else {
            return Err(
                Diagnostic::error("this alias stands for something that it is itself a part of").at(span)
            );
        };
        self.expanded_by_aliases += target.expanded;
        if self.expanded_by_aliases > EXPANDED + 10 * self.document.cells.len() as u64 {
            return Err(Diagnostic::error("the aliases up to here stand for too many values").at(span));
        }
        if self.open.len() + target.height > DEPTH {
            return Err(too_deep(span));
        }
        self.place(Cell { span, extra: target.at, shape: Shape::Alias, passed_over: false })?;
        if let Some(parent) = self.open.last_mut() {
            parent.expanded += target.expanded;
            parent.height = parent.height.max(target.height + 1);
        }
        Ok(())
    }

    fn start(&mut self, shape: Shape, anchor: usize, span: Span) -> Result<(), Diagnostic> {
        let at = self.place(Cell { span, extra: 0, shape, passed_over: false })?;
        if self.open.len() >= DEPTH {
            return Err(too_deep(span));
        }
        self.open.push(Open { at, anchor, expanded: 1, height: 0 });
        Ok(())
    }

    fn end(&mut self, span: Span) {
        let Some(closed) = self.open.pop() else { return };
        let after = count(self.document.cells.len());
        // The closing event of a block lies at whatever follows it, lines further down.
        let last = self.document.cells.last().map_or(span.end, |last| last.span.end);
        let cell = &mut self.document.cells[closed.at as usize];
        cell.extra = after;
        cell.span.end = if span.is_empty() { last.max(cell.span.end) } else { span.end };
        if cell.shape == Shape::Mapping {
            self.check_keys(closed.at);
        }
        self.remember(
            closed.anchor,
            Anchored { at: closed.at, expanded: closed.expanded, height: closed.height },
        );
        if let Some(parent) = self.open.last_mut() {
            parent.expanded += closed.expanded;
            parent.height = parent.height.max(closed.height + 1);
        }
    }

    fn place(&mut self, cell: Cell) -> Result<u32, Diagnostic> {
        let at = count(self.document.cells.len());
        if at >= QUOTED {
            return Err(Diagnostic::error("the file holds too many values").at(cell.span));
        }
        self.document.cells.push(cell);
        Ok(at)
    }

    fn remember(&mut self, anchor: usize, anchored: Anchored) {
        // The parser numbers anchors from 1.
        if anchor != 0 {
            self.anchors.insert(anchor, anchored);
        }
    }

    /// Reports keys that are written twice, are not text, or merge.
    fn check_keys(&mut self, mapping: u32) {
        let document = &self.document;
        let mut refused = Vec::new();
        let mut first = HashMap::new();
        // Hashing costs more than comparing where there are few keys, and most mappings have few.
        let few = document.children(mapping).take(2 * FEW + 1).count() <= 2 * FEW;
        let mut before: Vec<u32> = Vec::with_capacity(if few { FEW } else { 0 });
        for (key, _) in document.all_pairs(mapping) {
            let text = document.text(key);
            let span = document.cell(key).span;
            let shape = document.cell(document.target(key)).shape;
            if matches!(shape, Shape::Sequence | Shape::Mapping) {
                let mistake = Diagnostic::error("a key must be text, not a list or a mapping").at(span);
                refused.push((key, mistake));
                continue;
            }
            if shape == Shape::Plain && text == "<<" {
                let mistake = Diagnostic::error("merge keys (`<<`) are not read here").at(span);
                refused.push((key, mistake.hint("write the keys out, or use an alias for the whole value")));
                continue;
            }
            let earlier = if few {
                let earlier = before.iter().copied().find(|&other| document.text(other) == text);
                before.push(key);
                earlier
            } else {
                match first.entry(text) {
                    Entry::Occupied(earlier) => Some(*earlier.get()),
                    Entry::Vacant(vacant) => {
                        vacant.insert(key);
                        None
                    }
                }
            };
            if let Some(earlier) = earlier {
                let mistake = Diagnostic::error(format!("key `{}` is written twice", shortened(text)))
                    .at(span)
                    .label("written again here")
                    .also(document.cell(earlier).span, "first written here")
                    .hint("remove or rename one of them");
                refused.push((key, mistake));
            }
        }
        for (key, mistake) in refused {
            self.document.cells[key as usize].passed_over = true;
            self.found.push(mistake);
        }
    }

    fn offset(&self, marker: Marker) -> u32 {
        count(marker.byte_offset().unwrap_or(self.document.source.text().len()))
    }

    /// The library's words name a rule of YAML, never the text; the excerpt is left out because where the syntax is
    /// broken nobody can tell which part of the line is a value.
    #[expect(clippy::wildcard_enum_match_arm, reason = "an open enum of eighty rules; few need a hint")]
    fn syntax_error(&self, error: &ScanError) -> Diagnostic {
        let at = self.offset(*error.marker());
        let mistake =
            Diagnostic::error(format!("this is not valid YAML: {}", error.info())).at(Span::new(at, at));
        let hint = match error.kind() {
            ErrorKind::RecursionLimitExceeded => return too_deep(Span::new(at, at)),
            ErrorKind::TabInPlainScalar => "YAML is indented with spaces, and a tab cannot follow a colon",
            ErrorKind::MappingValueNotAllowed => "put a value that contains `: ` in quotes",
            ErrorKind::SimpleKeyExpected => {
                "a line in a mapping is `key: value`, with a space after the colon"
            }
            ErrorKind::UnknownAnchor => {
                "a value that begins with `*` must be in quotes, unless an `&` names it above"
            }
            ErrorKind::UnexpectedCharacter { .. } => {
                "put a value that begins with a special character in quotes"
            }
            ErrorKind::ExpectedBlockMappingKey | ErrorKind::ExpectedBlockSequenceEntry => {
                "compare the indentation of this line with that of the lines before it"
            }
            _ => return mistake,
        };
        mistake.hint(hint)
    }
}

/// What stands between the first byte and the last; `None` where those are not whole characters, as they may be in a block
/// that has no quotes.
fn within_quotes(written: &str) -> Option<&str> {
    written.get(1..written.len().checked_sub(1)?)
}

fn too_deep(span: Span) -> Diagnostic {
    Diagnostic::error(format!("values are nested more than {DEPTH} levels deep")).at(span)
}
