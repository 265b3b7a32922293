//! What was seen, and what it means for one notice.

use crate::{
    fingerprint::Fingerprint,
    notifier::{Adoption, Notice, Phase},
};

/// What one look at the evidence brought.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sight {
    /// Well-formed evidence.
    Shown {
        /// The version that the consumer uses.
        in_use: Option<Fingerprint>,
        /// What else it accepts.
        accepted: Vec<Fingerprint>,
    },
    /// It is certain that no version is shown; the words say how it looks.
    Nothing(String),
    /// Nothing can be said: unreadable, half-written, of another form. The words say why, without content.
    Unclear(String),
}

impl Sight {
    /// One list: the first is in use, the rest are accepted too.
    pub fn of(fingerprints: Vec<Fingerprint>) -> Self {
        let mut fingerprints = fingerprints.into_iter();
        Self::Shown { in_use: fingerprints.next(), accepted: fingerprints.collect() }
    }

    /// Whether this is what `notice` waits for. `place` is where it was seen.
    ///
    /// Equality is enough; the evidence need not be newer than the notice. Two versions have two fingerprints, so
    /// evidence from before the change names another one. When a rotation is rolled back to a version that the
    /// consumer never left, the old evidence is true.
    pub fn judge(self, notice: &Notice, place: &str) -> Adoption {
        match (notice.expected, notice.phase) {
            (Some(expected), phase) => self.judge_version(expected, phase, place),
            (None, Phase::RolledBack) => self.judge_absence(place),
            // Nothing could be evidence for a version that has no name.
            (None, Phase::NextPublished | Phase::Promoted) => {
                Adoption::NotYet { why: "the notice names no version to look for".to_owned() }
            }
        }
    }

    fn judge_version(self, expected: Fingerprint, phase: Phase, place: &str) -> Adoption {
        let (in_use, accepted) = match self {
            Self::Shown { in_use, accepted } => (in_use, accepted),
            Self::Nothing(why) | Self::Unclear(why) => {
                return Adoption::NotYet { why: format!("{place} {why}") };
            }
        };
        let accepts = accepted.contains(&expected);
        if in_use == Some(expected) {
            return Adoption::Yes { evidence: format!("{place} shows {expected} in use") };
        }
        match phase {
            Phase::NextPublished if accepts => {
                Adoption::Yes { evidence: format!("{place} shows {expected} accepted") }
            }
            Phase::NextPublished | Phase::Promoted | Phase::RolledBack => {
                let in_use = in_use.map_or_else(|| "none".to_owned(), |fingerprint| fingerprint.to_string());
                let but = if accepts { format!(", and {expected} only accepted") } else { String::new() };
                Adoption::NotYet { why: format!("{place} shows {in_use} in use{but}") }
            }
        }
    }

    /// The first version was taken back and there is none before it: the consumer has moved when it uses none.
    fn judge_absence(self, place: &str) -> Adoption {
        match self {
            Self::Shown { in_use: Some(in_use), accepted: _ } => Adoption::NotYet {
                why: format!("{place} still shows {in_use} in use, and it was taken back"),
            },
            Self::Shown { in_use: None, accepted: _ } => {
                Adoption::Yes { evidence: format!("{place} shows none in use") }
            }
            Self::Nothing(how) => Adoption::Yes { evidence: format!("{place} {how}") },
            Self::Unclear(why) => Adoption::NotYet { why: format!("{place} {why}") },
        }
    }
}
