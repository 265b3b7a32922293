//! Tells a [`MemoryConsumer`].

use async_trait::async_trait;
use keywheel_core::{
    CallContext, Error, ErrorKind, Result, SecretValue,
    notifier::{Adoption, Notice, Notifier},
    provider::Finding,
};

use super::{consumer::MemoryConsumer, lock::lock};

/// The reference model of [`Notifier`].
#[derive(Clone, Debug)]
pub struct MemoryNotifier(pub(super) MemoryConsumer);

#[async_trait]
impl Notifier for MemoryNotifier {
    async fn notify(&self, _context: &CallContext, notice: &Notice) -> Result<()> {
        if lock(&self.0.state).gone {
            return Err(Error::not_applied(ErrorKind::NotFound, "notify", "the consumer is gone"));
        }
        if self.wants_value() && notice.expected.is_some() {
            return Err(Error::not_applied(
                ErrorKind::Internal,
                "notify",
                "there is a value, and it was not handed over",
            ));
        }
        self.0.hear(notice);
        Ok(())
    }

    fn wants_value(&self) -> bool {
        self.0.is_handed_values
    }

    async fn notify_with(&self, context: &CallContext, notice: &Notice, value: &SecretValue) -> Result<()> {
        if !self.wants_value() {
            return self.notify(context, notice).await;
        }
        if lock(&self.0.state).gone {
            return Err(Error::not_applied(ErrorKind::NotFound, "notify", "the consumer is gone"));
        }
        self.0.take(notice, value);
        self.0.hear(notice);
        Ok(())
    }

    async fn adopted(&self, notice: &Notice) -> Result<Adoption> {
        Ok(self.0.look(notice))
    }

    async fn examine(&self) -> Vec<Finding> {
        Vec::new()
    }
}
