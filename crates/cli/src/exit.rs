//! Exit codes. Scripts rely on them: a code never changes its meaning.

use std::process::ExitCode;

/// What the shell hears.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Exit(u8);

/// Done. A rotation that waits for its overlap to end counts as done: the new value is current.
pub const DONE: Exit = Exit(0);

/// It could not be done and nothing was changed, or a command that looks for problems found some.
pub const NOT_DONE: Exit = Exit(1);

/// The command line asks for something that cannot be.
pub const USAGE: Exit = Exit(2);

/// The inventory cannot be used, or a value breaks the policy.
pub const INVENTORY: Exit = Exit(3);

/// `plan --check`: something is due.
pub const DUE: Exit = Exit(10);

/// A rotation failed and was rolled back: the old value is current and works.
pub const ROLLED_BACK: Exit = Exit(20);

/// A rotation stands half way: parked for a person, waiting for another try after an error, or interrupted.
/// `keywheel resume` goes on with it.
pub const PARKED: Exit = Exit(21);

/// Another process holds the lease of a secret; nothing was changed by this one.
pub const HELD: Exit = Exit(22);

/// A saved plan no longer fits the world or the inventory; nothing was changed.
pub const STALE_PLAN: Exit = Exit(23);

/// Journal, keys or audit cannot be used: damaged, newer, locked or read-only.
pub const STATE: Exit = Exit(30);

/// A bug in keywheel.
pub const BUG: Exit = Exit(70);

/// Aborted by a second Ctrl-C: 128 + SIGINT, as a shell reports it. `keywheel resume` recovers.
pub const ABORTED: Exit = Exit(130);

/// From the least to the most severe, for runs whose items ended differently. What needs a person soonest comes last: a
/// secret that is half way outweighs one that is back where it was, and a journal that cannot be written outweighs both.
const SEVERITY: [Exit; 12] =
    [DONE, DUE, NOT_DONE, USAGE, INVENTORY, STALE_PLAN, HELD, ROLLED_BACK, PARKED, STATE, BUG, ABORTED];

impl Exit {
    /// The number.
    pub fn code(self) -> u8 {
        self.0
    }

    /// The more severe of the two.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        let rank = |exit| SEVERITY.iter().position(|known| *known == exit);
        if rank(other) > rank(self) { other } else { self }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.0)
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::half_way_outweighs_rolled_back(ROLLED_BACK, PARKED, PARKED)]
    #[case::in_either_order(PARKED, ROLLED_BACK, PARKED)]
    #[case::nothing_outweighs_itself(DONE, DONE, DONE)]
    #[case::held_outweighs_not_begun(NOT_DONE, HELD, HELD)]
    #[case::a_broken_journal_outweighs_every_rotation(PARKED, STATE, STATE)]
    fn the_most_severe_end_is_the_run_s(#[case] one: Exit, #[case] other: Exit, #[case] both: Exit) {
        assert_eq!(one.or(other), both);
    }
}
