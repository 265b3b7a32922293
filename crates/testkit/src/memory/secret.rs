//! One secret in memory.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use jiff::Timestamp;
use keywheel_core::{
    CallContext, Error, ErrorKind, Fence, Fingerprinter, Identity, Result, SecretValue, VersionId,
    secret::{RotationMark, Secret, SecretCapabilities, Stage, VersionInfo, Versions},
};

use super::lock::lock;

/// The reference model of [`Secret`]. Clones, and handles made by [`MemorySecret::seen_with`], share one state.
#[derive(Clone, Debug)]
pub struct MemorySecret {
    rack: Arc<Mutex<Rack>>,
    capabilities: SecretCapabilities,
    compares_fences: bool,
    fingerprinter: Fingerprinter,
}

#[derive(Debug, Default)]
struct Rack {
    versions: Vec<Held>,
    made: u64,
    newest_fence: Fence,
    cautions: Vec<String>,
}

#[derive(Debug)]
struct Held {
    id: VersionId,
    stage: Stage,
    value: SecretValue,
    created_at: Option<Timestamp>,
    mark: Option<RotationMark>,
    identity: Option<Identity>,
}

impl MemorySecret {
    /// A store that can do everything: native staging, check-and-set, `next`, one `previous`, any bytes up to 64 KiB.
    pub fn new(fingerprinter: Fingerprinter) -> Self {
        let capabilities = SecretCapabilities {
            native_staging: true,
            check_and_set: true,
            publishes_next: true,
            history: 1,
            max_bytes: 64 * 1024,
            binary: true,
        };
        Self { rack: Arc::default(), capabilities, compares_fences: false, fingerprinter }
    }

    /// The pending version lies beside the secret, in a sibling that no consumer reads.
    #[must_use]
    pub fn without_native_staging(mut self) -> Self {
        self.capabilities.native_staging = false;
        self
    }

    /// There is no place for a `next` version.
    #[must_use]
    pub fn without_next(mut self) -> Self {
        self.capabilities.publishes_next = false;
        self
    }

    /// There is no place for a `previous` version: a displaced one becomes `pending`.
    #[must_use]
    pub fn without_previous(mut self) -> Self {
        self.capabilities.history = 0;
        self
    }

    /// Values of more than `bytes` bytes are refused.
    #[must_use]
    pub fn limited_to(mut self, bytes: usize) -> Self {
        self.capabilities.max_bytes = bytes;
        self
    }

    /// Values that are not UTF-8 are refused.
    #[must_use]
    pub fn text_only(mut self) -> Self {
        self.capabilities.binary = false;
        self
    }

    /// A call under a smaller fence than one seen before is refused.
    #[must_use]
    pub fn comparing_fences(mut self) -> Self {
        self.compares_fences = true;
        self
    }

    /// The same secret as another reader of fingerprints sees it.
    #[must_use]
    pub fn seen_with(&self, fingerprinter: Fingerprinter) -> Self {
        Self { fingerprinter, ..self.clone() }
    }

    /// From outside: makes `value` current, as somebody without keywheel would; what was current before is lost.
    pub fn overwrite(&self, value: &[u8]) {
        let mut rack = lock(&self.rack);
        rack.versions.retain(|held| held.stage != Stage::Current);
        let id = rack.next_id();
        rack.versions.push(Held {
            id,
            stage: Stage::Current,
            value: SecretValue::copy_from(value),
            created_at: None,
            mark: None,
            identity: None,
        });
    }

    /// From outside: whoever plans is told of a limit.
    pub fn caution(&self, words: &str) {
        lock(&self.rack).cautions.push(words.to_owned());
    }

    /// From outside: the bytes in `stage`.
    pub fn bytes_at(&self, stage: Stage) -> Option<Vec<u8>> {
        lock(&self.rack).at(stage).map(|held| held.value.expose_secret().to_vec())
    }

    /// From outside: every value that a consumer could read: all stages but `pending`.
    pub fn seen_by_consumers(&self) -> Vec<Vec<u8>> {
        let rack = lock(&self.rack);
        let visible = rack.versions.iter().filter(|held| held.stage != Stage::Pending);
        visible.map(|held| held.value.expose_secret().to_vec()).collect()
    }

    pub(super) fn fingerprinter(&self) -> &Fingerprinter {
        &self.fingerprinter
    }

    fn describe(&self, held: &Held) -> VersionInfo {
        VersionInfo {
            id: held.id.clone(),
            stage: held.stage,
            fingerprint: self.fingerprinter.of(&held.value),
            created_at: held.created_at,
            mark: held.mark.clone(),
            identity: held.identity.clone(),
        }
    }

    fn check_fence(&self, rack: &mut Rack, operation: &'static str, fence: Fence) -> Result<()> {
        if self.compares_fences && fence < rack.newest_fence {
            return Err(Error::not_applied(
                ErrorKind::Fenced,
                operation,
                "a later holder of the lease was here",
            ));
        }
        rack.newest_fence = rack.newest_fence.max(fence);
        Ok(())
    }

    fn check_value(&self, value: &SecretValue) -> Result<()> {
        let refusal = |why| Err(Error::not_applied(ErrorKind::InvalidValue, "stage", why));
        if value.len() > self.capabilities.max_bytes {
            return refusal("the value is too large");
        }
        if !self.capabilities.binary && std::str::from_utf8(value.expose_secret()).is_err() {
            return refusal("the value is not text");
        }
        Ok(())
    }
}

impl Rack {
    fn at(&self, stage: Stage) -> Option<&Held> {
        self.versions.iter().find(|held| held.stage == stage)
    }

    fn position(&self, id: &VersionId) -> Option<usize> {
        self.versions.iter().position(|held| held.id == *id)
    }

    fn next_id(&mut self) -> VersionId {
        self.made += 1;
        VersionId::new(format!("v{}", self.made))
    }

    fn drop_at(&mut self, stage: Stage) {
        self.versions.retain(|held| held.stage != stage);
    }
}

fn in_flight(held: &Held) -> Error {
    let error = Error::not_applied(ErrorKind::Conflict, "stage", "another rotation is in flight");
    match &held.mark {
        Some(mark) => error
            .with("rotation", mark.rotation)
            .with("started", mark.started_at)
            .with("initiator", &mark.initiator),
        None => error.with("version", &held.id),
    }
}

#[async_trait]
impl Secret for MemorySecret {
    fn capabilities(&self) -> SecretCapabilities {
        self.capabilities
    }

    async fn versions(&self) -> Result<Versions> {
        let rack = lock(&self.rack);
        Ok(Versions(rack.versions.iter().map(|held| self.describe(held)).collect()))
    }

    async fn cautions(&self) -> Result<Vec<String>> {
        Ok(lock(&self.rack).cautions.clone())
    }

    async fn read(&self, stage: Stage) -> Result<SecretValue> {
        lock(&self.rack).at(stage).map(|held| held.value.duplicate()).ok_or_else(|| {
            Error::not_applied(ErrorKind::NotFound, "read", format!("there is no {stage} version"))
        })
    }

    async fn stage(
        &self,
        context: &CallContext,
        value: &SecretValue,
        identity: Option<&Identity>,
    ) -> Result<VersionInfo> {
        self.check_value(value)?;
        let mut rack = lock(&self.rack);
        self.check_fence(&mut rack, "stage", context.fence)?;
        let ours = |held: &&Held| held.mark.as_ref().is_some_and(|mark| mark.rotation == context.rotation);
        if let Some(held) = rack.versions.iter().find(ours) {
            if held.value.same_as(value) {
                return Ok(self.describe(held));
            }
            return Err(Error::not_applied(
                ErrorKind::Conflict,
                "stage",
                "this rotation has staged other bytes already",
            ));
        }
        if let Some(held) = rack.at(Stage::Pending).or(rack.at(Stage::Next)) {
            return Err(in_flight(held));
        }
        let held = Held {
            id: rack.next_id(),
            stage: Stage::Pending,
            value: value.duplicate(),
            created_at: Some(context.started_at),
            mark: Some(RotationMark {
                rotation: context.rotation,
                started_at: context.started_at,
                initiator: context.initiator.clone(),
            }),
            identity: identity.cloned(),
        };
        let info = self.describe(&held);
        rack.versions.push(held);
        Ok(info)
    }

    async fn publish(&self, context: &CallContext, version: &VersionId) -> Result<()> {
        if !self.capabilities.publishes_next {
            return Err(Error::not_applied(
                ErrorKind::Unsupported,
                "publish",
                "there is no place for `next`",
            ));
        }
        let mut rack = lock(&self.rack);
        self.check_fence(&mut rack, "publish", context.fence)?;
        let Some(position) = rack.position(version) else { return Err(unknown("publish", version)) };
        match rack.versions[position].stage {
            Stage::Pending if rack.at(Stage::Next).is_some() => {
                return Err(Error::not_applied(
                    ErrorKind::Conflict,
                    "publish",
                    "another version is published",
                ));
            }
            Stage::Pending => rack.versions[position].stage = Stage::Next,
            Stage::Next | Stage::Current | Stage::Previous => {}
        }
        Ok(())
    }

    async fn promote(
        &self,
        context: &CallContext,
        version: &VersionId,
        expected: Option<&VersionId>,
    ) -> Result<()> {
        let mut rack = lock(&self.rack);
        self.check_fence(&mut rack, "promote", context.fence)?;
        let Some(chosen) = rack.versions.iter().find(|held| held.id == *version) else {
            return Err(unknown("promote", version));
        };
        let from = chosen.stage;
        if from == Stage::Current {
            return Ok(());
        }
        let current = rack.at(Stage::Current).map(|held| held.id.clone());
        if current.as_ref() != expected {
            let found = current.as_ref().map_or("none", VersionId::as_str);
            return Err(Error::not_applied(ErrorKind::Conflict, "promote", "another version is current")
                .with("current", found));
        }
        let displaced_to = if self.capabilities.history > 0 { Stage::Previous } else { Stage::Pending };
        if current.is_some() && from != displaced_to {
            if displaced_to == Stage::Pending && rack.at(Stage::Pending).is_some() {
                return Err(Error::not_applied(ErrorKind::Conflict, "promote", "another version is pending"));
            }
            rack.drop_at(displaced_to);
        }
        for held in &mut rack.versions {
            if held.id == *version {
                held.stage = Stage::Current;
            } else if Some(&held.id) == current.as_ref() {
                held.stage = displaced_to;
            }
        }
        Ok(())
    }

    async fn retire(&self, context: &CallContext, version: &VersionId) -> Result<()> {
        let mut rack = lock(&self.rack);
        self.check_fence(&mut rack, "retire", context.fence)?;
        if rack.at(Stage::Current).is_some_and(|held| held.id == *version) {
            return Err(Error::not_applied(ErrorKind::Conflict, "retire", "the version is current"));
        }
        rack.versions.retain(|held| held.id != *version);
        Ok(())
    }
}

fn unknown(operation: &'static str, version: &VersionId) -> Error {
    Error::not_applied(ErrorKind::NotFound, operation, "there is no such version").with("version", version)
}
