//! A store under a layer.

use async_trait::async_trait;
use keywheel_core::{
    CallContext, Identity, Result, SecretValue, VersionId,
    secret::{Secret, SecretCapabilities, Stage, VersionInfo, Versions},
};

use super::layer::{Layer, Layered};

#[deny(clippy::missing_trait_methods)]
#[async_trait]
impl<L: Layer, T: Secret + ?Sized> Secret for Layered<L, T> {
    fn capabilities(&self) -> SecretCapabilities {
        self.inner.capabilities()
    }

    async fn versions(&self) -> Result<Versions> {
        self.layer.look("versions", || self.inner.versions()).await
    }

    async fn cautions(&self) -> Result<Vec<String>> {
        self.layer.look("cautions", || self.inner.cautions()).await
    }

    async fn read(&self, stage: Stage) -> Result<SecretValue> {
        self.layer.look("read", || self.inner.read(stage)).await
    }

    async fn stage(
        &self,
        context: &CallContext,
        value: &SecretValue,
        identity: Option<&Identity>,
    ) -> Result<VersionInfo> {
        let call = |context: CallContext| async move { self.inner.stage(&context, value, identity).await };
        self.layer.change("stage", context.clone(), call).await
    }

    async fn publish(&self, context: &CallContext, version: &VersionId) -> Result<()> {
        let call = |context: CallContext| async move { self.inner.publish(&context, version).await };
        self.layer.change("publish", context.clone(), call).await
    }

    async fn promote(
        &self,
        context: &CallContext,
        version: &VersionId,
        expected: Option<&VersionId>,
    ) -> Result<()> {
        let call =
            |context: CallContext| async move { self.inner.promote(&context, version, expected).await };
        self.layer.change("promote", context.clone(), call).await
    }

    async fn retire(&self, context: &CallContext, version: &VersionId) -> Result<()> {
        let call = |context: CallContext| async move { self.inner.retire(&context, version).await };
        self.layer.change("retire", context.clone(), call).await
    }
}
