//! One secret.

use std::sync::Arc;

use async_trait::async_trait;
use keywheel_core::{
    CallContext, Error, ErrorKind, Fingerprinter, Identity, Result, SecretValue, VersionId,
    secret::{Secret, SecretCapabilities, Stage, VersionInfo, Versions},
};

use super::{
    picture::{CURRENT, Picture},
    requests::Found,
    store::Shared,
};
use crate::{
    call::Call,
    looked::{Known, Looked, Seen},
    mark::Note,
};

/// The largest value, in bytes: <https://docs.aws.amazon.com/secretsmanager/latest/userguide/reference_limits.html>.
pub(super) const LARGEST: usize = 65_536;

/// A handle of one secret.
pub(super) struct AwsSecret {
    pub(super) shared: Arc<Shared>,
    pub(super) name: Arc<str>,
    pub(super) fingerprinter: Fingerprinter,
    pub(super) looked: Looked<Picture>,
    known: Known,
}

impl AwsSecret {
    pub(super) fn new(shared: Arc<Shared>, name: Arc<str>, fingerprinter: Fingerprinter) -> Self {
        Self { shared, name, fingerprinter, looked: Looked::default(), known: Known::default() }
    }

    pub(super) fn call(&self, operation: &'static str, context: Option<&CallContext>) -> Call<'_> {
        Call::new(operation, &*self.shared.access.clock, context)
    }

    pub(super) fn info(&self, stage: Stage, found: &Found, note: Option<Note>) -> VersionInfo {
        seen_info(&found.id, stage, self.seen(found), note)
    }

    fn seen(&self, found: &Found) -> Seen {
        Seen { created_at: found.created_at, fingerprint: self.fingerprinter.of(&found.value) }
    }

    async fn at(&self, call: &Call<'_>, picture: &Picture, stage: Stage) -> Result<Option<VersionInfo>> {
        let Some(id) = picture.at(stage) else { return Ok(None) };
        let key = picture.key(id);
        if let Some(seen) = key.as_ref().and_then(|key| self.known.get(key)) {
            return Ok(Some(seen_info(id, stage, seen, picture.note(id))));
        }
        // A label without a value: a rotation function is about to put one.
        let Some(found) = self.value(call, &self.name, id).await? else { return Ok(None) };
        let seen = self.seen(&found);
        if let Some(key) = key {
            self.known.note(key, seen);
        }
        Ok(Some(seen_info(id, stage, seen, picture.note(id))))
    }

    pub(super) fn unknown(&self, call: &Call<'_>, version: &VersionId) -> Error {
        let error = call.error(ErrorKind::NotFound, "there is no such version");
        self.about(error.with("version", version))
    }

    pub(super) fn another_is_current(&self, call: &Call<'_>, current: Option<&str>) -> Error {
        let message = "somebody else changed the current version";
        let error = call.error(ErrorKind::Conflict, message);
        self.about(error.with("current", current.unwrap_or("none")))
    }
}

fn seen_info(id: &str, stage: Stage, seen: Seen, note: Option<Note>) -> VersionInfo {
    let Seen { created_at, fingerprint } = seen;
    let (mark, identity) = note.map_or((None, None), |note| (Some(note.mark), note.identity));
    VersionInfo { id: VersionId::new(id), stage, fingerprint, created_at, mark, identity }
}

#[async_trait]
impl Secret for AwsSecret {
    fn capabilities(&self) -> SecretCapabilities {
        SecretCapabilities {
            native_staging: true,
            check_and_set: true,
            publishes_next: false,
            history: 1,
            max_bytes: LARGEST,
            binary: true,
        }
    }

    async fn versions(&self) -> Result<Versions> {
        self.looked.take();
        let call = self.call("find versions", None);
        let picture = self.describe(&call, &self.name).await?;
        picture.readable(&call, &self.name)?;
        if picture.at(Stage::Current).is_none() {
            return Ok(Versions(self.first_version(&call).await?.into_iter().collect()));
        }
        let (pending, current, previous) = tokio::try_join!(
            self.at(&call, &picture, Stage::Pending),
            self.at(&call, &picture, Stage::Current),
            self.at(&call, &picture, Stage::Previous),
        )?;
        self.looked.keep(picture);
        Ok(Versions([pending, current, previous].into_iter().flatten().collect()))
    }

    async fn cautions(&self) -> Result<Vec<String>> {
        self.budget().await
    }

    async fn read(&self, stage: Stage) -> Result<SecretValue> {
        let call = self.call("read version", None);
        let found = match stage {
            Stage::Current => self.labelled(&call, CURRENT).await?,
            Stage::Next => None,
            Stage::Pending | Stage::Previous => {
                let picture = self.describe(&call, &self.name).await?;
                picture.readable(&call, &self.name)?;
                match picture.at(stage) {
                    Some(id) => self.value(&call, &self.name, id).await?,
                    None if stage == Stage::Pending && picture.at(Stage::Current).is_none() => {
                        self.first_value(&call).await?
                    }
                    None => None,
                }
            }
        };
        found.map(|found| found.value).ok_or_else(|| {
            self.about(call.error(ErrorKind::NotFound, format!("there is no {stage} version")))
        })
    }

    async fn stage(
        &self,
        context: &CallContext,
        value: &SecretValue,
        identity: Option<&Identity>,
    ) -> Result<VersionInfo> {
        self.stage_value(context, value, identity).await
    }

    async fn publish(&self, _context: &CallContext, _version: &VersionId) -> Result<()> {
        let message = "Secrets Manager has no place for the next version: its first one is current at once";
        Err(self.about(Error::not_applied(ErrorKind::Unsupported, "publish", message)))
    }

    async fn promote(
        &self,
        context: &CallContext,
        version: &VersionId,
        expected: Option<&VersionId>,
    ) -> Result<()> {
        self.promote_version(context, version, expected).await
    }

    async fn retire(&self, context: &CallContext, version: &VersionId) -> Result<()> {
        self.retire_version(context, version).await
    }
}
