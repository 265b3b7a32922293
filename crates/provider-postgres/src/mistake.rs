//! What is wrong with settings.

use keywheel_core::yaml::{Diagnostic, Diagnostics, Node};

/// One mistake in the settings, for the person who wrote them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Mistake {
    /// The setting, with dots between the levels: `login.user`.
    pub(crate) field: &'static str,
    pub(crate) message: String,
    pub(crate) hint: &'static str,
}

impl Mistake {
    pub(crate) fn new(field: &'static str, message: impl Into<String>, hint: &'static str) -> Self {
        Self { field, message: message.into(), hint }
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
