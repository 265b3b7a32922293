//! A store that fails as planned.

use async_trait::async_trait;
use keywheel_core::{
    CallContext, Identity, Result, SecretValue, VersionId,
    secret::{Secret, SecretCapabilities, Stage, VersionInfo, Versions},
};

use super::wrap::Faulty;

#[deny(clippy::missing_trait_methods)]
#[async_trait]
impl<T: Secret + ?Sized> Secret for Faulty<T> {
    fn capabilities(&self) -> SecretCapabilities {
        self.inner.capabilities()
    }

    async fn versions(&self) -> Result<Versions> {
        self.plan.look(&self.label, "versions", self.inner.versions()).await
    }

    async fn cautions(&self) -> Result<Vec<String>> {
        self.plan.look(&self.label, "cautions", self.inner.cautions()).await
    }

    async fn read(&self, stage: Stage) -> Result<SecretValue> {
        self.plan.look(&self.label, "read", self.inner.read(stage)).await
    }

    async fn stage(
        &self,
        context: &CallContext,
        value: &SecretValue,
        identity: Option<&Identity>,
    ) -> Result<VersionInfo> {
        self.plan.change(&self.label, "stage", self.inner.stage(context, value, identity)).await
    }

    async fn publish(&self, context: &CallContext, version: &VersionId) -> Result<()> {
        self.plan.change(&self.label, "publish", self.inner.publish(context, version)).await
    }

    async fn promote(
        &self,
        context: &CallContext,
        version: &VersionId,
        expected: Option<&VersionId>,
    ) -> Result<()> {
        self.plan.change(&self.label, "promote", self.inner.promote(context, version, expected)).await
    }

    async fn retire(&self, context: &CallContext, version: &VersionId) -> Result<()> {
        self.plan.change(&self.label, "retire", self.inner.retire(context, version)).await
    }
}
