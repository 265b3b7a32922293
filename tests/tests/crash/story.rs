//! What happens to the secret: commands that run one after the other, and how it ends.

use std::fmt;

use keywheel_tests::Habit;

use crate::form::Form;

/// What happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Story {
    Forwards,
    ForwardsWithOverlap,
    RolledBackByHand,
    /// The operator does not resume what was killed, but sends it back.
    RolledBackAfterTheKill,
    DeadlinePassed,
}

/// One command of a story.
pub(crate) struct Leg {
    pub(crate) arguments: &'static [&'static str],
    /// The exit code when nothing kills it.
    pub(crate) code: i32,
    /// Whether its boundaries are points of this story; those of the others are points of another one.
    pub(crate) killed: bool,
}

/// Which value there is in the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    New,
    Old,
}

const ROTATE: Leg = Leg { arguments: &["rotate", "db", "--yes"], code: 0, killed: true };
const RETIRE: Leg = Leg { arguments: &["retire", "db", "--yes"], code: 0, killed: true };
const ROTATE_TO_THE_OVERLAP: Leg =
    Leg { arguments: &["rotate", "db", "--yes", "--patience", "0s"], code: 0, killed: false };
const ROTATE_HALF_WAY: Leg = Leg { killed: true, ..ROTATE_TO_THE_OVERLAP };
const ROLL_BACK_WHAT_IS_LEFT: Leg = Leg { killed: false, ..ROLL_BACK };
const ROLL_BACK: Leg =
    Leg { arguments: &["rollback", "db", "--yes", "--reason", "second thoughts"], code: 0, killed: true };
const ROTATE_IN_VAIN: Leg = Leg { arguments: &["rotate", "db", "--yes"], code: 20, killed: true };

impl Story {
    pub(crate) const ALL: [Self; 5] = [
        Self::Forwards,
        Self::ForwardsWithOverlap,
        Self::RolledBackByHand,
        Self::RolledBackAfterTheKill,
        Self::DeadlinePassed,
    ];

    pub(crate) fn legs(self) -> &'static [Leg] {
        match self {
            Self::Forwards => &[ROTATE],
            Self::ForwardsWithOverlap => &[ROTATE, RETIRE],
            Self::RolledBackByHand => &[ROTATE_TO_THE_OVERLAP, ROLL_BACK],
            Self::RolledBackAfterTheKill => &[ROTATE_HALF_WAY, ROLL_BACK_WHAT_IS_LEFT],
            Self::DeadlinePassed => &[ROTATE_IN_VAIN],
        }
    }

    /// What is typed after a kill.
    pub(crate) fn recovery(self) -> &'static [&'static str] {
        match self {
            Self::Forwards | Self::ForwardsWithOverlap | Self::RolledBackByHand | Self::DeadlinePassed => {
                &["resume", "--yes"]
            }
            Self::RolledBackAfterTheKill => ROLL_BACK.arguments,
        }
    }

    pub(crate) fn end(self) -> End {
        match self {
            Self::Forwards | Self::ForwardsWithOverlap => End::New,
            Self::RolledBackByHand | Self::RolledBackAfterTheKill | Self::DeadlinePassed => End::Old,
        }
    }

    pub(crate) fn overlap(self, form: Form) -> &'static str {
        match self {
            Self::Forwards | Self::DeadlinePassed => "0s",
            // On the way back a signing key stays accepted for the length of its overlap.
            Self::RolledBackByHand | Self::RolledBackAfterTheKill if form.is_ring() => "1s",
            Self::ForwardsWithOverlap | Self::RolledBackByHand | Self::RolledBackAfterTheKill => "1h",
        }
    }

    pub(crate) fn deadline(self) -> &'static str {
        match self {
            Self::Forwards
            | Self::ForwardsWithOverlap
            | Self::RolledBackByHand
            | Self::RolledBackAfterTheKill => "20s",
            Self::DeadlinePassed => "1s",
        }
    }

    pub(crate) fn habit(self) -> Habit {
        match self {
            Self::Forwards
            | Self::ForwardsWithOverlap
            | Self::RolledBackByHand
            | Self::RolledBackAfterTheKill => Habit::Reloads,
            Self::DeadlinePassed => Habit::NeverReloads,
        }
    }
}

impl fmt::Display for Story {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Forwards => "forwards",
            Self::ForwardsWithOverlap => "forwards, overlap, retire",
            Self::RolledBackByHand => "back: rollback",
            Self::RolledBackAfterTheKill => "kill, then rollback",
            Self::DeadlinePassed => "back: deadline",
        })
    }
}
