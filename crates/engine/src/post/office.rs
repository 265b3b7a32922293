//! Hears every event, and puts what people are to be told into the mailboxes.

use std::{
    collections::HashSet,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use keywheel_core::{
    Clock, Result, RotationId, SecretName,
    inventory::{DeclaredChannel, Inventory},
    journal::Journal,
    message::{Message, Occasion},
};

use super::{mailbox::Mailbox, words};
use crate::{
    event::{EngineEvent, Observer},
    status::SecretStatus,
};

/// How long the end of a run waits for messages that have not left yet.
const LAST_CALL: Duration = Duration::from_secs(3);

/// Listens, tells people, and passes on every event to whoever listened before.
pub(crate) struct Post {
    inventory: Arc<Inventory>,
    clock: Arc<dyn Clock>,
    listener: Arc<dyn Observer>,
    /// In the order of the inventory's notices.
    boxes: Vec<Mailbox>,
    /// What was told of rotations that have not ended: one that is parked twice is one that people know.
    told: Mutex<HashSet<(RotationId, Occasion)>>,
    /// Messages about secrets that are overdue, by their ids.
    reminders: Mutex<Vec<(SecretName, String)>>,
}

impl Post {
    pub(crate) fn new(inventory: Arc<Inventory>, clock: Arc<dyn Clock>, listener: Arc<dyn Observer>) -> Self {
        let boxes = inventory
            .notices
            .iter()
            .map(|(name, declared)| Mailbox::new(name.clone(), declared.channel.messenger(), clock.clone()))
            .collect();
        Self { inventory, clock, listener, boxes, told: Mutex::default(), reminders: Mutex::default() }
    }

    /// Whether anybody wants to hear of secrets that are overdue.
    pub(crate) fn speaks_of_overdue(&self) -> bool {
        self.inventory.notices.values().any(|declared| declared.on.contains(&Occasion::Overdue))
    }

    /// Tells of secrets that should have been rotated long ago. Once for each time at which one was due: the journal keeps
    /// a note of what was delivered, written by [`last_call`](Self::last_call).
    pub(crate) async fn overdue(&self, journal: &dyn Journal, statuses: &[SecretStatus]) -> Result<()> {
        let now = self.clock.now();
        for message in statuses.iter().filter_map(|status| words::of_overdue(&self.inventory, status, now)) {
            if journal.note(&note(&message.secret)).await?.as_deref() != Some(&message.id) {
                self.tell(&message);
                lock(&self.reminders).push((message.secret, message.id));
            }
        }
        Ok(())
    }

    /// Whether `message` is the first of its kind about its rotation. After the last one nothing has to be remembered.
    fn is_news(&self, message: &Message) -> bool {
        let Some(rotation) = message.rotation else { return true };
        let mut told = lock(&self.told);
        let news = told.insert((rotation, message.occasion));
        if matches!(message.occasion, Occasion::Succeeded | Occasion::Failed) {
            told.retain(|(known, _)| *known != rotation);
        }
        news
    }

    fn tell(&self, message: &Message) {
        if !self.is_news(message) {
            return;
        }
        for (declared, mailbox) in self.inventory.notices.values().zip(&self.boxes) {
            if self.wants(declared, message) {
                let words = declared
                    .template
                    .as_ref()
                    .map_or_else(|| message.words.clone(), |words| words.render(message));
                mailbox.put(Message { words, ..message.clone() });
            }
        }
    }

    fn wants(&self, declared: &DeclaredChannel, message: &Message) -> bool {
        declared.on.contains(&message.occasion)
            && self.inventory.secret(&message.secret).is_some_and(|entry| declared.about.covers(entry))
    }

    /// Gives messages that have not left yet a last few seconds, and tells the listener of those that did not arrive.
    pub(crate) async fn last_call(&self, journal: &dyn Journal) {
        let empty = async {
            for mailbox in &self.boxes {
                mailbox.empty().await;
            }
        };
        tokio::select! {
            biased;
            () = empty => {}
            () = self.clock.sleep(LAST_CALL) => {}
        }
        for mailbox in &self.boxes {
            for (id, why) in mailbox.lost() {
                tracing::warn!(notice = mailbox.name(), id, why, "a message was not delivered");
                self.listener
                    .on(&EngineEvent::NotTold { notice: mailbox.name(), why: &format!("{id}: {why}") });
            }
            let waiting = mailbox.waiting();
            if waiting > 0 {
                tracing::warn!(notice = mailbox.name(), waiting, "messages were not delivered in time");
                let why = format!("{waiting} messages had not left within {} s", LAST_CALL.as_secs());
                self.listener.on(&EngineEvent::NotTold { notice: mailbox.name(), why: &why });
            }
        }
        self.note_delivered(journal).await;
    }

    async fn note_delivered(&self, journal: &dyn Journal) {
        let reminders = std::mem::take(&mut *lock(&self.reminders));
        for (secret, id) in reminders {
            if self.boxes.iter().any(|mailbox| mailbox.delivered(&id))
                && let Err(error) = journal.set_note(&note(&secret), &id).await
            {
                tracing::warn!(%error, "the journal does not remember that people were told");
            }
        }
    }
}

fn note(secret: &SecretName) -> String {
    format!("overdue/{secret}")
}

fn lock<T>(state: &Mutex<T>) -> MutexGuard<'_, T> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Observer for Post {
    fn on(&self, event: &EngineEvent<'_>) {
        self.listener.on(event);
        if self.boxes.is_empty() {
            return;
        }
        if let EngineEvent::Recorded { record, history } = event
            && let Some(message) = words::of_record(&self.inventory, record, history)
        {
            self.tell(&message);
        }
    }
}
