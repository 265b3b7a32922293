//! What is wrong with a file, collected until there is nothing more to find.

use std::{collections::HashSet, sync::Arc};

use serde::{Serialize, Serializer, ser::SerializeSeq};

use super::{
    document::Document,
    render::{self, Style},
    source::{Source, Span},
};

/// More than anybody reads; what comes after is counted, not kept.
const KEPT: usize = 10_000;

/// Whether the file can be used all the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// The file cannot be used.
    Error,
    /// The file can be used, but probably says something other than was meant.
    Warning,
}

/// One mistake: what it is, where, and what to do about it.
///
/// Texts must not repeat a value that may be a credential; control characters in them are made visible.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    pub(super) severity: Severity,
    pub(super) message: String,
    pub(super) span: Option<Span>,
    pub(super) label: Option<String>,
    pub(super) related: Vec<(Span, String)>,
    pub(super) hint: Option<String>,
}

impl Diagnostic {
    /// A mistake that makes the file unusable.
    pub fn error(message: impl AsRef<str>) -> Self {
        Self::new(Severity::Error, message.as_ref())
    }

    /// Something that was probably not meant.
    pub fn warning(message: impl AsRef<str>) -> Self {
        Self::new(Severity::Warning, message.as_ref())
    }

    fn new(severity: Severity, message: &str) -> Self {
        Self { severity, message: visible(message), span: None, label: None, related: Vec::new(), hint: None }
    }

    /// Where it is. `None`, as from a [`Located`](super::Located) that no file was read for, shows no place.
    #[must_use]
    pub fn at(mut self, span: impl Into<Option<Span>>) -> Self {
        self.span = span.into();
        self
    }

    /// A few words to stand beside the marks under the excerpt.
    #[must_use]
    pub fn label(mut self, label: impl AsRef<str>) -> Self {
        self.label = Some(visible(label.as_ref()));
        self
    }

    /// Another place that explains the mistake, such as "first written here".
    #[must_use]
    pub fn also(mut self, span: impl Into<Option<Span>>, label: impl AsRef<str>) -> Self {
        if let Some(span) = span.into() {
            self.related.push((span, visible(label.as_ref())));
        }
        self
    }

    /// What to write instead.
    #[must_use]
    pub fn hint(mut self, hint: impl AsRef<str>) -> Self {
        self.hint = Some(visible(hint.as_ref()));
        self
    }

    /// How serious it is.
    pub fn severity(&self) -> Severity {
        self.severity
    }

    /// What is wrong, in a sentence.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// Where it is.
    pub fn span(&self) -> Option<Span> {
        self.span
    }
}

/// Every mistake found in one file so far.
///
/// Serialises as a list of `{severity, file, line, column, message, hint, related}` in the order of the file.
#[derive(Debug)]
pub struct Diagnostics {
    pub(super) source: Arc<Source>,
    /// Without it nothing is known about which part of a line is a credential, so no line is shown.
    pub(super) document: Option<Arc<Document>>,
    kept: Vec<Diagnostic>,
    errors: usize,
    dropped: usize,
}

impl Diagnostics {
    /// Nothing wrong yet with `source`.
    pub fn new(source: Source) -> Self {
        Self { source: Arc::new(source), document: None, kept: Vec::new(), errors: 0, dropped: 0 }
    }

    /// The file that they are about.
    pub fn source(&self) -> &Arc<Source> {
        &self.source
    }

    /// Adds one.
    pub fn push(&mut self, diagnostic: Diagnostic) {
        self.errors += usize::from(diagnostic.severity == Severity::Error);
        if self.kept.len() < KEPT {
            self.kept.push(diagnostic);
        } else {
            self.dropped += 1;
        }
    }

    /// Whether the file cannot be used.
    pub fn has_errors(&self) -> bool {
        self.errors > 0
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.kept.len() + self.dropped
    }

    /// Whether nothing is wrong.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// In the order of the file, those without a place first. The same mistake found twice, as happens to a value
    /// that aliases repeat, comes once.
    pub fn sorted(&self) -> Vec<&Diagnostic> {
        let mut seen = HashSet::new();
        let mut sorted: Vec<_> =
            self.kept.iter().filter(|one| seen.insert((one.span, one.message.as_str()))).collect();
        sorted.sort_by_key(|one| one.span);
        sorted
    }

    /// For people: each with `path:line:column`, the line it is on and a hint; the first hundred of them. Values
    /// that look like credentials, and comments, show as `…`; where the file could not be parsed no line is shown.
    pub fn render(&self, style: Style) -> String {
        render::render(self, style)
    }

    /// How many were not kept.
    pub(super) fn dropped(&self) -> usize {
        self.dropped
    }
}

#[derive(Serialize)]
struct Reported<'a> {
    severity: Severity,
    file: &'a str,
    line: Option<u32>,
    column: Option<u32>,
    message: &'a str,
    hint: Option<&'a str>,
    related: Vec<Related<'a>>,
}

#[derive(Serialize)]
struct Related<'a> {
    line: u32,
    column: u32,
    label: &'a str,
}

impl Serialize for Diagnostics {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let sorted = self.sorted();
        let mut list = serializer.serialize_seq(Some(sorted.len()))?;
        for one in sorted {
            let position = one.span.map(|span| self.source.position(span.start));
            let related = one.related.iter().map(|(span, label)| {
                let position = self.source.position(span.start);
                Related { line: position.line, column: position.column, label }
            });
            list.serialize_element(&Reported {
                severity: one.severity,
                file: self.source.name(),
                line: position.map(|position| position.line),
                column: position.map(|position| position.column),
                message: &one.message,
                hint: one.hint.as_deref(),
                related: related.collect(),
            })?;
        }
        list.end()
    }
}

/// Text of the file as a message may repeat it: a long one says no more than its beginning.
pub(super) fn shortened(text: &str) -> String {
    const LONGEST: usize = 40;
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// Text from a file could move the cursor or recolour the terminal.
fn visible(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for letter in text.chars() {
        if letter.is_control()
            || matches!(letter, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
        {
            shown.extend(letter.escape_default());
        } else {
            shown.push(letter);
        }
    }
    shown
}
