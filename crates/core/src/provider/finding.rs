//! What `doctor` found, and about which secrets.

use std::fmt::{Display, Write};

use serde::{Deserialize, Serialize};

use crate::id::SecretName;

/// How many names stand in a sentence before the rest is only counted.
const NAMED: usize = 3;

/// Something that `doctor` found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// How bad it is.
    pub severity: Severity,
    /// What is wrong.
    pub message: String,
    /// How to mend it.
    pub hint: Option<String>,
    /// The secrets that it is about, in order; empty when it is about all that is kept there.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub secrets: Vec<SecretName>,
}

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// A rotation would work, but something is not as it should be.
    Warning,
    /// A rotation would fail.
    Error,
}

impl Finding {
    /// A rotation would fail.
    pub fn error(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::new(Severity::Error, message, Some(hint.into()))
    }

    /// A rotation would work, but something is not as it should be.
    pub fn warning(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::new(Severity::Warning, message, Some(hint.into()))
    }

    /// A finding, perhaps without advice.
    pub fn new(severity: Severity, message: impl Into<String>, hint: Option<String>) -> Self {
        Self { severity, message: message.into(), hint, secrets: Vec::new() }
    }

    /// The finding is about these secrets alone.
    #[must_use]
    pub fn about<'n>(mut self, secrets: impl IntoIterator<Item = &'n SecretName>) -> Self {
        self.secrets.extend(secrets.into_iter().cloned());
        self.secrets.sort();
        self.secrets.dedup();
        self
    }
}

/// `findings` without repetitions: what is wrong with a hundred secrets in the same words is one finding about a hundred
/// secrets. The order is that of each one's first appearance.
pub fn merged(findings: Vec<Finding>) -> Vec<Finding> {
    let mut merged: Vec<Finding> = Vec::new();
    for finding in findings {
        let says_the_same = |other: &&mut Finding| {
            let same_scope = other.secrets.is_empty() == finding.secrets.is_empty();
            let same_words = other.message == finding.message && other.hint == finding.hint;
            same_scope && same_words && other.severity == finding.severity
        };
        match merged.iter_mut().find(says_the_same) {
            Some(other) => *other = other.clone().about(&finding.secrets),
            None => merged.push(finding),
        }
    }
    merged
}

/// Names for a sentence: all of them if they are few, else the first ones and how many more there are.
pub fn listed<T: Display>(names: impl IntoIterator<Item = T>) -> String {
    let names: Vec<String> = names.into_iter().map(|name| name.to_string()).collect();
    // "and 1 more" takes as much room as the name.
    let shown = if names.len() <= NAMED + 1 { names.len() } else { NAMED };
    let mut text = names[..shown].join(", ");
    if shown < names.len() {
        let _ = write!(text, " and {} more", names.len() - shown);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> SecretName {
        SecretName::new(text)
    }

    #[test]
    fn the_same_words_about_many_secrets_are_one_finding() {
        let wrong = |secret: &str| Finding::error("it is wrong", "mend it").about([&name(secret)]);
        let whole = Finding::error("it is wrong", "mend it");
        let mild = Finding::warning("it is wrong", "mend it").about([&name("c")]);
        let findings = vec![wrong("b"), whole.clone(), wrong("a"), mild.clone(), wrong("b")];
        let both = whole.clone().about([&name("a"), &name("b")]);
        assert_eq!(merged(findings), [both, whole, mild]);
    }

    #[test]
    fn many_names_are_counted() {
        assert_eq!(listed(["a"]), "a");
        assert_eq!(listed(["a", "b", "c", "d"]), "a, b, c, d");
        assert_eq!(listed(["a", "b", "c", "d", "e"]), "a, b, c and 2 more");
    }
}
