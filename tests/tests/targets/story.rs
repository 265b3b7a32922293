//! What happens to the credential: commands that run one after the other, and how it ends.

use std::fmt;

use crate::server::Strategy;

/// What happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Story {
    Forwards,
    ForwardsWithOverlap,
    RolledBackByHand,
    /// The operator does not resume what was killed, but sends it back.
    RolledBackAfterTheKill,
}

/// One command of a story.
pub(crate) struct Leg {
    pub(crate) arguments: &'static [&'static str],
    /// Whether its boundaries are points of this story; those of the others are points of another one.
    pub(crate) killed: bool,
}

const ROTATE: Leg = Leg { arguments: &["rotate", "db", "--yes"], killed: true };
const RETIRE: Leg = Leg { arguments: &["retire", "db", "--yes"], killed: true };
const ROTATE_HALF_WAY: Leg = Leg { arguments: &["rotate", "db", "--yes", "--patience", "0s"], killed: true };
const ROLL_BACK: Leg =
    Leg { arguments: &["rollback", "db", "--yes", "--reason", "second thoughts"], killed: true };

impl Story {
    pub(crate) const ALL: [Self; 4] =
        [Self::Forwards, Self::ForwardsWithOverlap, Self::RolledBackByHand, Self::RolledBackAfterTheKill];

    pub(crate) fn legs(self) -> &'static [Leg] {
        match self {
            Self::Forwards => &[ROTATE],
            Self::ForwardsWithOverlap => &[Leg { killed: false, ..ROTATE_HALF_WAY }, RETIRE],
            Self::RolledBackByHand => &[Leg { killed: false, ..ROTATE_HALF_WAY }, ROLL_BACK],
            Self::RolledBackAfterTheKill => &[ROTATE_HALF_WAY, Leg { killed: false, ..ROLL_BACK }],
        }
    }

    /// What is typed after a kill.
    pub(crate) fn recovery(self) -> &'static [&'static str] {
        match self {
            Self::Forwards | Self::ForwardsWithOverlap | Self::RolledBackByHand => &["resume", "--yes"],
            Self::RolledBackAfterTheKill => ROLL_BACK.arguments,
        }
    }

    /// Whether the new value is current in the end.
    pub(crate) fn ends_with_the_new_value(self) -> bool {
        match self {
            Self::Forwards | Self::ForwardsWithOverlap => true,
            Self::RolledBackByHand | Self::RolledBackAfterTheKill => false,
        }
    }

    /// Where both credentials are accepted, the way back has an overlap as well.
    pub(crate) fn overlap(self, strategy: Strategy) -> &'static str {
        match self {
            Self::Forwards => "0s",
            Self::RolledBackByHand | Self::RolledBackAfterTheKill if strategy.keeps_old() => "1s",
            Self::ForwardsWithOverlap | Self::RolledBackByHand | Self::RolledBackAfterTheKill => "1h",
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
        })
    }
}
