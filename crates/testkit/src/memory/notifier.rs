//! Tells a [`MemoryConsumer`].

use async_trait::async_trait;
use keywheel_core::{
    CallContext, Error, ErrorKind, Result,
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
