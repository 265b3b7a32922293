//! What checking the audit found.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// How many problems a verdict lists; the others are counted.
pub(super) const MOST_PROBLEMS: usize = 20;

/// What is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ProblemKind {
    /// A line is not what was signed.
    Edited,
    /// A line that nobody signed stands between signed ones, or after the last.
    Inserted,
    /// Lines are missing, and later ones are there.
    Removed,
    /// Lines stand after ones that they came before.
    Moved,
    /// A line stands there a second time.
    Repeated,
    /// Signed lines that do not continue each other: somebody with the key wrote another history.
    Forked,
    /// The last line has no end: a process died while it wrote, or the end was cut off.
    Torn,
    /// Lines that the journal knows of are missing at the end.
    CutShort,
    /// No line is signed with this key: it is another one, or the whole file was written anew.
    WrongKey,
    /// A newer keywheel wrote the line, and this build can judge neither it nor what follows.
    NewerFormat,
    /// The journal's note of the audit's head is damaged, so that nobody knows how long the audit was.
    DamagedNote,
}

impl ProblemKind {
    /// The name that displays write.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Edited => "edited",
            Self::Inserted => "inserted",
            Self::Removed => "removed",
            Self::Moved => "moved",
            Self::Repeated => "repeated",
            Self::Forked => "forked",
            Self::Torn => "torn",
            Self::CutShort => "cut-short",
            Self::WrongKey => "wrong-key",
            Self::NewerFormat => "newer-format",
            Self::DamagedNote => "damaged-note",
        }
    }
}

impl fmt::Display for ProblemKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct AuditProblem {
    /// The line where it shows, counted in the file from 1 as an editor counts; 0 for what is not in the file.
    pub line: u64,
    /// What kind.
    pub kind: ProblemKind,
    /// For a person.
    pub message: String,
}

/// What checking the audit found.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct AuditVerdict {
    /// How many whole lines the file has.
    pub lines: u64,
    /// The time of the first signed line.
    pub first_at: Option<Timestamp>,
    /// The time of the last signed line.
    pub last_at: Option<Timestamp>,
    /// What is wrong, in the order of the lines; at most 20.
    pub problems: Vec<AuditProblem>,
    /// How many more problems there are.
    pub further_problems: u64,
    /// Whether the end of the file was compared with what the journal knows. Without that a cut at the end of a line
    /// does not show.
    pub head_checked: bool,
}

impl AuditVerdict {
    /// Whether nothing is wrong, as far as was checked.
    pub fn is_intact(&self) -> bool {
        self.problems.is_empty()
    }

    /// Adds a problem, or counts it; tells where it stands in the list.
    pub(super) fn add(&mut self, line: u64, kind: ProblemKind, message: impl Into<String>) -> Option<usize> {
        if self.problems.len() == MOST_PROBLEMS {
            self.further_problems += 1;
            return None;
        }
        self.problems.push(AuditProblem { line, kind, message: message.into() });
        Some(self.problems.len() - 1)
    }
}
