//! A journal that fails as planned.

use std::time::Duration;

use async_trait::async_trait;
use keywheel_core::{
    Initiator, Result, RotationId, SecretName,
    journal::{Acquired, Journal, LastRotation, Lease, append_each},
    rotation::{NewRecord, Record},
};

use super::wrap::Faulty;

#[deny(clippy::missing_trait_methods)]
#[async_trait]
impl<T: Journal + ?Sized> Journal for Faulty<T> {
    async fn append(&self, lease: &Lease, record: NewRecord) -> Result<Record> {
        self.plan.change(&self.label, "append", self.inner.append(lease, record)).await
    }

    /// Each record is a call that may fail.
    async fn append_all(&self, lease: &Lease, records: Vec<NewRecord>) -> Result<Vec<Record>> {
        append_each(self, lease, records).await
    }

    async fn unfinished(&self) -> Result<Vec<Vec<Record>>> {
        self.plan.look(&self.label, "unfinished", self.inner.unfinished()).await
    }

    async fn unfinished_of(&self, secret: &SecretName) -> Result<Vec<Record>> {
        self.plan.look(&self.label, "unfinished_of", self.inner.unfinished_of(secret)).await
    }

    async fn records(&self, rotation: RotationId) -> Result<Vec<Record>> {
        self.plan.look(&self.label, "records", self.inner.records(rotation)).await
    }

    async fn rotations_of(&self, secret: &SecretName, limit: usize) -> Result<Vec<RotationId>> {
        self.plan.look(&self.label, "rotations_of", self.inner.rotations_of(secret, limit)).await
    }

    async fn last_rotations(&self) -> Result<Vec<LastRotation>> {
        self.plan.look(&self.label, "last_rotations", self.inner.last_rotations()).await
    }

    async fn last_rotation(&self, secret: &SecretName) -> Result<Option<LastRotation>> {
        self.plan.look(&self.label, "last_rotation", self.inner.last_rotation(secret)).await
    }

    async fn since(&self, seq: u64, limit: usize) -> Result<Vec<Record>> {
        self.plan.look(&self.label, "since", self.inner.since(seq, limit)).await
    }

    async fn note(&self, name: &str) -> Result<Option<String>> {
        self.plan.look(&self.label, "note", self.inner.note(name)).await
    }

    async fn set_note(&self, name: &str, text: &str) -> Result<()> {
        self.plan.change(&self.label, "set_note", self.inner.set_note(name, text)).await
    }

    async fn acquire(
        &self,
        secret: &SecretName,
        initiator: &Initiator,
        lifetime: Duration,
    ) -> Result<Acquired> {
        self.plan.change(&self.label, "acquire", self.inner.acquire(secret, initiator, lifetime)).await
    }

    async fn release(&self, lease: &Lease) -> Result<()> {
        self.plan.change(&self.label, "release", self.inner.release(lease)).await
    }
}
