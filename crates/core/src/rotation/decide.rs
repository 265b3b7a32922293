//! What comes next. Everything that decides between going on, waiting, going back and asking a person is here.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::{
    error::{Effect, ErrorKind},
    mutation::{Mutation, mutated},
    notifier::Phase,
    rotation::{
        action::Action,
        history::{Direction, Failure, History},
        record::Outcome,
        spec::OnDeadline,
    },
};

/// What the engine does next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Next {
    /// Write the intent, act, write the outcome. `probe_first` is set when an earlier attempt may have had an effect.
    Act {
        /// Which action.
        action: Action,
        /// Whether an earlier attempt may have had an effect.
        probe_first: bool,
    },
    /// The gate is open: write that it was passed.
    Pass(Action),
    /// Nothing before this time.
    Wait {
        /// The time.
        until: Timestamp,
        /// What for.
        why: WaitFor,
    },
    /// Write that the way leads back from here.
    TurnBack {
        /// Why.
        reason: String,
    },
    /// Write that a person is needed.
    Park {
        /// Why.
        reason: String,
    },
    /// A person is needed; it is written already.
    Parked,
    /// Write the end.
    Finish(Outcome),
    /// It has ended.
    Finished(Outcome),
}

/// What a waiting rotation waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WaitFor {
    /// Both values are accepted until then.
    Overlap,
    /// Another try after a failure.
    Retry,
}

impl History {
    /// Decides what comes next at `now`. Pure: the same history and time give the same answer in every process.
    pub fn next(&self, now: Timestamp) -> Next {
        if let Some(outcome) = self.outcome {
            return Next::Finished(outcome);
        }
        if self.parked.is_some() {
            return Next::Parked;
        }
        if self.facts.unchanged {
            return Next::Finish(Outcome::Unchanged);
        }
        let Some(action) = self.action() else {
            return Next::Finish(match self.direction {
                Direction::Forward => Outcome::Succeeded,
                Direction::Undo => Outcome::RolledBack,
            });
        };
        if let Some(failure) = &self.failure
            && failure.in_a_row > 0
            && self.in_flight.is_none()
        {
            return self.after_failure(action, failure, now);
        }
        if let Some(until) = self.settling(now) {
            return Next::Wait { until, why: WaitFor::Retry };
        }
        if action == Action::Overlap {
            return self.at_the_gate(now);
        }
        if self.is_gate(action) {
            return Next::Pass(action);
        }
        self.act(action)
    }

    /// When a retry or the end of the overlap falls due, as far as that is known now.
    pub fn due_at(&self, now: Timestamp) -> Option<Timestamp> {
        match self.next(now) {
            Next::Wait { until, .. } => Some(until),
            Next::Act { .. }
            | Next::Pass(_)
            | Next::TurnBack { .. }
            | Next::Park { .. }
            | Next::Finish(_) => Some(now),
            Next::Parked | Next::Finished(_) => None,
        }
    }

    /// Until when the way back waits for a request that got no answer: one that reaches an in-place target after the old
    /// value was found to be accepted would shut everybody out.
    fn settling(&self, now: Timestamp) -> Option<Timestamp> {
        let until = self.settled_at?;
        let left = Duration::try_from(until.duration_since(now)).ok()?;
        // A clock that was set back must not make it wait for days.
        (!left.is_zero() && left <= SETTLING).then_some(until)
    }

    fn act(&self, action: Action) -> Next {
        let may_have_happened = self.in_flight == Some(action) || self.uncertain;
        Next::Act { action, probe_first: may_have_happened && !mutated(Mutation::ResumeWithoutProbing) }
    }

    fn at_the_gate(&self, now: Timestamp) -> Next {
        // Nobody waits for the end of a value that never was.
        if self.direction == Direction::Forward && self.facts.old.is_empty() {
            return Next::Pass(Action::Overlap);
        }
        let until = after(self.last_done_at, self.spec().overlap);
        // A clock that was set back makes the overlap longer, never shorter.
        if self.overlap_cut || now >= until {
            Next::Pass(Action::Overlap)
        } else {
            Next::Wait { until, why: WaitFor::Overlap }
        }
    }

    fn after_failure(&self, action: Action, failure: &Failure, now: Timestamp) -> Next {
        if self.may_try_again(failure) {
            let until = after(failure.at, self.wait(action, failure));
            // After a clock was set back the failure lies in the future: waiting for it to come round helps nobody.
            return if now >= until || now < failure.at {
                self.act(action)
            } else {
                Next::Wait { until, why: WaitFor::Retry }
            };
        }
        let what = action.describe(self.spec());
        let reason = format!("{what} failed: {}", failure.message);
        if self.direction == Direction::Undo {
            return Next::Park { reason };
        }
        if failure.kind == ErrorKind::DeadlinePassed {
            return match self.on_deadline(action) {
                OnDeadline::RollBack if self.way_back().is_ok() => Next::TurnBack { reason },
                OnDeadline::RollBack | OnDeadline::Park => Next::Park { reason },
            };
        }
        if self.goes_back_by_itself() { Next::TurnBack { reason } } else { Next::Park { reason } }
    }

    /// How long before another try. A request that makes a credential may arrive after the next one has made another: where
    /// credentials stand side by side, nobody has the value of the first then, or knows whose it is; where one takes the
    /// other's place, the one that was taken is dead. By then a look shows it. A target that makes its next credential itself
    /// may also be trying again what it failed at.
    fn wait(&self, action: Action, failure: &Failure) -> Duration {
        let wait = self.spec().retry.wait(failure.in_a_row, self.id);
        let may_be_making = self.unanswered || (self.spec().reissues() && self.uncertain);
        if action == Action::Mint && may_be_making { wait.max(SETTLING) } else { wait }
    }

    /// Whether waiting may help: transient failures before the first promote a few times, afterwards for as long as it
    /// takes; an outcome that nobody knows, a few times whatever the kind, since only a look can tell.
    fn may_try_again(&self, failure: &Failure) -> bool {
        let attempts_left = failure.in_a_row < self.spec().retry.attempts;
        let can_go_back = self.direction == Direction::Forward && self.goes_back_by_itself();
        if failure.kind.is_transient() {
            return attempts_left || !can_go_back;
        }
        (failure.effect == Effect::MaybeApplied || self.uncertain)
            && failure.kind != ErrorKind::DeadlinePassed
            && attempts_left
    }

    /// Whether the stores and the target still agree on the old value, so that going back is the safe way out.
    fn goes_back_by_itself(&self) -> bool {
        !self.promotion_began() && !self.target_moved_on()
    }

    fn on_deadline(&self, action: Action) -> OnDeadline {
        // On the way back there is nowhere else to go: a person decides.
        match action.notice() {
            Some((consumer, Phase::NextPublished | Phase::Promoted)) => {
                self.spec().consumer(consumer).map_or(OnDeadline::Park, |consumer| consumer.on_deadline)
            }
            Some((_, Phase::RolledBack)) | None => OnDeadline::Park,
        }
    }
}

/// How long a request may be on its way after its caller has given it up: as long as it had for its answer.
pub(super) const SETTLING: Duration = Duration::from_secs(30);

pub(super) fn after(start: Timestamp, duration: Duration) -> Timestamp {
    SignedDuration::try_from(duration)
        .ok()
        .and_then(|duration| start.checked_add(duration).ok())
        .unwrap_or(Timestamp::MAX)
}
