//! One secret.

use std::sync::Arc;

use async_trait::async_trait;
use keywheel_core::{
    CallContext, Error, ErrorKind, Fingerprinter, Identity, Result, SecretValue, VersionId,
    secret::{Secret, SecretCapabilities, Stage, VersionInfo, Versions},
};
use schemars::JsonSchema;
use serde::Deserialize;

use super::{parameter::Version, picture::Picture, store::Shared};
use crate::{
    call::Call,
    looked::{Known, Looked, Seen},
};

/// The largest value of the standard tier, in bytes.
pub(super) const STANDARD: usize = 4096;

/// What a parameter may hold and costs:
/// <https://docs.aws.amazon.com/systems-manager/latest/userguide/parameter-store-advanced-parameters.html>.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Tier {
    /// 4096 bytes, free of charge.
    #[default]
    Standard,
    /// 8192 bytes, charged for. A parameter never goes back.
    Advanced,
}

impl Tier {
    pub(super) fn largest(self) -> usize {
        match self {
            Self::Standard => STANDARD,
            Self::Advanced => 2 * STANDARD,
        }
    }
}

/// A handle of one secret.
pub(super) struct AwsParameter {
    pub(super) shared: Arc<Shared>,
    pub(super) name: Arc<str>,
    pub(super) fingerprinter: Fingerprinter,
    pub(super) looked: Looked<Picture>,
    known: Known,
}

impl AwsParameter {
    pub(super) fn new(shared: Arc<Shared>, name: Arc<str>, fingerprinter: Fingerprinter) -> Self {
        Self { shared, name, fingerprinter, looked: Looked::default(), known: Known::default() }
    }

    pub(super) fn call(&self, operation: &'static str, context: Option<&CallContext>) -> Call<'_> {
        Call::new(operation, &*self.shared.access.clock, context)
    }

    pub(super) async fn version_info(
        &self,
        call: &Call<'_>,
        picture: &Picture,
        stage: Stage,
        version: &Version,
    ) -> Result<Option<VersionInfo>> {
        let key = version.created_at.map(|at| format!("{} {at}", version.number));
        let seen = key.as_ref().and_then(|key| self.known.get(key));
        let fingerprint = match seen {
            Some(seen) => seen.fingerprint,
            None => match self.value(call, version.number).await? {
                Some(value) => self.fingerprinter.of(&value),
                None => return Ok(None),
            },
        };
        if let (Some(key), None) = (key, seen) {
            self.known.note(key, Seen { created_at: version.created_at, fingerprint });
        }
        let (id, note) = match picture.current.as_ref().filter(|_| stage == Stage::Current) {
            Some(current) => (current.id.clone(), current.note.clone()),
            None => (version.id(), version.called().and_then(|(_, note)| note)),
        };
        let (mark, identity) = note.map_or((None, None), |note| (Some(note.mark), note.identity));
        Ok(Some(VersionInfo {
            id: VersionId::new(id),
            stage,
            fingerprint,
            created_at: version.created_at,
            mark,
            identity,
        }))
    }
}

#[async_trait]
impl Secret for AwsParameter {
    fn capabilities(&self) -> SecretCapabilities {
        SecretCapabilities {
            native_staging: false,
            check_and_set: false,
            publishes_next: false,
            history: 1,
            max_bytes: self.shared.tier.largest(),
            binary: false,
        }
    }

    async fn versions(&self) -> Result<Versions> {
        self.looked.take();
        let call = self.call("find versions", None);
        let picture = self.look(&call).await?;
        let mut versions = Vec::new();
        for (stage, version) in [(Stage::Current, picture.latest()), (Stage::Previous, picture.previous())] {
            let Some(version) = version else { continue };
            versions.extend(self.version_info(&call, &picture, stage, version).await?);
        }
        versions.extend(picture.pending().map(|pending| self.pending_info(pending)));
        self.looked.keep(picture);
        Ok(Versions(versions))
    }

    async fn read(&self, stage: Stage) -> Result<SecretValue> {
        let call = self.call("read version", None);
        let found = match stage {
            Stage::Current => {
                self.parameter(&call).await?;
                self.selected(&call, self.name.to_string()).await?
            }
            Stage::Next => None,
            Stage::Previous => {
                let picture = self.look(&call).await?;
                match picture.previous() {
                    Some(version) => self.value(&call, version.number).await?,
                    None => None,
                }
            }
            Stage::Pending => self.look(&call).await?.pending().map(|pending| pending.value.duplicate()),
        };
        found.ok_or_else(|| {
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
        let message = "Parameter Store has no place for the next version: the latest one is current";
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
