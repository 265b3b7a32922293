//! What no crash, fault or race may break: the sentences of the design that every schedule is held against.

use std::fmt;

/// One of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Invariant {
    /// At every instant some durable version is accepted, and `current` is, except in the window that an in-place target
    /// makes unavoidable. No consumer holds a value that is refused.
    NoLockout,
    /// The value is in the primary store before the target hears of it, and the intent is in the journal before every
    /// effect.
    DurableBeforeEffect,
    /// No value in journal, audit or report.
    ValuesInside,
    /// Whatever may have happened is looked for before it is done again; one value for a rotation.
    AskFirst,
    /// One rotation of a secret at a time; nothing under a lease that is lost.
    OneRotation,
    /// The old value goes when the consumers are seen to have left it and the overlap is over.
    RetireOnEvidence,
    /// After a rotation that succeeded the old value is refused.
    OldValueDead,
    /// Nobody signs with a key that some verifier does not accept.
    VerifiersFirst,
    /// Once the faults stop, every rotation ends; a person is needed only where the far side said no for good.
    Converges,
    /// What passes by itself turns no rotation back.
    NoNeedlessUndo,
    /// At the end nothing is pending, no credential is left over, and everything agrees.
    NothingLeft,
    /// At the end the audit tells of everything and is whole.
    AuditWhole,
}

impl Invariant {
    /// Its name in reports.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NoLockout => "no lockout",
            Self::DurableBeforeEffect => "durable before effect",
            Self::ValuesInside => "no value outside",
            Self::AskFirst => "ask, don't assume",
            Self::OneRotation => "one rotation at a time",
            Self::RetireOnEvidence => "retire on evidence",
            Self::OldValueDead => "old value proven dead",
            Self::VerifiersFirst => "verifiers first",
            Self::Converges => "ends without an operator",
            Self::NoNeedlessUndo => "no needless undo",
            Self::NothingLeft => "nothing left over",
            Self::AuditWhole => "audit whole",
        }
    }
}

impl fmt::Display for Invariant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// An invariant that did not hold.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{invariant}: {what}")]
pub struct Violation {
    /// Which.
    pub invariant: Invariant,
    /// What was seen.
    pub what: String,
    /// How many requests had been made by then.
    pub after: usize,
}
