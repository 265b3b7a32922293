//! A consumer whose line fails as planned.

use async_trait::async_trait;
use keywheel_core::{
    CallContext, Result, SecretValue,
    notifier::{Adoption, Notice, Notifier},
    provider::Finding,
};

use super::wrap::Faulty;

#[deny(clippy::missing_trait_methods)]
#[async_trait]
impl<T: Notifier + ?Sized> Notifier for Faulty<T> {
    async fn notify(&self, context: &CallContext, notice: &Notice) -> Result<()> {
        self.plan.change(&self.label, "notify", self.inner.notify(context, notice)).await
    }

    fn wants_value(&self) -> bool {
        self.inner.wants_value()
    }

    async fn notify_with(&self, context: &CallContext, notice: &Notice, value: &SecretValue) -> Result<()> {
        self.plan.change(&self.label, "notify_with", self.inner.notify_with(context, notice, value)).await
    }

    async fn adopted(&self, notice: &Notice) -> Result<Adoption> {
        self.plan.look(&self.label, "adopted", self.inner.adopted(notice)).await
    }

    fn tells_everything(&self) -> bool {
        self.inner.tells_everything()
    }

    async fn examine(&self) -> Vec<Finding> {
        self.inner.examine().await
    }
}
