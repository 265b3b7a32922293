//! What an operator may do to one unfinished rotation: go back, try again, end the overlap, vouch for a consumer.

use std::sync::Arc;

use keywheel_core::{
    Error, ErrorKind, Initiator, SecretName,
    rotation::{Action, Event, History, Next, WaitFor},
};

use crate::{
    drive::{Drive, record},
    engine::{Engine, stopped},
    event::EngineEvent,
    lease::HeldLease,
    observe,
    report::{Ended, ItemReport},
};

/// The wish cannot be carried out; nothing was changed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Refused {
    /// Why, and what to do instead.
    pub message: String,
    /// What kind of failure it was, if journal, audit or a store failed; `None` if the rotation's state forbids it.
    pub kind: Option<ErrorKind>,
}

impl Refused {
    fn because(message: impl Into<String>) -> Self {
        Self { message: message.into(), kind: None }
    }
}

impl From<Error> for Refused {
    fn from(error: Error) -> Self {
        Self { message: error.to_string(), kind: Some(error.kind) }
    }
}

/// What the operator wishes.
#[derive(Clone, Copy)]
enum Wish<'a> {
    RollBack(&'a str),
    GoOn,
    Retire(&'a str),
    Vouch(&'a str),
}

impl Engine {
    /// Goes back to the old value, everywhere, while it lives.
    ///
    /// # Errors
    /// [`Refused`] with the reason when there is no way back.
    pub async fn roll_back(
        self: &Arc<Self>,
        secret: &SecretName,
        reason: &str,
    ) -> Result<ItemReport, Refused> {
        self.carry_out(secret, Wish::RollBack(reason)).await
    }

    /// Goes on with an unfinished rotation: one that is parked, or waits for its next try, tries the step that failed
    /// again now.
    ///
    /// # Errors
    /// [`Refused`] when nothing is unfinished.
    pub async fn go_on(self: &Arc<Self>, secret: &SecretName) -> Result<ItemReport, Refused> {
        self.carry_out(secret, Wish::GoOn).await
    }

    /// Ends the overlap now.
    ///
    /// # Errors
    /// [`Refused`] when the rotation does not wait in its overlap.
    pub async fn retire(self: &Arc<Self>, secret: &SecretName, reason: &str) -> Result<ItemReport, Refused> {
        self.carry_out(secret, Wish::Retire(reason)).await
    }

    /// Takes the operator's word for consumers that give no evidence.
    ///
    /// # Errors
    /// [`Refused`] when the rotation does not wait for a consumer.
    pub async fn vouch(self: &Arc<Self>, secret: &SecretName, reason: &str) -> Result<ItemReport, Refused> {
        self.carry_out(secret, Wish::Vouch(reason)).await
    }

    /// Drops versions that a rotation unknown to this journal staged. Returns what was dropped, in words.
    ///
    /// # Errors
    /// [`Refused`] when a rotation of this journal is unfinished, another process holds the lease, or a store fails.
    pub async fn drop_foreign(self: &Arc<Self>, secret: &SecretName) -> Result<Vec<String>, Refused> {
        let (lease, _busy) = match self.lease(secret).await? {
            Ok(lease) => lease,
            Err(Ended::Held(holder)) => {
                return Err(Refused::because(format!(
                    "{} works on `{secret}` since {}",
                    holder.initiator, holder.since
                )));
            }
            Err(Ended::NotBegun { because }) => {
                return Err(Refused::because(format!("nothing of `{secret}` was touched: {because}")));
            }
            Err(ended) => {
                return Err(Refused::because(format!("nothing of `{secret}` was touched: {ended:?}")));
            }
        };
        let result = self.drop_foreign_under(&lease, secret).await;
        lease.release().await;
        result
    }

    async fn drop_foreign_under(
        &self,
        lease: &Arc<HeldLease>,
        secret: &SecretName,
    ) -> Result<Vec<String>, Refused> {
        let ours = observe::fold(&self.journal.unfinished_of(secret).await?)?;
        if let Some(history) = ours {
            return Err(Refused::because(format!(
                "rotation {} of `{secret}` is in this journal: `keywheel resume {secret}` ends it",
                history.id
            )));
        }
        let entry = observe::entry(&self.inventory, secret)?;
        let mut dropped = Vec::new();
        for place in &*entry.stores {
            let handle =
                self.changing_under(lease).secret(place, self.keys.fingerprinter(entry.fingerprint))?;
            let versions = handle.versions().await?;
            for (staged, mark) in versions.under_way() {
                let words =
                    format!("the {} version of rotation {} in {}", staged.stage, mark.rotation, place.store);
                self.audit
                    .append_read(
                        self.journal.as_ref(),
                        secret,
                        &format!("drop {words}"),
                        &self.initiator,
                        Some(staged.fingerprint),
                    )
                    .await?;
                let context = lease.context(mark.rotation, mark.started_at, self.initiator.clone());
                handle.retire(&context, &staged.id).await?;
                dropped.push(words);
            }
        }
        Ok(dropped)
    }

    async fn carry_out(self: &Arc<Self>, secret: &SecretName, wish: Wish<'_>) -> Result<ItemReport, Refused> {
        self.audit.catch_up(self.journal.as_ref()).await?;
        let report = |rotation, ended| ItemReport { secret: secret.clone(), rotation, ended };
        let (lease, _busy) = match self.lease(secret).await? {
            Ok(lease) => lease,
            Err(ended) => return Ok(report(None, ended)),
        };
        let result = self.carry_out_under(&lease, secret, wish).await;
        lease.release().await;
        self.post.last_call(self.journal.as_ref()).await;
        self.audit.catch_up(self.journal.as_ref()).await?;
        let (rotation, ended) = result?;
        self.observer.on(&EngineEvent::Ended { secret, ended: &ended });
        Ok(report(Some(rotation), ended))
    }

    async fn carry_out_under(
        self: &Arc<Self>,
        lease: &Arc<HeldLease>,
        secret: &SecretName,
        wish: Wish<'_>,
    ) -> Result<(keywheel_core::RotationId, Ended), Refused> {
        let records = self.journal.unfinished_of(secret).await?;
        let history = observe::fold(&records)?;
        let Some(mut history) = history else {
            return Err(Refused::because(nothing_unfinished(secret, &wish)));
        };
        let event = event_for(&history, wish, &self.initiator, self.clock.now())?;
        if let Some(event) = event
            && let Err(error) = record(self, lease, &mut history, event).await
        {
            return Ok((history.id, stopped(&error)));
        }
        Ok((history.id, Drive::new(self, lease, history).run().await))
    }
}

fn nothing_unfinished(secret: &SecretName, wish: &Wish<'_>) -> String {
    match wish {
        Wish::RollBack(_) => format!(
            "`{secret}` has no rotation in its overlap: the old value of a finished rotation is gone, so there is \
             nothing to go back to; `keywheel rotate {secret}` makes a new value"
        ),
        Wish::GoOn | Wish::Retire(_) | Wish::Vouch(_) => format!("`{secret}` has no unfinished rotation"),
    }
}

fn event_for(
    history: &History,
    wish: Wish<'_>,
    initiator: &Initiator,
    now: jiff::Timestamp,
) -> Result<Option<Event>, Refused> {
    let initiator = initiator.clone();
    let secret = &history.spec().secret;
    match wish {
        Wish::RollBack(reason) => match history.way_back() {
            Ok(()) => Ok(Some(Event::UndoBegan { reason: reason.to_owned(), initiator })),
            Err(why) => Err(Refused::because(format!(
                "`{secret}` cannot be rolled back: {why}; `keywheel resume {secret}` brings the rotation to its end"
            ))),
        },
        Wish::GoOn => {
            let waits = match history.next(now) {
                Next::Parked => true,
                Next::Wait { why: WaitFor::Retry, .. } => history.failure.is_some(),
                Next::Wait { why: WaitFor::Overlap, .. }
                | Next::Act { .. }
                | Next::Pass(_)
                | Next::TurnBack { .. }
                | Next::Park { .. }
                | Next::Finish(_)
                | Next::Finished(_) => false,
            };
            Ok(waits.then_some(Event::Released { initiator }))
        }
        Wish::Retire(reason) => match history.next(now) {
            Next::Wait { why: WaitFor::Overlap, .. } | Next::Pass(Action::Overlap) => {
                Ok(Some(Event::OverlapCut { initiator, reason: reason.to_owned() }))
            }
            Next::Wait { .. }
            | Next::Act { .. }
            | Next::Pass(_)
            | Next::TurnBack { .. }
            | Next::Park { .. }
            | Next::Parked
            | Next::Finish(_)
            | Next::Finished(_) => Err(Refused::because(format!(
                "`{secret}` is not in its overlap; its next step is {}: `keywheel resume {secret}` first",
                history.action().map_or("to finish", Action::step)
            ))),
        },
        Wish::Vouch(reason) => match history.action().and_then(Action::notice) {
            Some((consumer, phase)) => {
                Ok(Some(Event::AdoptionVouched { consumer, phase, initiator, reason: reason.to_owned() }))
            }
            None => Err(Refused::because(format!("`{secret}` does not wait for a consumer"))),
        },
    }
}
