//! One secret of any of the three kinds.
//!
//! # Versions
//! A version's id is its fingerprint: the id says what the bytes are and not where they stand, so it stays the same while
//! they move, and a value that comes back has the id that it had. The bytes are everything: a line end at the end of a
//! file is part of the value.
//!
//! # Every state that a crash can leave
//! `P` is the hidden pending file, `N` and `V` what consumers read as next and previous (or the hidden previous file),
//! `C` what they read as current. A new value `b` takes over from `a`:
//!
//! | call | steps, each durable before the next |
//! |---|---|
//! | `stage` | `P = b` with the rotation's mark |
//! | `publish` | `N = b`; `P` stays, for it has the mark |
//! | `promote(b, a)` | `V = a` · `C = b`, only if it still is `a` · `N` gone · `P` gone |
//! | `promote(a, b)`, the way back | `P = b` with the mark · `N = b`, if there is such a place · `C = a`, only if it still is `b` · `V` gone |
//! | `retire(x)` | gone from `N` · from `V` · from `P` |
//!
//! After each step the same call again ends in the same state: what is done already is found by its content. The way
//! back is the reverse of the way forward: consumers that verify accept `b` until it is retired. In a `.env` file or a
//! document the steps on `C`, `N` and `V` are one replacement of the file.
//!
//! # What a caller gets back
//! `created_at` is the file's time of change where the version has a file of its own that was written for it: `current`
//! of a directory, and what is pending (or published from there). A shared file's time says nothing about one variable,
//! and that of `previous` is when it was displaced: both are `None`. A file has no room for an identity beside the
//! value, so only what is pending or published has one. Fences are not compared: nothing here remembers one.
//!
//! # What it costs
//! In calls of `fsync`, for a secret that exists, once its directories do:
//!
//! | call | `directory` | `env-file`, `document` |
//! |---|---|---|
//! | `versions`, `read` | 0 | 0 |
//! | `stage` | 2 | 2 |
//! | `publish` | 2 | 2 |
//! | `promote` | 5, of a published version 6 | 5, with a place for `previous` 3 |
//! | the way back | 5, with a place for `next` 7 | 5, with a place for `previous` 4 |
//! | `retire` of `previous` | 1 | 1, with a place for `previous` 2 |

mod picture;
mod promote;
mod retire;
mod stage;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use async_trait::async_trait;
use keywheel_core::{
    CallContext, Error, ErrorKind, Fingerprinter, Identity, Result, SecretValue, VersionId,
    secret::{RotationMark, Secret, SecretCapabilities, Stage, VersionInfo, Versions},
};

use crate::{aside::Aside, blocking::blocking, shelf::Shelf, store::Roots};

/// A handle, as the engine holds it.
pub(crate) struct FileSecret<S>(Arc<Places<S>>);

/// Where the versions of one secret stand, those that consumers see and those that they do not.
pub(crate) struct Places<S> {
    shelf: S,
    aside: Aside,
    roots: Arc<Roots>,
    /// Of the lock within this process.
    name: String,
    fingerprinter: Fingerprinter,
}

impl<S: Shelf> FileSecret<S> {
    pub(crate) fn new(
        shelf: S,
        aside: Aside,
        roots: Arc<Roots>,
        name: &str,
        fingerprinter: Fingerprinter,
    ) -> Self {
        Self(Arc::new(Places { shelf, aside, roots, name: name.to_owned(), fingerprinter }))
    }

    async fn look<T: Send + 'static>(
        &self,
        operation: &'static str,
        call: impl FnOnce(&Places<S>) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let places = Arc::clone(&self.0);
        blocking(operation, move || call(&places)).await
    }

    async fn change<T: Send + 'static>(
        &self,
        operation: &'static str,
        call: impl FnOnce(&Places<S>) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let places = Arc::clone(&self.0);
        blocking(operation, move || {
            let _held = places.roots.locks.of(&places.name);
            places.shelf.sweep();
            let result = call(&places);
            tracing::debug!(secret = %places.name, operation, ok = result.is_ok(), "versions moved");
            result
        })
        .await
    }
}

#[async_trait]
impl<S: Shelf> Secret for FileSecret<S> {
    fn capabilities(&self) -> SecretCapabilities {
        let places = &self.0.shelf;
        SecretCapabilities {
            native_staging: false,
            check_and_set: true,
            publishes_next: places.has_next(),
            history: 1,
            max_bytes: places.max_bytes(),
            binary: places.binary(),
        }
    }

    async fn versions(&self) -> Result<Versions> {
        self.look("look at versions", |places| Ok(places.picture()?.versions())).await
    }

    async fn read(&self, stage: Stage) -> Result<SecretValue> {
        self.look("read version", move |places| places.read(stage)).await
    }

    async fn stage(
        &self,
        context: &CallContext,
        value: &SecretValue,
        identity: Option<&Identity>,
    ) -> Result<VersionInfo> {
        let (mark, value, identity) = (mark_of(context), value.duplicate(), identity.cloned());
        self.change("stage", move |places| places.stage(&mark, &value, identity.as_ref())).await
    }

    async fn publish(&self, _context: &CallContext, version: &VersionId) -> Result<()> {
        let version = version.clone();
        self.change("publish", move |places| places.publish(&version)).await
    }

    async fn promote(
        &self,
        context: &CallContext,
        version: &VersionId,
        expected: Option<&VersionId>,
    ) -> Result<()> {
        let (mark, version, expected) = (mark_of(context), version.clone(), expected.cloned());
        self.change("promote", move |places| places.promote(&mark, &version, expected.as_ref())).await
    }

    async fn retire(&self, _context: &CallContext, version: &VersionId) -> Result<()> {
        let version = version.clone();
        self.change("retire", move |places| places.retire(&version)).await
    }
}

fn mark_of(context: &CallContext) -> RotationMark {
    RotationMark {
        rotation: context.rotation,
        started_at: context.started_at,
        initiator: context.initiator.clone(),
    }
}

fn in_flight(operation: &'static str, mark: &RotationMark) -> Error {
    let RotationMark { rotation, started_at, initiator } = mark;
    let message = format!("rotation {rotation} by {initiator} is in flight since {started_at}");
    Error::not_applied(ErrorKind::Conflict, operation, message)
}

fn unknown(operation: &'static str, version: &VersionId) -> Error {
    Error::not_applied(ErrorKind::NotFound, operation, "there is no such version").with("version", version)
}
