//! A model of the stores, the target and the consumers, to say whether what the state machine asked for hurt anybody.

use std::collections::BTreeSet;

use crate::{
    notifier::Phase,
    rotation::{Action, Flow, Outcome, RotationSpec},
};

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Value {
    Old,
    New,
}

#[derive(Clone, Debug)]
struct Shelf {
    current: Value,
    holds_old: bool,
    holds_new: bool,
    shows_next: bool,
}

#[derive(Clone, Debug)]
pub(super) struct World {
    spec: RotationSpec,
    shelves: Vec<Shelf>,
    accepted: BTreeSet<Value>,
    /// For each consumer, the values that it may be using: it can restart, and read again, at any time.
    may_use: Vec<BTreeSet<Value>>,
}

impl World {
    pub(super) fn before(spec: &RotationSpec) -> Self {
        let shelf = Shelf { current: Value::Old, holds_old: true, holds_new: false, shows_next: false };
        Self {
            spec: spec.clone(),
            shelves: vec![shelf; spec.stores.len()],
            accepted: [Value::Old].into(),
            may_use: vec![[Value::Old].into(); spec.consumers.len()],
        }
    }

    /// The effect of `action`, once more or for the first time.
    pub(super) fn suffer(&mut self, action: Action) {
        match action {
            Action::Mint => {
                if !self.keeps_old() {
                    self.accepted.clear();
                }
                self.accepted.insert(Value::New);
                self.shelves[0].holds_new = true;
            }
            Action::Stage(store) => self.shelf(store.0).holds_new = true,
            Action::Apply => {
                assert!(self.shelves[0].holds_new, "a target hears of a value that is not durable");
                self.accepted.insert(Value::New);
                if !self.keeps_old() {
                    self.accepted.remove(&Value::Old);
                }
            }
            Action::PublishNext(store) => {
                assert!(self.shelf(store.0).holds_new, "published before staged");
                self.shelf(store.0).shows_next = true;
            }
            Action::Promote(store) => {
                assert!(self.shelf(store.0).holds_new, "promoted before staged");
                if self.spec.flow == Flow::SigningKey {
                    let all_published = self.shelves.iter().all(|shelf| shelf.shows_next);
                    assert!(all_published, "a key is signed with before every verifier could read it");
                }
                self.shelf(store.0).current = Value::New;
                self.anyone_may_use(Value::New);
            }
            Action::Unpromote(store) => {
                assert!(self.shelf(store.0).holds_old, "there is nothing to go back to");
                self.shelf(store.0).current = Value::Old;
                self.anyone_may_use(Value::Old);
            }
            Action::Revoke => {
                self.nobody_uses(Value::Old);
                self.accepted.remove(&Value::Old);
            }
            Action::Unapply => {
                if self.keeps_old() {
                    self.nobody_uses(Value::New);
                }
                self.accepted = [Value::Old].into();
            }
            Action::Retire(store) => {
                self.nobody_uses(Value::Old);
                assert_eq!(self.shelf(store.0).current, Value::New, "the current value is retired");
                self.shelf(store.0).holds_old = false;
            }
            Action::Discard(store) => {
                self.nobody_uses(Value::New);
                assert_eq!(self.shelf(store.0).current, Value::Old, "the current value is discarded");
                self.shelf(store.0).holds_new = false;
                self.shelf(store.0).shows_next = false;
            }
            Action::Look
            | Action::Notify(..)
            | Action::Adopt(..)
            | Action::Verify
            | Action::Overlap
            | Action::Confirm => {}
        }
        self.nobody_is_locked_out();
    }

    /// What is certain once the outcome of `action` is written.
    pub(super) fn learn(&mut self, action: Action) {
        match action {
            Action::Adopt(consumer, Phase::Promoted) => {
                self.may_use[usize::from(consumer.0)] = [Value::New].into();
            }
            Action::Adopt(consumer, Phase::RolledBack) => {
                self.may_use[usize::from(consumer.0)] = [Value::Old].into();
            }
            Action::Confirm => assert!(!self.accepted.contains(&Value::Old), "the old value still works"),
            Action::Verify => assert!(self.accepted.contains(&Value::New), "the new value does not work"),
            Action::Adopt(_, Phase::NextPublished)
            | Action::Look
            | Action::Mint
            | Action::Stage(_)
            | Action::Apply
            | Action::PublishNext(_)
            | Action::Promote(_)
            | Action::Notify(..)
            | Action::Overlap
            | Action::Revoke
            | Action::Retire(_)
            | Action::Unpromote(_)
            | Action::Unapply
            | Action::Discard(_) => {}
        }
    }

    pub(super) fn ends_well(&self, outcome: Outcome) {
        let (stays, goes) = match outcome {
            Outcome::Succeeded => (Value::New, Value::Old),
            Outcome::RolledBack | Outcome::Unchanged => (Value::Old, Value::New),
        };
        for shelf in &self.shelves {
            assert_eq!(shelf.current, stays, "{outcome}: {self:?}");
            let leftover = if goes == Value::New { shelf.holds_new } else { shelf.holds_old };
            assert!(!leftover, "{outcome}, and yet a store keeps the other value: {self:?}");
        }
        let Some(target) = &self.spec.target else { return };
        if outcome == Outcome::RolledBack && target.strategy.reissues() {
            // What such a target has made stays made, and in the place of the old one if there is room for one alone.
            let old_is_left = !self.keeps_old() || self.accepted.contains(&Value::Old);
            assert!(old_is_left && !self.accepted.is_empty(), "{outcome}: {self:?}");
            return;
        }
        assert_eq!(self.accepted, [stays].into(), "{outcome}: {self:?}");
    }

    fn nobody_is_locked_out(&self) {
        if self.spec.target.is_none() {
            return;
        }
        // A target that makes its one credential itself hands it out, and is what durably keeps it.
        if self.spec.reissues() && !self.keeps_old() {
            return;
        }
        let holds = |value| {
            self.shelves
                .iter()
                .any(|shelf| if value == Value::New { shelf.holds_new } else { shelf.holds_old })
        };
        assert!(self.accepted.iter().any(|value| holds(*value)), "no stored value is accepted: {self:?}");
        if self.keeps_old() {
            for shelf in &self.shelves {
                assert!(self.accepted.contains(&shelf.current), "current is refused: {self:?}");
            }
        }
    }

    fn nobody_uses(&self, value: Value) {
        let used = self.may_use.iter().any(|values| values.contains(&value));
        assert!(!used, "a consumer may still use the value that is going: {self:?}");
    }

    fn anyone_may_use(&mut self, value: Value) {
        for values in &mut self.may_use {
            values.insert(value);
        }
    }

    fn keeps_old(&self) -> bool {
        self.spec.target.as_ref().is_none_or(|target| target.strategy.keeps_old())
    }

    fn shelf(&mut self, index: u16) -> &mut Shelf {
        &mut self.shelves[usize::from(index)]
    }
}
