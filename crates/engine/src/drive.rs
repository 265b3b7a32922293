//! Drives one rotation: asks the state machine what comes next, writes the intent, acts, writes the outcome.

use std::{fmt, sync::Arc, time::Duration};

use jiff::Timestamp;
use keywheel_core::{
    Effect, Error, ErrorKind, Initiator, Result, SecretValue,
    mutation::{Mutation, mutated},
    plan::WaitingFor,
    rotation::{Action, Event, History, NewRecord, Next, Outcome, Record, StepFacts, StoreIndex, WaitFor},
};

use crate::{
    act::{self, Acting, Places},
    engine::{Engine, stopped},
    event::{EngineEvent, Point},
    lease::HeldLease,
    report::Ended,
};

/// The engine's own rules, as the initiator of what they decide.
const ENGINE: &str = "keywheel";

/// One rotation under one lease.
pub(crate) struct Drive<'a> {
    engine: &'a Arc<Engine>,
    lease: &'a Arc<HeldLease>,
    history: History,
    places: Places,
    /// The step whose intent was written together with the outcome of the one before it.
    begun: Option<Begun>,
}

/// A step with an intent and no outcome yet.
struct Begun {
    action: Action,
    probe_first: bool,
}

impl<'a> Drive<'a> {
    pub(crate) fn new(engine: &'a Arc<Engine>, lease: &'a Arc<HeldLease>, history: History) -> Self {
        Self { engine, lease, history, places: Places::default(), begun: None }
    }

    /// Goes on until the rotation finished, waits for longer than this run does, is parked, or is asked to stop.
    #[tracing::instrument(name = "rotation", skip_all, fields(secret = %self.history.spec().secret, id = %self.history.id))]
    pub(crate) async fn run(mut self) -> Ended {
        let mut new_value = None;
        loop {
            match self.step(&mut new_value).await {
                Ok(None) => {}
                Ok(Some(ended)) => return ended,
                // The journal could not be written, or the lease is lost: whatever is next must not happen.
                Err(error) => return stopped(&error),
            }
        }
    }

    async fn step(&mut self, new_value: &mut Option<SecretValue>) -> Result<Option<Ended>> {
        if let Some(begun) = self.begun.take() {
            return self.act(begun, new_value).await;
        }
        let now = self.engine.clock.now();
        match self.history.next(now) {
            Next::Finished(outcome) => {
                let reason = self.history.undo.as_ref().map(|undo| undo.reason.clone());
                return Ok(Some(Ended::Finished { outcome, reason }));
            }
            Next::Parked => {
                let reason =
                    self.history.parked.as_ref().map_or_else(String::new, |parked| parked.reason.clone());
                return Ok(Some(Ended::Parked { reason, ways_on: self.history.ways_on() }));
            }
            Next::Wait { until, why } => return Ok(self.wait(now, until, why).await),
            Next::Act { action, probe_first } => {
                if self.engine.stop.requested() {
                    return Ok(Some(self.interrupted()));
                }
                self.engine.boundary.at(Point::BeforeIntent, &self.history, action);
                if intent_first() {
                    self.record(Event::Begin { action }).await?;
                }
                return self.act(Begun { action, probe_first }, new_value).await;
            }
            Next::Pass(action) => self.record(passed(&self.history, action)).await?,
            Next::TurnBack { reason } => {
                self.record(Event::UndoBegan { reason, initiator: Initiator::from(ENGINE) }).await?;
            }
            Next::Park { reason } => self.record(Event::Parked { reason }).await?,
            Next::Finish(outcome) => {
                let event = finished(self.engine, &self.history, outcome).await;
                self.record(event).await?;
            }
        }
        Ok(None)
    }

    /// Does a step whose intent is written.
    async fn act(&mut self, begun: Begun, new_value: &mut Option<SecretValue>) -> Result<Option<Ended>> {
        let Begun { action, probe_first } = begun;
        let boundary = Arc::clone(&self.engine.boundary);
        let step = action.describe(self.history.spec());
        tracing::debug!(%step, probe_first, "next step");
        boundary.at(Point::AfterIntent, &self.history, action);
        let acting = Acting {
            engine: self.engine,
            history: &self.history,
            lease: self.lease,
            probe_first,
            places: &self.places,
            new_value,
        };
        let outcome = act::perform(acting, action).await;
        if !intent_first() {
            self.record(Event::Begin { action }).await?;
        }
        boundary.at(Point::AfterEffect, &self.history, action);
        let event = match outcome {
            Ok(Some(facts)) => {
                tracing::info!(%step, evidence = facts.evidence.as_deref(), "step done");
                Event::Done { action, facts }
            }
            // Asked to stop while only looking: the intent stays open, and the next run looks again.
            Ok(None) => return Ok(Some(self.interrupted())),
            Err(error) if error.kind == ErrorKind::Fenced => return Err(error),
            Err(error) => {
                tracing::warn!(%step, kind = %error.kind, effect = ?error.effect, %error, "step failed");
                let certain = mutated(Mutation::MaybeIsDidNot);
                let effect = if certain { Effect::NotApplied } else { error.effect };
                Event::Failed { action, kind: error.kind, effect, message: error.to_string() }
            }
        };
        self.conclude(event).await?;
        boundary.at(Point::AfterOutcome, &self.history, action);
        Ok(None)
    }

    /// Writes the outcome of a step, and with it what follows without anything being done in between: gates that are
    /// open, the intent of the next step or the end. One commit of the journal instead of one for each.
    async fn conclude(&mut self, outcome: Event) -> Result<()> {
        let mut ahead = self.history.clone();
        let mut records = vec![self.foresee(&mut ahead, outcome)?];
        loop {
            let event = match ahead.next(self.engine.clock.now()) {
                Next::Pass(action) => passed(&ahead, action),
                Next::Act { action, probe_first } if intent_first() && !self.engine.stop.requested() => {
                    self.engine.boundary.at(Point::BeforeIntent, &ahead, action);
                    self.begun = Some(Begun { action, probe_first });
                    Event::Begin { action }
                }
                // Of one that was undone somebody has to look what is current.
                Next::Finish(outcome @ (Outcome::Succeeded | Outcome::Unchanged)) => {
                    finished(self.engine, &ahead, outcome).await
                }
                Next::Act { .. }
                | Next::Finished(_)
                | Next::Finish(Outcome::RolledBack)
                | Next::Parked
                | Next::Park { .. }
                | Next::TurnBack { .. }
                | Next::Wait { .. } => break,
            };
            let last = !matches!(event, Event::Done { .. });
            records.push(self.foresee(&mut ahead, event)?);
            if last {
                break;
            }
        }
        let written = self.lease.append_all(records).await?;
        for record in written {
            recorded(self.engine, &mut self.history, &record)?;
        }
        Ok(())
    }

    /// `event` as the next record, folded into what there will be.
    fn foresee(&self, ahead: &mut History, event: Event) -> Result<NewRecord> {
        let record = new_record(self.engine, self.lease, ahead, event);
        // Before it is written: what is in the journal stays, and a story that cannot be folded locks the secret for good.
        ahead.foresee(&record).map_err(illegal)?;
        Ok(record)
    }

    async fn wait(&self, now: Timestamp, until: Timestamp, why: WaitFor) -> Option<Ended> {
        let why_in_words = WaitingFor::from_wait(why, &self.history);
        let left = Duration::try_from(until.duration_since(now)).unwrap_or(Duration::ZERO);
        if left > self.engine.patience {
            return Some(Ended::Waiting { until, why: why_in_words });
        }
        self.engine.observer.on(&EngineEvent::Waits { history: &self.history, until, why: why_in_words });
        tokio::select! {
            () = self.engine.clock.sleep(left) => None,
            () = self.engine.stop.wait() => Some(self.interrupted()),
        }
    }

    fn interrupted(&self) -> Ended {
        let next_step = self
            .history
            .action()
            .map_or_else(|| "finish".to_owned(), |action| action.describe(self.history.spec()));
        Ended::Interrupted { next_step }
    }

    async fn record(&mut self, event: Event) -> Result<()> {
        record(self.engine, self.lease, &mut self.history, event).await
    }
}

/// Makes `event` durable, folds it in, and tells the observer: in this order.
pub(crate) async fn record(
    engine: &Engine,
    lease: &HeldLease,
    history: &mut History,
    event: Event,
) -> Result<()> {
    let record = new_record(engine, lease, history, event);
    // As in `foresee`.
    history.admits(&record).map_err(illegal)?;
    let record = lease.append(record).await?;
    recorded(engine, history, &record)
}

fn new_record(engine: &Engine, lease: &HeldLease, history: &History, event: Event) -> NewRecord {
    NewRecord {
        rotation: history.id,
        secret: history.spec().secret.clone(),
        at: engine.clock.now(),
        fence: lease.fence(),
        event,
    }
}

/// Folds in what is durable by now, and tells the observer.
fn recorded(engine: &Engine, history: &mut History, record: &Record) -> Result<()> {
    tracing::trace!(seq = record.seq, event = record.body.event.name(), "recorded");
    history.apply(record).map_err(|refused| illegal(refused.why))?;
    engine.observer.on(&EngineEvent::Recorded { record, history });
    Ok(())
}

fn illegal(why: impl fmt::Display) -> Error {
    let message = format!("a record that cannot follow was about to be written: {why}");
    Error::not_applied(ErrorKind::Internal, "write record", message)
}

async fn finished(engine: &Arc<Engine>, history: &History, outcome: Outcome) -> Event {
    let facts = &history.facts;
    let (rotated_at, current) = match outcome {
        Outcome::Succeeded => (facts.promoted_at, facts.new.get(&StoreIndex::PRIMARY)),
        Outcome::Unchanged => (None, facts.old.get(&StoreIndex::PRIMARY)),
        // What was current before need not be: an editor's change may be why it was rolled back.
        Outcome::RolledBack => {
            let current = act::current_fingerprint(engine, history).await;
            return Event::Finished { outcome, rotated_at: None, current };
        }
    };
    Event::Finished { outcome, rotated_at, current: current.map(|version| version.fingerprint) }
}

/// A gate that is open.
fn passed(history: &History, action: Action) -> Event {
    let vouched = action.notice().and_then(|notice| history.vouched.get(&notice));
    let facts =
        vouched.map_or_else(StepFacts::default, |words| StepFacts::evidence(format!("vouched for: {words}")));
    Event::Done { action, facts }
}

fn intent_first() -> bool {
    !mutated(Mutation::IntentAfterEffect)
}
