//! A journal under a layer.

use std::time::Duration;

use async_trait::async_trait;
use keywheel_core::{
    Initiator, Result, RotationId, SecretName,
    journal::{Acquired, Journal, LastRotation, Lease},
    rotation::{NewRecord, Record},
};

use super::layer::{Layer, Layered};

#[deny(clippy::missing_trait_methods)]
#[async_trait]
impl<L: Layer, T: Journal + ?Sized> Journal for Layered<L, T> {
    async fn append(&self, lease: &Lease, record: NewRecord) -> Result<Record> {
        self.layer.write("append", || self.inner.append(lease, record)).await
    }

    async fn append_all(&self, lease: &Lease, records: Vec<NewRecord>) -> Result<Vec<Record>> {
        self.layer.write("append_all", || self.inner.append_all(lease, records)).await
    }

    async fn unfinished(&self) -> Result<Vec<Vec<Record>>> {
        self.layer.look("unfinished", || self.inner.unfinished()).await
    }

    async fn unfinished_of(&self, secret: &SecretName) -> Result<Vec<Record>> {
        self.layer.look("unfinished_of", || self.inner.unfinished_of(secret)).await
    }

    async fn records(&self, rotation: RotationId) -> Result<Vec<Record>> {
        self.layer.look("records", || self.inner.records(rotation)).await
    }

    async fn rotations_of(&self, secret: &SecretName, limit: usize) -> Result<Vec<RotationId>> {
        self.layer.look("rotations_of", || self.inner.rotations_of(secret, limit)).await
    }

    async fn last_rotations(&self) -> Result<Vec<LastRotation>> {
        self.layer.look("last_rotations", || self.inner.last_rotations()).await
    }

    async fn last_rotation(&self, secret: &SecretName) -> Result<Option<LastRotation>> {
        self.layer.look("last_rotation", || self.inner.last_rotation(secret)).await
    }

    async fn since(&self, seq: u64, limit: usize) -> Result<Vec<Record>> {
        self.layer.look("since", || self.inner.since(seq, limit)).await
    }

    async fn note(&self, name: &str) -> Result<Option<String>> {
        self.layer.look("note", || self.inner.note(name)).await
    }

    async fn set_note(&self, name: &str, text: &str) -> Result<()> {
        self.layer.write("set_note", || self.inner.set_note(name, text)).await
    }

    async fn acquire(
        &self,
        secret: &SecretName,
        initiator: &Initiator,
        lifetime: Duration,
    ) -> Result<Acquired> {
        self.layer.write("acquire", || self.inner.acquire(secret, initiator, lifetime)).await
    }

    async fn release(&self, lease: &Lease) -> Result<()> {
        self.layer.write("release", || self.inner.release(lease)).await
    }
}
