//! What is still open to a rotation that has not ended, and why the rest is not.

use serde::{Deserialize, Serialize};

use crate::{
    mutation::{Mutation, mutated},
    rotation::{
        action::{Action, StoreIndex},
        history::{Direction, History},
        spec::TargetSpec,
    },
};

/// What a person may do about an unfinished rotation, besides trying again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct WaysOn {
    /// Going back to the old value is open.
    pub roll_back: bool,
    /// Giving up is open: the stores keep the old value, and the target has another one.
    #[serde(default)]
    pub give_up: bool,
    /// It is a consumer that is waited for, and a person's word would do.
    pub vouch: bool,
}

impl History {
    /// Whether the old value has begun to die, so that there is no way back.
    pub fn past_return(&self) -> bool {
        let begun = self.may_exist().iter().any(|action| action.ends_the_old_value());
        begun && !mutated(Mutation::UndoPastRetire)
    }

    /// Whether any store may already show the new value as current.
    pub fn promotion_began(&self) -> bool {
        self.may_exist().iter().any(|action| matches!(action, Action::Promote(_)))
    }

    /// Whether the target may refuse the old value by now, and cannot be told it again.
    pub fn target_moved_on(&self) -> bool {
        let replaces = |target: &TargetSpec| target.strategy.reissues() && !target.strategy.keeps_old();
        self.spec().target.as_ref().is_some_and(replaces) && self.may_exist().contains(&Action::Mint)
    }

    /// What a person may do about it.
    pub fn ways_on(&self) -> WaysOn {
        let back = self.way_back().is_ok();
        WaysOn {
            roll_back: back && !self.target_moved_on(),
            give_up: back && self.target_moved_on(),
            vouch: self.action().and_then(Action::notice).is_some(),
        }
    }

    /// Whether the way back is open; if not, why.
    ///
    /// # Errors
    /// The reason, in words for the operator.
    pub fn way_back(&self) -> Result<(), &'static str> {
        if self.outcome.is_some() {
            return Err("the rotation has finished");
        }
        if self.direction == Direction::Undo {
            return Err("it is being rolled back already");
        }
        if self.past_return() {
            return Err("the old value is being retired");
        }
        if self.promotion_began() && self.target_moved_on() {
            return Err(
                "the target has made a new value in the place of the old one, which it cannot be told again",
            );
        }
        if self.promotion_began() && !self.facts.old.contains_key(&StoreIndex::PRIMARY) {
            return Err("there was no value before this one");
        }
        Ok(())
    }
}
