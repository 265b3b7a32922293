//! What is wrong with a recipe, in words that go under the line where it stands.

use std::fmt;

/// One thing in a recipe that cannot be, or that the policy refuses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecipeMistake {
    /// The field as the operator writes it: `length`, `allow-short`, `exclude`.
    pub field: &'static str,
    /// What is wrong.
    pub message: String,
    /// What to write instead.
    pub hint: String,
}

impl RecipeMistake {
    pub(super) fn new(field: &'static str, message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { field, message: message.into(), hint: hint.into() }
    }
}

impl fmt::Display for RecipeMistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} ({})", self.field, self.message, self.hint)
    }
}

/// The lengths that a recipe may ask for.
pub(super) struct LengthRule {
    /// Below this a reason must be given.
    pub(super) least: usize,
    /// Above this is a slip of the pen.
    pub(super) most: usize,
    /// What is counted: `characters`, `bytes`.
    pub(super) unit: &'static str,
}

impl LengthRule {
    /// Adds what is wrong with `length`, given the reason in `allow-short`, to `mistakes`.
    pub(super) fn check(&self, length: usize, allow_short: Option<&str>, mistakes: &mut Vec<RecipeMistake>) {
        let Self { least, most, unit } = *self;
        let reason = allow_short.map(str::trim);
        if reason == Some("") {
            mistakes.push(RecipeMistake::new(
                "allow-short",
                "gives no reason",
                "say in a few words which system cannot take more",
            ));
        }
        if length == 0 {
            mistakes.push(RecipeMistake::new("length", "is 0", format!("use {least} {unit} or more")));
        } else if length > most {
            let message = format!("{length} {unit} are more than the {most} that a recipe may ask for");
            mistakes.push(RecipeMistake::new("length", message, format!("use {most} {unit} or fewer")));
        } else if length < least && reason.is_none() {
            let message = format!("{length} {unit} are fewer than {least}");
            let hint = format!("use {least} or more, or say why in `allow-short: \"…\"`");
            mistakes.push(RecipeMistake::new("length", message, hint));
        }
    }
}
