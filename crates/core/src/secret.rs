//! One named secret in one store: versions, stages, and the moves between them.

use std::fmt;

use async_trait::async_trait;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    context::CallContext,
    error::Result,
    fingerprint::Fingerprint,
    id::{Identity, Initiator, RotationId, VersionId},
    value::SecretValue,
};

/// What a version is to those who read the secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Stage {
    /// Durable, used by nobody.
    Pending,
    /// Accepted by consumers that verify; nobody signs with it.
    Next,
    /// What consumers use.
    Current,
    /// What consumers used before; still accepted until it is retired.
    Previous,
}

impl Stage {
    /// Every stage, in the order in which a version passes through them.
    pub const ALL: [Self; 4] = [Self::Pending, Self::Next, Self::Current, Self::Previous];

    /// The name as records and messages write it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Next => "next",
            Self::Current => "current",
            Self::Previous => "previous",
        }
    }
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// Which rotation staged a version, so that a second tool without our journal can say who is at work since when.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct RotationMark {
    /// The rotation.
    pub rotation: RotationId,
    /// When it began.
    pub started_at: Timestamp,
    /// Who began it.
    pub initiator: Initiator,
}

/// One version of a secret, without its value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct VersionInfo {
    /// What the store calls it. Stays the same while the version moves between stages.
    pub id: VersionId,
    /// Where it stands.
    pub stage: Stage,
    /// Fingerprint in the entry's mode.
    pub fingerprint: Fingerprint,
    /// When the store got it, as far as the store knows.
    pub created_at: Option<Timestamp>,
    /// Who staged it; always there for `pending` and `next` versions that keywheel made.
    pub mark: Option<RotationMark>,
    /// The login, user or key id that the value belongs to, where the store records one.
    pub identity: Option<Identity>,
}

/// The versions that a store holds: at most one in each stage.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Versions(pub Vec<VersionInfo>);

impl Versions {
    /// The version in `stage`.
    pub fn at(&self, stage: Stage) -> Option<&VersionInfo> {
        self.0.iter().find(|version| version.stage == stage)
    }

    /// The version that some rotation staged and did not promote yet: pending, or published as next.
    pub fn staged(&self) -> Option<&VersionInfo> {
        self.all_staged().next().map(|(version, _)| version)
    }

    /// Every such version, with its mark: a pending one may lie beside another one that was published.
    pub fn all_staged(&self) -> impl Iterator<Item = (&VersionInfo, &RotationMark)> {
        [Stage::Pending, Stage::Next]
            .into_iter()
            .filter_map(|stage| self.at(stage))
            .filter_map(|version| Some((version, version.mark.as_ref()?)))
    }

    /// The previous version, with each rotation that may have it there: in its overlap the one that made the current
    /// version, on its way back the one that made the previous. Whoever ends a rotation removes that version last. None
    /// where the store keeps no marks beside what it once promoted.
    pub fn in_overlap(&self) -> impl Iterator<Item = (&VersionInfo, &RotationMark)> {
        let previous = self.at(Stage::Previous);
        let both = previous.map(|previous| [self.at(Stage::Current), Some(previous)]);
        let marks = both.into_iter().flatten().flatten().filter_map(|version| version.mark.as_ref());
        previous.into_iter().cycle().zip(marks)
    }

    /// Everything that shows some rotation to be under way: staged versions, and a previous one.
    pub fn under_way(&self) -> impl Iterator<Item = (&VersionInfo, &RotationMark)> {
        self.all_staged().chain(self.in_overlap())
    }

    /// The version called `id`, whatever its stage; the current one first, should it stand in two.
    pub fn by_id(&self, id: &VersionId) -> Option<&VersionInfo> {
        self.at(Stage::Current)
            .filter(|version| version.id == *id)
            .or_else(|| self.0.iter().find(|version| version.id == *id))
    }
}

/// What a store can do with this secret.
#[expect(clippy::struct_excessive_bools, reason = "each is one independent ability")]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SecretCapabilities {
    /// The store itself has stages; otherwise a sibling keeps the pending version.
    pub native_staging: bool,
    /// `promote` is refused by the store itself when `current` changed meanwhile, with no window in between.
    pub check_and_set: bool,
    /// There is a place where consumers can read the `next` version.
    pub publishes_next: bool,
    /// How many versions before `current` the store keeps readable for a rollback.
    pub history: u32,
    /// The largest value in bytes.
    pub max_bytes: usize,
    /// Whether any bytes are kept unharmed, or only UTF-8 text.
    pub binary: bool,
}

/// One named secret in one store.
///
/// # Contract
/// 1. `stage` makes the value durable before it returns: a crash right afterwards loses nothing.
/// 2. `stage` of the same rotation with the same bytes again is Ok and changes nothing.
/// 3. `stage` of the same rotation with other bytes is a Conflict and changes nothing.
/// 4. `stage` while another rotation's pending version exists is a Conflict that names that rotation, its start and
///    its initiator, and changes nothing.
/// 5. A pending version is visible to no consumer: `current` reads the same before and after `stage`.
/// 6. `publish` puts a pending version where consumers can read it as `next`; already published or promoted: Ok.
/// 7. `promote` makes `version` current only if `expected` is current; otherwise it is a Conflict and changes nothing.
/// 8. `promote` of a version that is current already is Ok.
/// 9. After `promote` the displaced version stays readable, as `previous` or `pending`, until it is retired.
/// 10. At every instant during `promote`, `current` reads as the whole old or the whole new value.
/// 11. `promote` of a version that does not exist is `NotFound`.
/// 12. `retire` of an absent version is Ok.
/// 13. `retire` refuses the current version with a Conflict.
/// 14. After `retire` the version can be read under no stage.
/// 15. `read` gives the bytes that were staged, unharmed, or `NotFound`.
/// 16. `versions` never holds a value and has at most one version in each stage.
/// 17. A value that the store cannot hold is `InvalidValue` at `stage`, before anything changed.
/// 18. An error is `NotApplied` only if it is certain that nothing changed.
#[async_trait]
pub trait Secret: Send + Sync {
    /// What the store can do.
    fn capabilities(&self) -> SecretCapabilities;

    /// Every version with its stage, without values. A secret that does not exist yet has none.
    async fn versions(&self) -> Result<Versions>;

    /// What limits of the store may do to a rotation that begins now, in sentences for a plan: a budget of writes that is
    /// used up, an old version that is dropped before a rollback could want it. Looks only.
    async fn cautions(&self) -> Result<Vec<String>> {
        Ok(Vec::new())
    }

    /// The value in `stage`.
    async fn read(&self, stage: Stage) -> Result<SecretValue>;

    /// Makes `value` durable as `pending`.
    async fn stage(
        &self,
        context: &CallContext,
        value: &SecretValue,
        identity: Option<&Identity>,
    ) -> Result<VersionInfo>;

    /// Shows the pending `version` to consumers as `next`. Stores without such a place return `Unsupported`.
    async fn publish(&self, context: &CallContext, version: &VersionId) -> Result<()>;

    /// Makes `version` (pending, next or previous) current, if `expected` is current now; `None` expects no current.
    async fn promote(
        &self,
        context: &CallContext,
        version: &VersionId,
        expected: Option<&VersionId>,
    ) -> Result<()>;

    /// Removes `version`, whatever its stage but `current`.
    async fn retire(&self, context: &CallContext, version: &VersionId) -> Result<()>;
}
