//! From an event to a message.

use jiff::{SignedDuration, Timestamp};
use keywheel_core::{
    inventory::{Inventory, Period},
    message::{Message, Occasion},
    rotation::{Event, History, Outcome, Record},
};

use crate::status::{SecretStatus, State};

/// A secret that is late by no more than this is not worth a message: the next run may be under way.
const LEAST_MARGIN: SignedDuration = SignedDuration::from_hours(1);

/// Late by more than one part in so many of its period.
const MARGIN: i32 = 10;

/// What people are told when `record` was written; `None` for what happens on the way.
pub(super) fn of_record(inventory: &Inventory, record: &Record, history: &History) -> Option<Message> {
    let secret = &record.body.secret;
    let (occasion, words) = match &record.body.event {
        Event::Started(started) => {
            (Occasion::Started, format!("{} began to rotate {secret}: {}", started.initiator, started.reason))
        }
        Event::Finished { outcome: Outcome::Succeeded, .. } => {
            (Occasion::Succeeded, format!("{secret} was rotated; the old value does not work any more"))
        }
        Event::Finished { outcome: Outcome::Unchanged, .. } => {
            (Occasion::Succeeded, format!("{secret} has the value already that it was to get"))
        }
        Event::Finished { outcome: Outcome::RolledBack, .. } => {
            let why = history.undo.as_ref().map_or("no reason was given", |undo| undo.reason.as_str());
            (Occasion::Failed, format!("{secret} was not rotated and has its old value: {why}"))
        }
        Event::Parked { reason } => (
            Occasion::Parked,
            format!(
                "the rotation of {secret} waits for a person: {reason}; nobody is locked out, and `keywheel resume \
                 {secret}` or `keywheel rollback {secret}` ends it"
            ),
        ),
        Event::Begin { .. }
        | Event::Done { .. }
        | Event::Failed { .. }
        | Event::UndoBegan { .. }
        | Event::Released { .. }
        | Event::OverlapCut { .. }
        | Event::AdoptionVouched { .. } => return None,
    };
    let entry = inventory.secret(secret);
    Some(Message {
        id: format!("{}/{occasion}", history.id),
        occasion,
        secret: secret.clone(),
        rotation: Some(history.id),
        environment: entry.and_then(|entry| Some(entry.environment.as_ref()?.name.clone())),
        owner: entry.and_then(|entry| entry.owner.clone()),
        at: record.body.at,
        words,
    })
}

/// What people are told about a secret that is late by far; `None` if it is not.
pub(super) fn of_overdue(inventory: &Inventory, status: &SecretStatus, now: Timestamp) -> Option<Message> {
    let (rotated, due) = status.rotated_at.zip(status.due_at)?;
    let late = now.duration_since(due);
    if status.state != State::Overdue || late < LEAST_MARGIN.max(due.duration_since(rotated) / MARGIN) {
        return None;
    }
    let secret = &status.secret;
    let entry = inventory.secret(secret)?;
    let late = Period::from_secs(late.as_secs().unsigned_abs() / 3600 * 3600);
    Some(Message {
        id: format!("{secret}/{due}/{}", Occasion::Overdue),
        occasion: Occasion::Overdue,
        secret: secret.clone(),
        rotation: None,
        environment: entry.environment.as_ref().map(|environment| environment.name.clone()),
        owner: entry.owner.clone(),
        at: now,
        words: format!(
            "{secret} should have been rotated {late} ago; `keywheel plan` says what stands in the way"
        ),
    })
}
