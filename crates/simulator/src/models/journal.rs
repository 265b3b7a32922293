//! A journal on a disk that may fail.

use std::time::Duration;

use async_trait::async_trait;
use futures::FutureExt;
use keywheel_core::{
    Error, ErrorKind, Initiator, Result, RotationId, SecretName,
    journal::{Acquired, Journal, LastRotation, Lease},
    mutation::{Mutation, mutated},
    rotation::{Action, Event, NewRecord, Record},
};
use keywheel_testkit::memory::MemoryJournal;

use crate::{fault::Server, judge::Judge, network::Network, schedule::Request};

/// One process's handle.
pub(crate) struct SimJournal {
    pub(crate) model: MemoryJournal,
    pub(crate) label: &'static str,
    pub(crate) network: Network,
    pub(crate) judge: Judge,
}

/// A model answers at once.
fn now<T>(answer: impl Future<Output = Result<T>>) -> Result<T> {
    answer.now_or_never().unwrap_or_else(|| {
        Err(Error::not_applied(ErrorKind::Internal, "ask model", "a model did not answer at once"))
    })
}

impl SimJournal {
    async fn look<T>(&self, verb: &'static str, look: impl Future<Output = Result<T>> + Send) -> Result<T> {
        let request = Request { on: self.label, verb, about: "" };
        self.network.look(Server::Journal, request, || now(look)).await
    }

    async fn change<T: Send + 'static>(
        &self,
        verb: &'static str,
        about: &'static str,
        effect: impl FnOnce(MemoryJournal) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let request = Request { on: self.label, verb, about };
        let model = self.model.clone();
        self.network.change(Server::Journal, request, move || effect(model)).await
    }
}

#[async_trait]
impl Journal for SimJournal {
    async fn append(&self, lease: &Lease, record: NewRecord) -> Result<Record> {
        self.judge.writes(self.network.current());
        let (lease, about, judge) = (lease.clone(), about(&record.event), self.judge.clone());
        self.change("append", about, move |model| {
            let model = if mutated(Mutation::NoFencing) { model.without_fencing() } else { model };
            let record = now(model.append(&lease, record))?;
            judge.written(&model, &record);
            Ok(record)
        })
        .await
    }

    async fn unfinished(&self) -> Result<Vec<Vec<Record>>> {
        self.look("unfinished", self.model.unfinished()).await
    }

    async fn unfinished_of(&self, secret: &SecretName) -> Result<Vec<Record>> {
        self.look("unfinished-of", self.model.unfinished_of(secret)).await
    }

    async fn records(&self, rotation: RotationId) -> Result<Vec<Record>> {
        self.look("records", self.model.records(rotation)).await
    }

    async fn rotations_of(&self, secret: &SecretName, limit: usize) -> Result<Vec<RotationId>> {
        self.look("rotations-of", self.model.rotations_of(secret, limit)).await
    }

    async fn last_rotations(&self) -> Result<Vec<LastRotation>> {
        self.look("last-rotations", self.model.last_rotations()).await
    }

    async fn last_rotation(&self, secret: &SecretName) -> Result<Option<LastRotation>> {
        self.look("last-rotation", self.model.last_rotation(secret)).await
    }

    async fn since(&self, seq: u64, limit: usize) -> Result<Vec<Record>> {
        self.look("since", self.model.since(seq, limit)).await
    }

    async fn note(&self, name: &str) -> Result<Option<String>> {
        self.look("note", self.model.note(name)).await
    }

    async fn set_note(&self, name: &str, text: &str) -> Result<()> {
        let (name, text) = (name.to_owned(), text.to_owned());
        self.change("set-note", "", move |model| now(model.set_note(&name, &text))).await
    }

    async fn acquire(
        &self,
        secret: &SecretName,
        initiator: &Initiator,
        lifetime: Duration,
    ) -> Result<Acquired> {
        let (secret, initiator) = (secret.clone(), initiator.clone());
        self.change("acquire", "", move |model| now(model.acquire(&secret, &initiator, lifetime))).await
    }

    async fn release(&self, lease: &Lease) -> Result<()> {
        let lease = lease.clone();
        self.change("release", "", move |model| now(model.release(&lease))).await
    }
}

/// What a record is about, in a word that stays the same from life to life.
fn about(event: &Event) -> &'static str {
    match event {
        Event::Started(_) => "started",
        Event::Begin { action } => of(*action).0,
        Event::Done { action, .. } => of(*action).1,
        Event::Failed { action, .. } => of(*action).2,
        Event::UndoBegan { .. } => "undo-began",
        Event::Parked { .. } => "parked",
        Event::Released { .. } => "released",
        Event::OverlapCut { .. } => "overlap-cut",
        Event::AdoptionVouched { .. } => "adoption-vouched",
        Event::Finished { .. } => "finished",
    }
}

/// The words for the intent of an action, for its success and for its failure.
fn of(action: Action) -> (&'static str, &'static str, &'static str) {
    match action {
        Action::Look => ("begin-look", "done-look", "failed-look"),
        Action::Mint => ("begin-mint", "done-mint", "failed-mint"),
        Action::Stage(_) => ("begin-stage", "done-stage", "failed-stage"),
        Action::Apply => ("begin-apply", "done-apply", "failed-apply"),
        Action::Verify => ("begin-verify", "done-verify", "failed-verify"),
        Action::PublishNext(_) => ("begin-publish", "done-publish", "failed-publish"),
        Action::Promote(_) => ("begin-promote", "done-promote", "failed-promote"),
        Action::Notify(..) => ("begin-notify", "done-notify", "failed-notify"),
        Action::Adopt(..) => ("begin-adopt", "done-adopt", "failed-adopt"),
        Action::Overlap => ("begin-overlap", "done-overlap", "failed-overlap"),
        Action::Revoke => ("begin-revoke", "done-revoke", "failed-revoke"),
        Action::Confirm => ("begin-confirm", "done-confirm", "failed-confirm"),
        Action::Retire(_) => ("begin-retire", "done-retire", "failed-retire"),
        Action::Unpromote(_) => ("begin-unpromote", "done-unpromote", "failed-unpromote"),
        Action::Unapply => ("begin-unapply", "done-unapply", "failed-unapply"),
        Action::Discard(_) => ("begin-discard", "done-discard", "failed-discard"),
    }
}
