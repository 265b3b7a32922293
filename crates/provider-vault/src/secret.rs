//! One secret: a field of a document, and the record that keywheel keeps of it in a document beside.
//!
//! # Versions
//! A version's id is its fingerprint, as in the file stores (ADR 5): it stays the same while the version moves, and while
//! somebody else changes other fields of the document, which makes a new version of the *document* each time.
//!
//! # Every state that a crash can leave
//! `D` is the document, at version `n` of the engine, `R` the record. Every write is under check-and-set. A new value `b`
//! takes over from `a`:
//!
//! | call | writes, each durable before the next |
//! |---|---|
//! | `stage` | once for each secret: the engine keeps one version of `R` · `R.pending = b` with the rotation's mark |
//! | `publish` | `D.next = b`; `R.pending` stays, for it has the mark |
//! | `promote(b, a)` | `D.value = b`, `D.previous = a` if there is such a field, `D.next` gone: in one write, only if `D` still is version `n` · `R.current = b`, `R.previous = a` at `n`, `R.pending` gone |
//! | `promote(a, b)`, the way back | the same: `b` is displaced as `a` was |
//! | `retire(x)` | if `x` is pending: `D` again as it is, which is version `n + 1` and bars a promotion under way · gone from `D.next`, `D.previous` · version `n` destroyed · gone from `R` |
//!
//! Between the two writes of `promote` the record is behind: what it has as pending is current, or what it has as previous.
//! That is seen by the ids, and then the version that was displaced is looked for below the latest one, where it must be.
//!
//! # What it costs
//! In requests, once logged in and once the mount was looked at (one request for each process):
//!
//! | call | with a field for `previous` | without |
//! |---|---|---|
//! | `versions` | 2 | 3, if there is a previous version |
//! | `read` of the current, the pending version | 1 | 1 |
//! | `stage` | 2 | 3 |
//! | `promote` | 4 | 4, with a previous version from before 5 |
//! | `retire` of `previous` | 6 | 5 |
//!
//! The first `stage` of a secret is one more. `stage` after `versions` of the same handle is one less, `promote` of what is
//! pending and `retire` two, and `retire` three without such a field.

mod picture;
mod promote;
mod retire;
mod stage;

use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use keywheel_core::{
    CallContext, Error, ErrorKind, Fingerprinter, Identity, Result, SecretValue, VersionId,
    secret::{RotationMark, Secret, SecretCapabilities, Stage, VersionInfo, Versions},
};

use picture::Picture;

use crate::{
    api::{Session, Shared},
    kv::Kv,
    place::Place,
};

/// The largest value.
pub(crate) const LARGEST_BYTES: usize = 64 * 1024;

/// The longest that a value may be in JSON, where some bytes are six. Three versions in one document then fit into what the
/// most modest storage of a server takes: Consul's 512 KiB, <https://developer.hashicorp.com/vault/docs/internals/limits>.
const LARGEST_JSON: usize = 2 * LARGEST_BYTES;

/// How often a change is tried again when another field of the document was changed in between.
const ATTEMPTS: usize = 8;

/// A handle, as the engine holds it.
pub(crate) struct VaultSecret {
    shared: Arc<Shared>,
    mount: Arc<str>,
    place: Place,
    sibling: String,
    fingerprinter: Fingerprinter,
    looked: Mutex<Option<Picture>>,
}

impl VaultSecret {
    pub(crate) fn new(
        shared: Arc<Shared>,
        mount: Arc<str>,
        place: Place,
        sibling: String,
        fingerprinter: Fingerprinter,
    ) -> Self {
        Self { shared, mount, place, sibling, fingerprinter, looked: Mutex::default() }
    }

    async fn kv(&self, operation: &'static str, context: Option<&CallContext>) -> Result<Kv<'_>> {
        if self.place.path.is_empty() {
            let message = "the location is none that a secret can have here";
            return Err(Error::not_applied(ErrorKind::InvalidConfig, operation, message));
        }
        let session = Session::new(&self.shared, operation, context)?;
        let mut kv = Kv::new(session, &self.mount);
        kv.judge().await?;
        Ok(kv)
    }

    /// What the last call of this handle saw, if that was `versions`, for one change after it. A change that begins with it
    /// is under check-and-set and looks for itself when somebody wrote meanwhile; whoever answers without a write looks anew.
    fn seen_before(&self) -> Option<Picture> {
        self.looked.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    fn remember(&self, picture: Picture) {
        *self.looked.lock().unwrap_or_else(PoisonError::into_inner) = Some(picture);
    }

    /// So that an error says which secret it is about.
    fn located<T>(&self, result: Result<T>) -> Result<T> {
        result.map_err(|error| error.with("mount", &self.mount).with("secret", &self.place))
    }
}

#[async_trait]
impl Secret for VaultSecret {
    fn capabilities(&self) -> SecretCapabilities {
        SecretCapabilities {
            native_staging: false,
            check_and_set: true,
            publishes_next: self.place.next.is_some(),
            history: 1,
            max_bytes: LARGEST_BYTES,
            binary: false,
        }
    }

    async fn versions(&self) -> Result<Versions> {
        self.located(self.all_versions().await)
    }

    async fn cautions(&self) -> Result<Vec<String>> {
        self.located(self.limits().await)
    }

    async fn read(&self, stage: Stage) -> Result<SecretValue> {
        self.located(self.value(stage).await)
    }

    async fn stage(
        &self,
        context: &CallContext,
        value: &SecretValue,
        identity: Option<&Identity>,
    ) -> Result<VersionInfo> {
        self.located(self.stage_value(context, value, identity).await)
    }

    async fn publish(&self, context: &CallContext, version: &VersionId) -> Result<()> {
        self.located(self.publish_version(context, version).await)
    }

    async fn promote(
        &self,
        context: &CallContext,
        version: &VersionId,
        expected: Option<&VersionId>,
    ) -> Result<()> {
        self.located(self.promote_version(context, version, expected).await)
    }

    async fn retire(&self, context: &CallContext, version: &VersionId) -> Result<()> {
        self.located(self.retire_version(context, version).await)
    }
}

fn mark_of(context: &CallContext) -> RotationMark {
    RotationMark {
        rotation: context.rotation,
        started_at: context.started_at,
        initiator: context.initiator.clone(),
    }
}

fn in_flight(kv: &Kv<'_>, mark: &RotationMark) -> Error {
    let RotationMark { rotation, started_at, initiator } = mark;
    let message = format!("rotation {rotation} by {initiator} is in flight since {started_at}");
    kv.session.error(ErrorKind::Conflict, message)
}

fn unknown(kv: &Kv<'_>, version: &VersionId) -> Error {
    kv.session.error(ErrorKind::NotFound, "there is no such version").with("version", version)
}

/// Somebody writes the document all the time.
fn restless(kv: &Kv<'_>) -> Error {
    let message = format!("the document was changed by somebody else {ATTEMPTS} times in a row");
    kv.session.error(ErrorKind::Unavailable, message)
}
