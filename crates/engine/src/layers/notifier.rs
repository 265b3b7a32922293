//! A consumer under a layer.

use async_trait::async_trait;
use keywheel_core::{
    CallContext, Result, SecretValue,
    notifier::{Adoption, Notice, Notifier},
    provider::Finding,
};

use super::layer::{Layer, Layered, examined};

#[deny(clippy::missing_trait_methods)]
#[async_trait]
impl<L: Layer, T: Notifier + ?Sized> Notifier for Layered<L, T> {
    async fn notify(&self, context: &CallContext, notice: &Notice) -> Result<()> {
        let call = |context: CallContext| async move { self.inner.notify(&context, notice).await };
        self.layer.change("notify", context.clone(), call).await
    }

    fn wants_value(&self) -> bool {
        self.inner.wants_value()
    }

    async fn notify_with(&self, context: &CallContext, notice: &Notice, value: &SecretValue) -> Result<()> {
        let call =
            |context: CallContext| async move { self.inner.notify_with(&context, notice, value).await };
        self.layer.change("notify_with", context.clone(), call).await
    }

    async fn adopted(&self, notice: &Notice) -> Result<Adoption> {
        self.layer.look("adopted", || self.inner.adopted(notice)).await
    }

    fn tells_everything(&self) -> bool {
        self.inner.tells_everything()
    }

    async fn examine(&self) -> Vec<Finding> {
        examined(&self.layer, || self.inner.examine()).await
    }
}
