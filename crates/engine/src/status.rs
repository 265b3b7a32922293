//! Where every secret stands: from the journal and the policy alone, no store is looked at.

use jiff::{SignedDuration, Timestamp};
use keywheel_core::{
    Result, RotationId, SecretName,
    inventory::{Automation, SecretEntry},
    journal::LastRotation,
    rotation::{Direction, History, Next, WaitFor},
};
use serde::Serialize;

use crate::{engine::Engine, observe};

/// One secret.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct SecretStatus {
    /// Its name.
    pub secret: SecretName,
    /// Who answers for it.
    pub owner: Option<String>,
    /// Its environment.
    pub environment: Option<String>,
    /// Its tier.
    pub tier: Option<String>,
    /// Who rotates it.
    pub automation: Automation,
    /// Where it stands.
    pub state: State,
    /// When its current value became current, as far as the journal knows.
    pub rotated_at: Option<Timestamp>,
    /// When it is due, if it has a period and was rotated.
    pub due_at: Option<Timestamp>,
    /// Its last finished rotation.
    pub last: Option<LastRotation>,
    /// Its unfinished rotation.
    pub unfinished: Option<Unfinished>,
}

/// Where a secret stands, the most urgent first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// Its rotation waits for a person.
    Parked,
    /// Its rotation has something to do now: it was interrupted, or another process is at it.
    Unfinished,
    /// Its rotation failed and is tried again later.
    Retrying,
    /// Its period is over.
    Overdue,
    /// It has a period, and no rotation is on record.
    NeverRotated,
    /// Old and new are both accepted.
    Overlap,
    /// Rotated, and not due.
    Fresh,
    /// It has no period.
    OnDemand,
    /// Its environment is not rotatable.
    Frozen,
}

impl State {
    /// The word that tables and JSON use.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Parked => "parked",
            Self::Unfinished => "unfinished",
            Self::Retrying => "retrying",
            Self::Overdue => "overdue",
            Self::NeverRotated => "never-rotated",
            Self::Overlap => "overlap",
            Self::Fresh => "fresh",
            Self::OnDemand => "on-demand",
            Self::Frozen => "frozen",
        }
    }
}

/// An unfinished rotation.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Unfinished {
    /// The rotation.
    pub rotation: RotationId,
    /// When it began.
    pub since: Timestamp,
    /// Who began it.
    pub initiator: String,
    /// The step at hand, in words.
    pub step: String,
    /// Steps done, of how many.
    pub done: usize,
    /// All steps of the present direction.
    pub steps: usize,
    /// Whether it is on its way back.
    pub undoing: bool,
    /// Until when it waits, if it does.
    pub until: Option<Timestamp>,
    /// Why it is parked, or what failed last.
    pub trouble: Option<String>,
}

/// Where every secret of the inventory stands, in its order.
///
/// # Errors
/// When the journal cannot be read.
pub async fn status(engine: &Engine, now: Timestamp) -> Result<Vec<SecretStatus>> {
    let unfinished = observe::unfinished(engine.journal.as_ref()).await?;
    let mut last: std::collections::HashMap<_, _> =
        engine.journal.last_rotations().await?.into_iter().map(|last| (last.secret.clone(), last)).collect();
    let mut statuses: Vec<_> = engine
        .inventory
        .secrets
        .iter()
        .map(|entry| one(entry, unfinished.get(&entry.name), last.remove(&entry.name), now))
        .collect();
    let gone = unfinished.iter().filter(|(name, _)| engine.inventory.secret(name).is_none());
    statuses.extend(gone.map(|(name, history)| gone_from_inventory(name, history, now)));
    Ok(statuses)
}

fn one(
    entry: &SecretEntry,
    history: Option<&History>,
    last: Option<LastRotation>,
    now: Timestamp,
) -> SecretStatus {
    let rotated_at = history
        .and_then(|history| history.facts.promoted_at)
        .or_else(|| last.as_ref().and_then(|last| last.rotated_at));
    let due_at =
        rotated_at.zip(entry.every).and_then(|(at, every)| at.checked_add(SignedDuration::from(every)).ok());
    let state = match history {
        Some(history) => unfinished_state(history, now),
        None if entry.frozen().is_some() => State::Frozen,
        None if due_at.is_some_and(|due| due <= now) => State::Overdue,
        None if entry.every.is_none() => State::OnDemand,
        None if rotated_at.is_none() => State::NeverRotated,
        None => State::Fresh,
    };
    SecretStatus {
        secret: entry.name.clone(),
        owner: entry.owner.as_deref().map(str::to_owned),
        environment: entry.environment.as_ref().map(|environment| environment.name.to_string()),
        tier: entry.tier.as_ref().map(|tier| tier.name.to_string()),
        automation: entry.automation,
        state,
        rotated_at,
        due_at,
        last,
        unfinished: history.map(|history| unfinished(history, now)),
    }
}

/// An unfinished rotation whose entry somebody removed: it is shown, or nobody would ever end it.
fn gone_from_inventory(name: &SecretName, history: &History, now: Timestamp) -> SecretStatus {
    let trouble = "the inventory has no such secret any more: put its entry back, then `keywheel resume`";
    SecretStatus {
        secret: name.clone(),
        owner: None,
        environment: None,
        tier: None,
        automation: Automation::Automated,
        state: State::Parked,
        rotated_at: history.facts.promoted_at,
        due_at: None,
        last: None,
        unfinished: Some(Unfinished { trouble: Some(trouble.to_owned()), ..unfinished(history, now) }),
    }
}

fn unfinished_state(history: &History, now: Timestamp) -> State {
    match history.next(now) {
        Next::Parked | Next::Park { .. } => State::Parked,
        Next::Wait { why: WaitFor::Overlap, .. } => State::Overlap,
        Next::Wait { why: WaitFor::Retry, .. } => State::Retrying,
        Next::Act { .. } | Next::Pass(_) | Next::TurnBack { .. } | Next::Finish(_) | Next::Finished(_) => {
            State::Unfinished
        }
    }
}

fn unfinished(history: &History, now: Timestamp) -> Unfinished {
    let (route, done) = history.progress();
    let until = match history.next(now) {
        Next::Wait { until, .. } => Some(until),
        Next::Act { .. }
        | Next::Pass(_)
        | Next::TurnBack { .. }
        | Next::Park { .. }
        | Next::Parked
        | Next::Finish(_)
        | Next::Finished(_) => None,
    };
    Unfinished {
        rotation: history.id,
        since: history.started_at,
        initiator: history.started.initiator.to_string(),
        step: history.action().map_or_else(|| "finish".to_owned(), |action| action.describe(history.spec())),
        done,
        steps: route.len(),
        undoing: history.direction == Direction::Undo,
        until,
        trouble: history
            .parked
            .as_ref()
            .map(|parked| parked.reason.clone())
            .or_else(|| history.failure.as_ref().map(|failure| failure.message.clone())),
    }
}
