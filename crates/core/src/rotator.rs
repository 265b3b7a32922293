//! What changes the system that checks a credential.

use async_trait::async_trait;
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    context::CallContext,
    error::{Error, ErrorKind, Result},
    id::{Identity, RotationId},
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
    /// The target itself issues the value.
    Minted,
}

impl Strategy {
    /// Whether the old credential still works after the new one was applied.
    pub fn keeps_old(self) -> bool {
        match self {
            Self::InPlace => false,
            Self::Overlap | Self::Alternating | Self::Minted => true,
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
/// 4. `apply` of a credential that is accepted already is Ok.
/// 5. `revoke` makes the old credential refused and leaves `remaining` accepted; already refused: Ok.
/// 6. No value reaches an argument list, an environment, a log or an error.
/// 7. `mint` and `list` are `Unsupported` unless the strategy is `Minted`; what `mint` made shows in `list`.
/// 8. An error is `NotApplied` only if it is certain that nothing changed.
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

    /// Removes an issued credential whose value nobody knows any more.
    async fn revoke_orphan(&self, _context: &CallContext, _identity: &Identity) -> Result<()> {
        Err(Error::not_applied(ErrorKind::Unsupported, "revoke", "this target does not issue credentials"))
    }

    /// Checks settings and rights without changing anything; one finding for each thing missing.
    async fn examine(&self) -> Vec<Finding>;
}
