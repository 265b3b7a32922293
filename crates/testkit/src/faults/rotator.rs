//! A target that fails as planned.

use async_trait::async_trait;
use keywheel_core::{
    CallContext, Generation, Identity, Result,
    provider::Finding,
    rotator::{Credential, IssuedCredential, Minted, Probe, Reissued, Rotator, Strategy},
};

use super::wrap::Faulty;

#[deny(clippy::missing_trait_methods)]
#[async_trait]
impl<T: Rotator + ?Sized> Rotator for Faulty<T> {
    fn strategy(&self) -> Strategy {
        self.inner.strategy()
    }

    fn next_identity(&self, current: Option<&Identity>) -> Result<Option<Identity>> {
        self.inner.next_identity(current)
    }

    async fn probe(&self, credential: Credential<'_>) -> Result<Probe> {
        self.plan.look(&self.label, "probe", self.inner.probe(credential)).await
    }

    async fn apply(
        &self,
        context: &CallContext,
        new: Credential<'_>,
        current: Option<Credential<'_>>,
    ) -> Result<()> {
        self.plan.change(&self.label, "apply", self.inner.apply(context, new, current)).await
    }

    async fn revoke(
        &self,
        context: &CallContext,
        old: Credential<'_>,
        remaining: Option<Credential<'_>>,
    ) -> Result<()> {
        self.plan.change(&self.label, "revoke", self.inner.revoke(context, old, remaining)).await
    }

    async fn mint(&self, context: &CallContext) -> Result<Minted> {
        self.plan.change(&self.label, "mint", self.inner.mint(context)).await
    }

    async fn list(&self) -> Result<Vec<IssuedCredential>> {
        self.plan.look(&self.label, "list", self.inner.list()).await
    }

    async fn generation(&self) -> Result<Option<Generation>> {
        self.plan.look(&self.label, "generation", self.inner.generation()).await
    }

    async fn reissue(&self, context: &CallContext, seen: Option<&Generation>) -> Result<Reissued> {
        self.plan.change(&self.label, "reissue", self.inner.reissue(context, seen)).await
    }

    async fn revoke_orphan(&self, context: &CallContext, identity: &Identity) -> Result<()> {
        self.plan.change(&self.label, "revoke_orphan", self.inner.revoke_orphan(context, identity)).await
    }

    async fn examine(&self) -> Vec<Finding> {
        self.inner.examine().await
    }
}
