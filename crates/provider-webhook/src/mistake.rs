//! What is wrong with the settings of one entry.

use keywheel_core::yaml::{Diagnostic, Diagnostics, Node};

/// One mistake in the settings, for the person who wrote them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistake {
    /// The setting, with dots between the levels: `evidence.http.pointer`.
    pub field: String,
    /// What is wrong with it.
    pub message: String,
    /// What to write instead.
    pub hint: String,
}

impl Mistake {
    pub(crate) fn new(field: impl Into<String>, message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { field: field.into(), message: message.into(), hint: hint.into() }
    }
}

/// Puts each mistake where its setting was written, or at the whole where it was left out.
pub(crate) fn report(mistakes: Vec<Mistake>, node: Node<'_>, diagnostics: &mut Diagnostics) {
    for mistake in mistakes {
        let mut place = node;
        for key in mistake.field.split('.') {
            let Some(inner) = place.get(key) else { break };
            place = inner;
        }
        diagnostics.push(Diagnostic::error(mistake.message).at(place.span()).hint(mistake.hint));
    }
}
