//! What happens to the secret: commands that run one after the other, and how it ends.

use std::fmt;

/// What happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Story {
    /// `rotate`, without an overlap.
    Forwards,
    /// `rotate`, and `retire` in its overlap.
    ForwardsWithOverlap,
    /// `rotate`, and `rollback` in its overlap.
    RolledBackByHand,
    /// The operator does not resume what was killed, but sends it back.
    RolledBackAfterTheKill,
    /// `rotate`, and no consumer moves.
    DeadlinePassed,
    /// `rotate`, and the target has no room for a new credential.
    Refused,
}

/// One command of a story.
pub struct Leg {
    /// The command.
    pub arguments: &'static [&'static str],
    /// The exit code when nothing happens to it.
    pub code: i32,
    /// Whether its boundaries are points of this story; those of the others are points of another one.
    pub killed: bool,
}

/// Which value there is in the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// The one that was made.
    New,
    /// The one that there was.
    Old,
}

const ROTATE: Leg = Leg { arguments: &["rotate", "db", "--yes"], code: 0, killed: true };
const ROTATE_IN_VAIN: Leg = Leg { code: 20, ..ROTATE };
const ROTATE_HALF_WAY: Leg = Leg { arguments: &["rotate", "db", "--yes", "--patience", "0s"], ..ROTATE };
const RETIRE: Leg = Leg { arguments: &["retire", "db", "--yes"], ..ROTATE };
const ROLL_BACK: Leg =
    Leg { arguments: &["rollback", "db", "--yes", "--reason", "second thoughts"], ..ROTATE };

impl Story {
    /// Those that happen to any secret.
    pub const ALL: [Self; 5] = [
        Self::Forwards,
        Self::ForwardsWithOverlap,
        Self::RolledBackByHand,
        Self::RolledBackAfterTheKill,
        Self::DeadlinePassed,
    ];

    /// Its commands.
    pub fn legs(self) -> &'static [Leg] {
        match self {
            Self::Forwards => &[ROTATE],
            Self::ForwardsWithOverlap => &[ROTATE, RETIRE],
            Self::RolledBackByHand => &[Leg { killed: false, ..ROTATE_HALF_WAY }, ROLL_BACK],
            Self::RolledBackAfterTheKill => &[ROTATE_HALF_WAY, Leg { killed: false, ..ROLL_BACK }],
            Self::DeadlinePassed | Self::Refused => &[ROTATE_IN_VAIN],
        }
    }

    /// What is typed after a kill.
    pub fn recovery(self) -> &'static [&'static str] {
        match self {
            Self::Forwards
            | Self::ForwardsWithOverlap
            | Self::RolledBackByHand
            | Self::DeadlinePassed
            | Self::Refused => &["resume", "--yes"],
            Self::RolledBackAfterTheKill => ROLL_BACK.arguments,
        }
    }

    /// How it ends.
    pub fn end(self) -> End {
        match self {
            Self::Forwards | Self::ForwardsWithOverlap => End::New,
            Self::RolledBackByHand | Self::RolledBackAfterTheKill | Self::DeadlinePassed | Self::Refused => {
                End::Old
            }
        }
    }

    /// The entry's overlap. Where old and new are accepted side by side, the way back has one as well.
    pub fn overlap(self, both_are_accepted: bool) -> &'static str {
        match self {
            Self::Forwards | Self::DeadlinePassed | Self::Refused => "0s",
            Self::RolledBackByHand | Self::RolledBackAfterTheKill if both_are_accepted => "1s",
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
            Self::DeadlinePassed => "back: deadline",
            Self::Refused => "back: refused",
        })
    }
}
