//! A target under a layer.

use async_trait::async_trait;
use keywheel_core::{
    CallContext, Generation, Identity, Result,
    provider::Finding,
    rotator::{Credential, IssuedCredential, Minted, Probe, Reissued, Rotator, Strategy},
};

use super::layer::{Layer, Layered, examined};

#[deny(clippy::missing_trait_methods)]
#[async_trait]
impl<L: Layer, T: Rotator + ?Sized> Rotator for Layered<L, T> {
    fn strategy(&self) -> Strategy {
        self.inner.strategy()
    }

    fn next_identity(&self, current: Option<&Identity>) -> Result<Option<Identity>> {
        self.inner.next_identity(current)
    }

    async fn probe(&self, credential: Credential<'_>) -> Result<Probe> {
        self.layer.look("probe", || self.inner.probe(credential)).await
    }

    async fn apply(
        &self,
        context: &CallContext,
        new: Credential<'_>,
        current: Option<Credential<'_>>,
    ) -> Result<()> {
        let call = |context: CallContext| async move { self.inner.apply(&context, new, current).await };
        self.layer.change("apply", context.clone(), call).await
    }

    async fn revoke(
        &self,
        context: &CallContext,
        old: Credential<'_>,
        remaining: Option<Credential<'_>>,
    ) -> Result<()> {
        let call = |context: CallContext| async move { self.inner.revoke(&context, old, remaining).await };
        self.layer.change("revoke", context.clone(), call).await
    }

    async fn mint(&self, context: &CallContext) -> Result<Minted> {
        let call = |context: CallContext| async move { self.inner.mint(&context).await };
        self.layer.change("mint", context.clone(), call).await
    }

    async fn list(&self) -> Result<Vec<IssuedCredential>> {
        self.layer.look("list", || self.inner.list()).await
    }

    async fn generation(&self) -> Result<Option<Generation>> {
        self.layer.look("generation", || self.inner.generation()).await
    }

    async fn reissue(&self, context: &CallContext, seen: Option<&Generation>) -> Result<Reissued> {
        let call = |context: CallContext| async move { self.inner.reissue(&context, seen).await };
        self.layer.change("reissue", context.clone(), call).await
    }

    async fn revoke_orphan(&self, context: &CallContext, identity: &Identity) -> Result<()> {
        let call = |context: CallContext| async move { self.inner.revoke_orphan(&context, identity).await };
        self.layer.change("revoke_orphan", context.clone(), call).await
    }

    async fn examine(&self) -> Vec<Finding> {
        examined(&self.layer, || self.inner.examine()).await
    }
}
