//! Engines that are broken on purpose, one safeguard at a time: what catches each of them shows that the safeguard, and
//! the check, are there for a reason. Only in a build with the feature `mutants`, which nothing that is shipped has.

#[cfg(feature = "mutants")]
use std::sync::atomic::{AtomicU8, Ordering};

/// One safeguard that is left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Mutation {
    /// The intent is written when the effect has happened.
    IntentAfterEffect,
    /// What may have happened counts as not having happened.
    MaybeIsDidNot,
    /// A retry generates another value, whatever was staged.
    RegenerateOnRetry,
    /// Nobody compares fences or asks for the lease again.
    NoFencing,
    /// A consumer whose time is up counts as having moved.
    RetireOnTimer,
    /// The new value becomes current before a login with it was tried.
    PromoteBeforeVerify,
    /// A rotation can be turned back after the old value has begun to die.
    UndoPastRetire,
    /// Whoever takes up an unfinished rotation does not look how far it got.
    ResumeWithoutProbing,
    /// A signing key becomes current before its verifiers were seen to accept it.
    SigningBeforeAccept,
    /// A call that got no answer takes the pending value with it.
    PendingDroppedOnTimeout,
    /// A lease that was lost is taken again, and the work goes on.
    LeaseRenewedAfterLoss,
}

impl Mutation {
    /// Every one.
    pub const ALL: [Self; 11] = [
        Self::IntentAfterEffect,
        Self::MaybeIsDidNot,
        Self::RegenerateOnRetry,
        Self::NoFencing,
        Self::RetireOnTimer,
        Self::PromoteBeforeVerify,
        Self::UndoPastRetire,
        Self::ResumeWithoutProbing,
        Self::SigningBeforeAccept,
        Self::PendingDroppedOnTimeout,
        Self::LeaseRenewedAfterLoss,
    ];

    /// Its name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::IntentAfterEffect => "intent-after-effect",
            Self::MaybeIsDidNot => "maybe-is-did-not",
            Self::RegenerateOnRetry => "regenerate-on-retry",
            Self::NoFencing => "no-fencing",
            Self::RetireOnTimer => "retire-on-timer",
            Self::PromoteBeforeVerify => "promote-before-verify",
            Self::UndoPastRetire => "undo-past-retire",
            Self::ResumeWithoutProbing => "resume-without-probing",
            Self::SigningBeforeAccept => "signing-before-accept",
            Self::PendingDroppedOnTimeout => "pending-dropped-on-timeout",
            Self::LeaseRenewedAfterLoss => "lease-renewed-after-loss",
        }
    }
}

#[cfg(feature = "mutants")]
static CHOSEN: AtomicU8 = AtomicU8::new(NONE);

#[cfg(feature = "mutants")]
const NONE: u8 = u8::MAX;

/// From now on every engine of this process is broken in this way, or in none.
#[cfg(feature = "mutants")]
pub fn choose(mutation: Option<Mutation>) {
    CHOSEN.store(mutation.map_or(NONE, |mutation| mutation as u8), Ordering::SeqCst);
}

/// Whether this safeguard is left out.
#[cfg(feature = "mutants")]
pub fn mutated(mutation: Mutation) -> bool {
    CHOSEN.load(Ordering::Relaxed) == mutation as u8
}

/// Whether this safeguard is left out: never, in this build.
#[cfg(not(feature = "mutants"))]
pub const fn mutated(_mutation: Mutation) -> bool {
    false
}
