//! A target whose credentials another one checks: Vault makes the password of a database user, the database knows
//! whether it works.

use std::sync::Arc;

use async_trait::async_trait;
use keywheel_core::{
    CallContext, Generation, Identity, Result,
    provider::Finding,
    rotator::{Credential, IssuedCredential, Minted, Probe, Reissued, Rotator, Strategy},
};

/// Makes a rotator for a user.
pub(crate) type RotatorFor = Box<dyn Fn(Option<&Identity>) -> Arc<dyn Rotator> + Send + Sync>;

/// Everything is asked of `target` but logins, which are tried where `login` says.
pub(crate) struct LoginElsewhere {
    pub(crate) target: Arc<dyn Rotator>,
    pub(crate) login: RotatorFor,
}

#[deny(clippy::missing_trait_methods)]
#[async_trait]
impl Rotator for LoginElsewhere {
    fn strategy(&self) -> Strategy {
        self.target.strategy()
    }

    fn next_identity(&self, current: Option<&Identity>) -> Result<Option<Identity>> {
        self.target.next_identity(current)
    }

    async fn probe(&self, credential: Credential<'_>) -> Result<Probe> {
        (self.login)(credential.identity).probe(credential).await
    }

    async fn apply(
        &self,
        context: &CallContext,
        new: Credential<'_>,
        current: Option<Credential<'_>>,
    ) -> Result<()> {
        self.target.apply(context, new, current).await
    }

    async fn revoke(
        &self,
        context: &CallContext,
        old: Credential<'_>,
        remaining: Option<Credential<'_>>,
    ) -> Result<()> {
        self.target.revoke(context, old, remaining).await
    }

    async fn mint(&self, context: &CallContext) -> Result<Minted> {
        self.target.mint(context).await
    }

    async fn list(&self) -> Result<Vec<IssuedCredential>> {
        self.target.list().await
    }

    async fn generation(&self) -> Result<Option<Generation>> {
        self.target.generation().await
    }

    async fn reissue(&self, context: &CallContext, seen: Option<&Generation>) -> Result<Reissued> {
        self.target.reissue(context, seen).await
    }

    async fn revoke_orphan(&self, context: &CallContext, identity: &Identity) -> Result<()> {
        self.target.revoke_orphan(context, identity).await
    }

    async fn examine(&self) -> Vec<Finding> {
        self.target.examine().await
    }
}
