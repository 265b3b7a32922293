//! What one process does: what a service manager would start, or an operator would type.

use std::sync::Arc;

use jiff::Timestamp;
use keywheel_core::{
    Clock, SecretName,
    plan::Selection,
    rotation::{Direction, Event, History, Next, WaitFor},
};
use keywheel_engine::Engine;

use super::Life;
use crate::{fault::Fault, invariant::Invariant, world::run};

/// A person who was asked so often about one rotation has no way on.
const PARKS: usize = 8;

impl Life<'_> {
    /// What brings a rotation on: what a service manager would start, or an operator would type.
    pub(super) fn decide(&mut self, installation: usize, history: Option<&History>) -> Work {
        let Some(history) = history else { return Work::Begin };
        let clock = self.world.network.clock();
        let next = history.next(clock.now());
        if next == Next::Parked {
            return self.answer(installation, history);
        }
        let wants_back = installation == 0
            && self.world.scenario.goal.is_undo()
            && history.direction == Direction::Forward
            && self.finished(installation) == 0;
        let Next::Wait { until, why } = next else {
            // Too late, as the operator does not know yet.
            let ending = history.may_exist().iter().any(|action| action.ends_the_old_value());
            return if wants_back && ending { Work::RollBackIfItCan } else { Work::Due };
        };
        if wants_back && (why == WaitFor::Overlap || history.promotion_began()) && history.way_back().is_ok()
        {
            return Work::RollBack;
        }
        clock.advance(until.duration_since(clock.now()).unsigned_abs());
        if wants_back { Work::RollBackIfItCan } else { Work::Due }
    }

    /// The person who is asked tries again, then goes back, then takes a consumer's move on trust.
    fn answer(&self, installation: usize, history: &History) -> Work {
        let parks = self.world.journals[installation].inspect(|records| {
            let parked = records
                .iter()
                .filter(|record| record.body.rotation == history.id)
                .filter(|record| matches!(record.body.event, Event::Parked { .. }));
            parked.count()
        });
        let lasting = self.world.network.met(Fault::is_lasting)
            || self.world.scenario.consumers.iter().any(|habit| !habit.moves());
        if !lasting {
            let reason = history.parked.as_ref().map_or("", |parked| parked.reason.as_str());
            self.world.judge.object(Invariant::Converges, format!("a person is needed: {reason}"));
        }
        if parks > PARKS {
            let reason = history.parked.as_ref().map_or("", |parked| parked.reason.as_str());
            self.world.judge.object(Invariant::Converges, format!("a person has no way on: {reason}"));
        }
        let ways = history.ways_on();
        if parks <= 1 {
            Work::GoOn
        } else if ways.roll_back || ways.give_up {
            Work::RollBack
        } else if ways.vouch {
            Work::Vouch
        } else {
            Work::GoOn
        }
    }
}

/// What one process does.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Work {
    Begin,
    Due,
    GoOn,
    RollBack,
    /// Asks for it where it must be refused, too.
    RollBackIfItCan,
    Vouch,
}

impl Work {
    /// Whether it takes a person.
    pub(super) fn is_typed(self) -> bool {
        match self {
            Self::Begin | Self::Due => false,
            Self::GoOn | Self::RollBack | Self::RollBackIfItCan | Self::Vouch => true,
        }
    }

    /// What it says in the end: to nobody, the next process looks for itself.
    pub(super) async fn carry_out(self, engine: &Arc<Engine>, secret: &SecretName, now: Timestamp) -> String {
        let due = |selection| async move { format!("{:?}", run(engine, &selection, now).await) };
        match self {
            Self::Begin => due(Selection::Names(vec![secret.clone()])).await,
            Self::Due => due(Selection::Due).await,
            Self::GoOn => format!("{:?}", engine.go_on(secret).await),
            Self::RollBack => format!("{:?}", engine.roll_back(secret, "the old value is wanted").await),
            Self::RollBackIfItCan => match engine.roll_back(secret, "the old value is wanted").await {
                Ok(report) => format!("{report:?}"),
                Err(_) => due(Selection::Due).await,
            },
            Self::Vouch => format!("{:?}", engine.vouch(secret, "somebody looked").await),
        }
    }
}
