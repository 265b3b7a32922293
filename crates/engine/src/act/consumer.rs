//! Actions on consumers.

use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBackoff, ExponentialBuilder};
use keywheel_core::{
    Effect, Error, ErrorKind, Result, SecretValue,
    inventory::Period,
    mutation::{Mutation, mutated},
    notifier::{Adoption, Notice, Notifier, Phase},
    rotation::{Action, ConsumerIndex, ConsumerSpec, StepFacts, StoreIndex, VersionFact},
    secret::Stage,
};

use crate::{act::acting::Acting, event::EngineEvent};

const FIRST_LOOK_AFTER: Duration = Duration::from_millis(20);
const LONGEST_BETWEEN_LOOKS: Duration = Duration::from_secs(2);

fn notice(acting: &Acting<'_>, phase: Phase) -> Notice {
    let facts = &acting.history.facts;
    let [new, old] = [&facts.new, &facts.old].map(|facts| facts.get(&StoreIndex::PRIMARY));
    let (version, replaced) = match phase {
        Phase::NextPublished | Phase::Promoted => (new, old),
        Phase::RolledBack => (old, new),
    };
    let identity = |version: Option<&VersionFact>| version.and_then(|version| version.identity.clone());
    Notice {
        rotation: acting.history.id,
        phase,
        secret: acting.history.spec().secret.clone(),
        expected: version.map(|version| version.fingerprint),
        identity: identity(version),
        replaced: identity(replaced),
        since: facts.moved_at.unwrap_or(acting.history.started_at),
    }
}

fn consumer<'a>(
    acting: &Acting<'a>,
    index: ConsumerIndex,
) -> Result<(&'a ConsumerSpec, std::sync::Arc<dyn Notifier>)> {
    let spec = acting.history.spec().consumer(index).ok_or_else(|| {
        Error::not_applied(ErrorKind::Internal, "find consumer", "the rotation has no such consumer")
    })?;
    Ok((spec, acting.handles().notifier(&spec.name)?))
}

/// The time that a consumer is given, spent in looks that grow rarer.
struct Patience {
    deadline: Duration,
    waited: Duration,
    pauses: ExponentialBackoff,
    told: String,
}

enum Waited {
    Look,
    TimeIsUp,
    Stopped,
}

impl Patience {
    fn with(spec: &ConsumerSpec) -> Self {
        let pauses = ExponentialBuilder::default()
            .with_min_delay(FIRST_LOOK_AFTER)
            .with_max_delay(LONGEST_BETWEEN_LOOKS)
            .with_factor(1.5)
            .without_max_times()
            .build();
        Self { deadline: spec.deadline, waited: Duration::ZERO, pauses, told: String::new() }
    }

    /// Waits for the next look; tells what stands in the way, once for each thing.
    async fn wait(&mut self, acting: &Acting<'_>, action: Action, why: &str) -> Waited {
        if self.waited >= self.deadline {
            why.clone_into(&mut self.told);
            return Waited::TimeIsUp;
        }
        if why != self.told {
            acting.engine.observer.on(&EngineEvent::NotYet { history: acting.history, action, why });
            why.clone_into(&mut self.told);
        }
        let left = self.deadline.saturating_sub(self.waited);
        let pause = self.pauses.next().unwrap_or(LONGEST_BETWEEN_LOOKS).min(left);
        tokio::select! {
            () = acting.engine.clock.sleep(pause) => {
                self.waited += pause;
                Waited::Look
            }
            () = acting.engine.stop.wait() => Waited::Stopped,
        }
    }

    fn over(&self, action: Action, what: &str) -> Error {
        let within = Period::from_secs(self.deadline.as_secs());
        Error::not_applied(
            ErrorKind::DeadlinePassed,
            action.step(),
            format!("{what} within {within}: {}", self.told),
        )
    }
}

/// The value that goes with `notice`: what consumers read in the primary store now, if that is the expected version. Not
/// the one that this process may have in memory: since it was promoted somebody may have made another one current, and
/// whoever is handed the value cannot look for itself.
async fn handed(acting: &Acting<'_>, action: Action, notice: &Notice) -> Result<Option<SecretValue>> {
    let Some(expected) = notice.expected else { return Ok(None) };
    let stage = match notice.phase {
        Phase::NextPublished => Stage::Next,
        Phase::Promoted | Phase::RolledBack => Stage::Current,
    };
    let place = acting.place(StoreIndex::PRIMARY)?;
    // Before the value is read: what cannot be written down does not happen.
    let engine = acting.engine;
    engine.audit.append_handover(&*engine.journal, acting.history, action, expected).await?;
    let value = place.secret.read(stage).await?;
    if acting.fingerprinter()?.of(&value) == expected {
        return Ok(Some(value));
    }
    let why = format!("what is {stage} is another value than the one to hand over: somebody else changed it");
    Err(Error::not_applied(ErrorKind::Conflict, "read value for consumer", why)
        .with("store", &place.at.store))
}

/// Tells one consumer. One that is gone may be on its way back, from a restart or a deployment: it has until its deadline.
/// `None` if the run was asked to stop meanwhile.
pub(super) async fn notify(
    acting: &mut Acting<'_>,
    action: Action,
    index: ConsumerIndex,
    phase: Phase,
) -> Result<Option<StepFacts>> {
    let (spec, notifier) = consumer(acting, index)?;
    let notice = notice(acting, phase);
    let value = if notifier.wants_value() { handed(acting, action, &notice).await? } else { None };
    let mut patience = Patience::with(spec);
    loop {
        let context = acting.context();
        let told = match &value {
            Some(value) => notifier.notify_with(&context, &notice, value).await,
            None => notifier.notify(&context, &notice).await,
        };
        let error = match told {
            Ok(()) => return Ok(Some(StepFacts::default())),
            Err(error) => error,
        };
        if error.kind != ErrorKind::NotFound || error.effect != Effect::NotApplied {
            return Err(error);
        }
        match patience.wait(acting, action, &error.to_string()).await {
            Waited::Look => {}
            Waited::TimeIsUp => {
                return Err(patience.over(action, &format!("{} could not be told", spec.name)));
            }
            Waited::Stopped => return Ok(None),
        }
    }
}

/// Looks until one consumer has moved, or its time is up. `None` if the run was asked to stop meanwhile.
pub(super) async fn adopt(
    acting: &mut Acting<'_>,
    action: Action,
    index: ConsumerIndex,
    phase: Phase,
) -> Result<Option<StepFacts>> {
    let (spec, notifier) = consumer(acting, index)?;
    let notice = notice(acting, phase);
    let mut patience = Patience::with(spec);
    loop {
        let why = match notifier.adopted(&notice).await {
            Ok(Adoption::Yes { evidence }) => return Ok(Some(StepFacts::evidence(evidence))),
            Ok(Adoption::Unobservable { accepted }) => {
                return Ok(Some(StepFacts::evidence(format!(
                    "not observed; the inventory says: {accepted}"
                ))));
            }
            Ok(Adoption::NotYet { why }) => why,
            // A look that failed says nothing about the consumer: look again until the time is up.
            Err(error) if error.kind.is_transient() => error.to_string(),
            Err(error) => return Err(error),
        };
        match patience.wait(acting, action, &why).await {
            Waited::Look => {}
            Waited::TimeIsUp if mutated(Mutation::RetireOnTimer) => return Ok(Some(StepFacts::default())),
            Waited::TimeIsUp => return Err(patience.over(action, &format!("{} did not move", spec.name))),
            Waited::Stopped => return Ok(None),
        }
    }
}
