//! A consumer across the network.

use std::sync::Arc;

use async_trait::async_trait;
use futures::FutureExt;
use keywheel_core::{
    CallContext, Error, ErrorKind, Result, SecretValue,
    notifier::{Adoption, Notice, Notifier},
    provider::{Consumer, Finding},
};
use keywheel_testkit::memory::MemoryConsumer;

use crate::{
    fault::Server,
    judge::{Deed, Judge},
    network::Network,
    schedule::Request,
};

/// A declared consumer.
#[derive(Clone)]
pub(crate) struct SimConsumer {
    pub(crate) model: MemoryConsumer,
    pub(crate) label: &'static str,
    pub(crate) network: Network,
    pub(crate) judge: Judge,
}

impl Consumer for SimConsumer {
    fn describe(&self) -> String {
        self.label.to_owned()
    }

    fn shows_plain_fingerprints(&self) -> bool {
        true
    }

    fn trusted(&self) -> Option<String> {
        None
    }

    fn notifier(&self) -> Arc<dyn Notifier> {
        Arc::new(self.clone())
    }
}

#[deny(clippy::missing_trait_methods)]
#[async_trait]
impl Notifier for SimConsumer {
    async fn notify(&self, context: &CallContext, notice: &Notice) -> Result<()> {
        self.judge.deed(self.network.current(), context, Deed::Notify);
        let request = Request { on: self.label, verb: "notify", about: notice.phase.as_str() };
        let (notifier, context, notice) = (self.model.open(), context.clone(), notice.clone());
        self.network
            .change(Server::Remote, request, move || {
                notifier.notify(&context, &notice).now_or_never().unwrap_or_else(|| Err(silent()))
            })
            .await
    }

    fn wants_value(&self) -> bool {
        self.model.open().wants_value()
    }

    async fn notify_with(&self, context: &CallContext, notice: &Notice, value: &SecretValue) -> Result<()> {
        self.judge.deed(self.network.current(), context, Deed::Notify);
        let request = Request { on: self.label, verb: "notify", about: notice.phase.as_str() };
        let (notifier, context, notice) = (self.model.open(), context.clone(), notice.clone());
        let value = value.duplicate();
        self.network
            .change(Server::Remote, request, move || {
                let told = notifier.notify_with(&context, &notice, &value).now_or_never();
                told.unwrap_or_else(|| Err(silent()))
            })
            .await
    }

    async fn adopted(&self, notice: &Notice) -> Result<Adoption> {
        let request = Request { on: self.label, verb: "adopted", about: notice.phase.as_str() };
        self.network
            .look(Server::Remote, request, || {
                self.model.open().adopted(notice).now_or_never().unwrap_or_else(|| Err(silent()))
            })
            .await
    }

    fn tells_everything(&self) -> bool {
        self.model.open().tells_everything()
    }

    async fn examine(&self) -> Vec<Finding> {
        Vec::new()
    }
}

fn silent() -> Error {
    Error::not_applied(ErrorKind::Internal, "ask model", "a model did not answer at once")
}
