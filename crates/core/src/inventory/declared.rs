//! Stores, rotators and consumers: one key of each entry names the kind and holds the kind's own settings, the others
//! are the same for every kind.

use std::{collections::BTreeSet, num::NonZeroU32, sync::Arc};

use crate::{
    inventory::{notice::NoticeKeys, period::Period, reference::CredentialRef},
    provider::{Kind, Kinds, Settings, Surroundings},
    rotation::OnDeadline,
    yaml::{Diagnostic, Diagnostics, Node, Raw, near_miss},
};

/// The keys that every kind of one section has.
pub(super) struct Common {
    /// For error messages: `store`, `rotator`, `consumer`.
    pub(super) what: &'static str,
    /// The keys.
    pub(super) keys: &'static [&'static str],
}

pub(super) const STORE: Common = Common { what: "store", keys: &["concurrency", "calls-per-second"] };
pub(super) const ROTATOR: Common = Common { what: "rotator", keys: &["concurrency", "calls-per-second"] };
pub(super) const CONSUMER: Common = Common { what: "consumer", keys: &["deadline", "on-deadline"] };

pub(super) const NOTICE: Common =
    Common { what: "notice", keys: &["on", "secrets", "tiers", "tags", "template"] };

/// One entry of a section, its kind configured.
pub(super) struct Declared<T: ?Sized> {
    pub(super) name: String,
    pub(super) kind: &'static str,
    pub(super) made: Arc<T>,
    pub(super) concurrency: Option<usize>,
    pub(super) rate: Option<NonZeroU32>,
    pub(super) deadline: Option<Period>,
    pub(super) on_deadline: Option<OnDeadline>,
    pub(super) notice: NoticeKeys,
}

/// Reads a section. Entries with mistakes are reported and left out; their names are in `known` all the same, so that
/// whoever refers to them is not reported as well.
pub(super) fn section<T: ?Sized>(
    common: &Common,
    raw: Option<&Raw>,
    table: &[Arc<dyn Kind<T>>],
    kinds: &Kinds,
    surroundings: &Surroundings,
    diagnostics: &mut Diagnostics,
    known: &mut Vec<String>,
) -> Vec<Declared<T>> {
    let Some(raw) = raw else { return Vec::new() };
    let mut declared = Vec::new();
    for Named { name, value, .. } in named(raw.node(), common.what, diagnostics) {
        known.push(name.clone());
        let mut reader = EntryReader { common, table, kinds, surroundings, diagnostics };
        declared.extend(reader.read(name, value));
    }
    declared
}

/// One entry of a mapping whose keys are names.
pub(super) struct Named<'n> {
    pub(super) name: String,
    pub(super) key: Node<'n>,
    pub(super) value: Node<'n>,
}

/// The entries of a mapping whose keys are names. That none is there twice is seen to by the reader of the file.
pub(super) fn named<'n>(node: Node<'n>, what: &str, diagnostics: &mut Diagnostics) -> Vec<Named<'n>> {
    if node.is_null() {
        return Vec::new();
    }
    if !node.is_mapping() {
        diagnostics.push(
            Diagnostic::error(format!("expected a mapping from names to {what}s"))
                .at(node.span())
                .hint(format!("write `name: {{ … }}` for each {what}")),
        );
        return Vec::new();
    }
    let mut entries = Vec::new();
    for (key, value) in node.entries() {
        let Some(name) = key.raw_text() else {
            diagnostics.push(Diagnostic::error(format!("the name of a {what} is text")).at(key.span()));
            continue;
        };
        if !well_formed(name) {
            diagnostics.push(
                Diagnostic::error(format!("`{name}` cannot be the name of a {what}"))
                    .at(key.span())
                    .hint("letters, digits, `.`, `_` and `-`; a letter or digit first; at most 128 of them"),
            );
        }
        entries.push(Named { name: name.to_owned(), key, value });
    }
    entries
}

fn well_formed(name: &str) -> bool {
    name.len() <= 128
        && name.bytes().next().is_some_and(|byte| byte.is_ascii_alphanumeric())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte))
}

struct EntryReader<'a, T: ?Sized> {
    common: &'a Common,
    table: &'a [Arc<dyn Kind<T>>],
    kinds: &'a Kinds,
    surroundings: &'a Surroundings,
    diagnostics: &'a mut Diagnostics,
}

impl<T: ?Sized> EntryReader<'_, T> {
    fn read(&mut self, name: String, node: Node<'_>) -> Option<Declared<T>> {
        let what = self.common.what;
        if !node.is_mapping() {
            self.diagnostics.push(
                Diagnostic::error(format!("{what} `{name}` says nothing about its kind"))
                    .at(node.span())
                    .hint(format!("write one of {} below it", self.kind_names())),
            );
            return None;
        }
        let mut chosen: Option<(&Arc<dyn Kind<T>>, Node<'_>)> = None;
        let (mut concurrency, mut rate, mut deadline, mut on_deadline) = (None, None, None, None);
        let mut notice = NoticeKeys::default();
        let mut unknown = false;
        for (key, value) in node.entries() {
            let word = key.raw_text().unwrap_or_default();
            if let Some(kind) = self.table.iter().find(|kind| kind.name() == word) {
                if let Some((first, _)) = chosen.replace((kind, value)) {
                    self.diagnostics.push(
                        Diagnostic::error(format!(
                            "{what} `{name}` has two kinds, `{}` and `{word}`",
                            first.name()
                        ))
                        .at(key.span())
                        .hint("make it two entries"),
                    );
                }
            } else if self.common.keys.contains(&word) {
                match word {
                    "concurrency" => concurrency = self.read_concurrency(value),
                    "calls-per-second" => rate = self.read_rate(value),
                    "deadline" => deadline = crate::yaml::read(value, self.diagnostics),
                    "on-deadline" => on_deadline = crate::yaml::read(value, self.diagnostics),
                    _ => notice.read(word, value, self.diagnostics),
                }
            } else {
                unknown = true;
                self.unknown(word, key);
            }
        }
        let Some((kind, settings)) = chosen else {
            if !unknown {
                self.diagnostics.push(
                    Diagnostic::error(format!("{what} `{name}` says nothing about its kind"))
                        .at(node.span())
                        .hint(format!("write one of {} below it", self.kind_names())),
                );
            }
            return None;
        };
        refuse_references(kind.as_ref(), settings, self.diagnostics);
        let made =
            kind.configure(self.surroundings, Settings { node: settings, diagnostics: self.diagnostics })?;
        Some(Declared { name, kind: kind.name(), made, concurrency, rate, deadline, on_deadline, notice })
    }

    fn read_concurrency(&mut self, value: Node<'_>) -> Option<usize> {
        let number: Option<usize> = crate::yaml::read(value, self.diagnostics);
        if number == Some(0) {
            self.diagnostics
                .push(Diagnostic::error("at least 1 call must be allowed at once").at(value.span()));
        }
        number
    }

    fn read_rate(&mut self, value: Node<'_>) -> Option<NonZeroU32> {
        let number: u32 = crate::yaml::read(value, self.diagnostics)?;
        let rate = NonZeroU32::new(number);
        if rate.is_none() {
            self.diagnostics.push(
                Diagnostic::error("at least 1 call a second must be allowed")
                    .at(value.span())
                    .hint("leave `calls-per-second` out to allow as many as come"),
            );
        }
        rate
    }

    fn unknown(&mut self, word: &str, key: Node<'_>) {
        let what = self.common.what;
        if let Some(feature) = self.kinds.left_out.get(word) {
            self.diagnostics.push(
                Diagnostic::error(format!("this keywheel was built without {what}s of the kind `{word}`"))
                    .at(key.span())
                    .hint(format!("build it with the feature `{feature}`")),
            );
            return;
        }
        let words = self.table.iter().map(|kind| kind.name()).chain(self.common.keys.iter().copied());
        let hint = match near_miss(word, words) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!(
                "the kinds are {}; every {what} may have {}",
                self.kind_names(),
                quoted(self.common.keys.iter().copied())
            ),
        };
        self.diagnostics.push(
            Diagnostic::error(format!("`{word}` is no kind of {what}, and nothing else that one has"))
                .at(key.span())
                .hint(hint),
        );
    }

    fn kind_names(&self) -> String {
        if self.table.is_empty() {
            return "(none in this build)".to_owned();
        }
        quoted(self.table.iter().map(|kind| kind.name()))
    }
}

fn quoted<'w>(words: impl Iterator<Item = &'w str>) -> String {
    let words: Vec<_> = words.map(|word| format!("`{word}`")).collect();
    words.join(", ")
}

/// A reference such as `${env:NAME}` is read only where a credential is expected; elsewhere it would be taken to the
/// letter, which nobody means.
fn refuse_references<T: ?Sized>(kind: &dyn Kind<T>, settings: Node<'_>, diagnostics: &mut Diagnostics) {
    let mut generator = schemars::SchemaGenerator::default();
    let schema = kind.schema(&mut generator);
    let definitions = generator.definitions();
    let credential = |key: &str| {
        let property = schema.get("properties").and_then(|properties| properties.get(key));
        property.is_some_and(|property| holds_a_credential(property, definitions))
    };
    let mut left: Vec<Node<'_>> = settings
        .entries()
        .filter(|(key, _)| !key.raw_text().is_some_and(credential))
        .map(|(_, value)| value)
        .collect();
    while let Some(node) = left.pop() {
        refuse_reference(node, diagnostics);
        left.extend(node.items());
        left.extend(node.entries().map(|(_, value)| value));
    }
}

/// Whether a setting with this schema names a credential, itself or in one of its own settings.
fn holds_a_credential(
    schema: &serde_json::Value,
    definitions: &serde_json::Map<String, serde_json::Value>,
) -> bool {
    let mut left = vec![schema];
    let mut seen = BTreeSet::new();
    while let Some(part) = left.pop() {
        match part {
            serde_json::Value::Object(fields) => {
                left.extend(fields.values());
                let Some(name) = fields.get("$ref").and_then(|to| to.as_str()?.rsplit('/').next()) else {
                    continue;
                };
                if name == "CredentialRef" {
                    return true;
                }
                if seen.insert(name) {
                    left.extend(definitions.get(name));
                }
            }
            serde_json::Value::Array(items) => left.extend(items),
            serde_json::Value::Null
            | serde_json::Value::Bool(_)
            | serde_json::Value::Number(_)
            | serde_json::Value::String(_) => {}
        }
    }
    false
}

pub(super) fn refuse_reference(node: Node<'_>, diagnostics: &mut Diagnostics) {
    if node.raw_text().is_some_and(CredentialRef::looks_like_one) {
        diagnostics.push(
            Diagnostic::error("a reference is read only where a credential is expected")
                .at(node.span())
                .hint("write the text itself here"),
        );
    }
}
