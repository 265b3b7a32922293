//! What changes the system that checks a credential.

use async_trait::async_trait;
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    context::CallContext,
    error::{Error, ErrorKind, Result},
    id::{Generation, Identity, RotationId},
    provider::Finding,
    value::SecretValue,
};

/// How a target lets old and new live side by side, or does not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Strategy {
    /// One password for one user: between apply and promote, `current` is refused. `plan` prints that window.
    InPlace,
    /// One user accepts two passwords at once.
    Overlap,
    /// Two users under one owner take turns.
    Alternating,
    /// The target itself issues the value, beside those that it issued before.
    Minted,
    /// The target itself makes the next value, in the place of the one before, which nobody can tell it again. It hands
    /// out the one that it has, and durably keeps it.
    Reissued,
    /// The target adds a version to a key that never leaves it. Older ones work until it is told to refuse them; a newer
    /// one cannot be taken away. What the stores hold is a version's number.
    Versioned,
}

impl Strategy {
    /// Whether the old credential still works after the new one was applied.
    pub fn keeps_old(self) -> bool {
        match self {
            Self::InPlace | Self::Reissued => false,
            Self::Overlap | Self::Alternating | Self::Minted | Self::Versioned => true,
        }
    }

    /// Whether the value comes from the target.
    pub fn issues(self) -> bool {
        match self {
            Self::InPlace | Self::Overlap | Self::Alternating => false,
            Self::Minted | Self::Reissued | Self::Versioned => true,
        }
    }

    /// Whether the target makes the next value of the one that it has, so that it is asked by [`Rotator::reissue`] and
    /// what it made cannot be taken back.
    pub fn reissues(self) -> bool {
        match self {
            Self::InPlace | Self::Overlap | Self::Alternating | Self::Minted => false,
            Self::Reissued | Self::Versioned => true,
        }
    }
}

/// A value together with whom it is for.
#[derive(Debug, Clone, Copy)]
pub struct Credential<'a> {
    /// The login, user or key id; `None` where the rotator's settings name the only one.
    pub identity: Option<&'a Identity>,
    /// The value.
    pub value: &'a SecretValue,
}

/// The answer of the system that checks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Probe {
    /// A login with the credential worked.
    Accepted,
    /// The system answered, and said no to this credential.
    Rejected,
}

/// A credential that the target issued.
#[derive(Debug)]
pub struct Minted {
    /// Its public half: an access-key id.
    pub identity: Identity,
    /// Its secret half, shown once.
    pub value: SecretValue,
}

/// The credential that a target has since it last made one.
#[derive(Debug)]
pub struct Reissued {
    /// Whom it is for, where the target says so.
    pub identity: Option<Identity>,
    /// What the stores are to hold: the value, the number of a version, or a receipt where nobody is told the value.
    pub value: SecretValue,
}

/// A credential that exists at the target, as its listing shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IssuedCredential {
    /// Its public half.
    pub identity: Identity,
    /// When it was issued.
    pub created_at: Option<Timestamp>,
    /// The rotation that asked for it, where the target can carry a tag.
    pub rotation: Option<RotationId>,
}

/// Changes what a target accepts.
///
/// # Contract
/// 1. `probe` is a real login. `Rejected` only when the target itself refused this credential; a target that cannot be
///    reached, or that fails for another reason, is an error.
/// 2. `probe` changes nothing that another login could see.
/// 3. After `apply` succeeds, the new credential is accepted; with a strategy that keeps the old one, the old one too.
/// 4. `apply` of a credential that is accepted already is Ok. What a target makes itself cannot be told it: anything else is
///    `Unsupported` there.
/// 5. `revoke` makes the old credential refused and leaves `remaining` accepted; already refused: Ok.
/// 6. No value reaches an argument list, an environment, a log or an error.
/// 7. `mint` and `list` are `Unsupported` unless the strategy is `Minted`; what `mint` made shows in `list`.
/// 8. An error is `NotApplied` only if it is certain that nothing changed.
/// 9. `reissue` makes one credential if the target still has `seen`, and none if it has another one by now; either way it
///    returns the one that the target has then. Asked twice with the same `seen` it makes one.
/// 10. `generation` only looks, and is another one after each `reissue` that made a credential. `None` is for targets that
///     show none: there `reissue` always makes one, and one more does nobody harm.
/// 11. `generation` and `reissue` are `Unsupported` unless the strategy reissues.
#[async_trait]
pub trait Rotator: Send + Sync {
    /// How old and new live side by side.
    fn strategy(&self) -> Strategy;

    /// Whom the next credential is for, given whom the current one is for. Pure; alternating rotators answer with the
    /// other user.
    ///
    /// # Errors
    /// `InvalidConfig` when the current identity is none of those that the rotator manages.
    fn next_identity(&self, current: Option<&Identity>) -> Result<Option<Identity>>;

    /// Tries to log in.
    async fn probe(&self, credential: Credential<'_>) -> Result<Probe>;

    /// Makes the target accept `new`. `current` is what it accepts now, if anything is known.
    async fn apply(
        &self,
        context: &CallContext,
        new: Credential<'_>,
        current: Option<Credential<'_>>,
    ) -> Result<()>;

    /// Makes the target refuse `old`.
    async fn revoke(
        &self,
        context: &CallContext,
        old: Credential<'_>,
        remaining: Option<Credential<'_>>,
    ) -> Result<()>;

    /// Asks the target for a new credential.
    async fn mint(&self, _context: &CallContext) -> Result<Minted> {
        Err(Error::not_applied(ErrorKind::Unsupported, "mint", "this target does not issue credentials"))
    }

    /// Every credential that exists at the target for this secret.
    async fn list(&self) -> Result<Vec<IssuedCredential>> {
        Err(Error::not_applied(ErrorKind::Unsupported, "list", "this target does not list credentials"))
    }

    /// Which of its credentials the target has now.
    async fn generation(&self) -> Result<Option<Generation>> {
        Err(Error::not_applied(
            ErrorKind::Unsupported,
            "look at the generation",
            "this target does not make its credentials itself",
        ))
    }

    /// Has the target make the next credential in the place of `seen`, unless it has done so.
    async fn reissue(&self, _context: &CallContext, _seen: Option<&Generation>) -> Result<Reissued> {
        Err(Error::not_applied(
            ErrorKind::Unsupported,
            "reissue",
            "this target does not make its credentials itself",
        ))
    }

    /// Removes an issued credential whose value nobody knows any more.
    async fn revoke_orphan(&self, _context: &CallContext, _identity: &Identity) -> Result<()> {
        Err(Error::not_applied(ErrorKind::Unsupported, "revoke", "this target does not issue credentials"))
    }

    /// Checks settings and rights without changing anything; one finding for each thing missing.
    async fn examine(&self) -> Vec<Finding>;
}
