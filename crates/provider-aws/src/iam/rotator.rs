//! The keys of one user.

use std::sync::Arc;

use async_trait::async_trait;
use aws_sdk_iam::{Client, config::Builder};
use jiff::SignedDuration;
use keywheel_core::{
    CallContext, Error, ErrorKind, Identity, Result,
    provider::Finding,
    rotator::{Credential, IssuedCredential, Minted, Probe, Rotator, Strategy},
};
use tokio::sync::OnceCell;

use crate::{access::Access, call::Call};

/// The access keys of one user.
pub(crate) struct AccessKeys {
    pub(super) access: Access,
    pub(super) user: Arc<str>,
    pub(super) sts_endpoint: Option<String>,
    pub(super) unused_for: Option<SignedDuration>,
    client: OnceCell<Client>,
}

impl AccessKeys {
    pub(super) fn new(
        access: Access,
        user: Arc<str>,
        sts_endpoint: Option<String>,
        unused_for: Option<SignedDuration>,
    ) -> Self {
        Self { access, user, sts_endpoint, unused_for, client: OnceCell::new() }
    }

    pub(super) fn call(&self, operation: &'static str, context: Option<&CallContext>) -> Call<'_> {
        Call::new(operation, &*self.access.clock, context)
    }

    pub(super) async fn iam(&self, operation: &'static str) -> Result<&Client> {
        let config = self.access.config(operation).await?;
        let make = || async {
            let mut builder = Builder::from(config).retry_classifier(self.access.put_off());
            builder.set_endpoint_url(self.access.endpoint.clone());
            Client::from_conf(builder.build())
        };
        Ok(self.client.get_or_init(make).await)
    }
}

/// One handle of it; all of them share it.
pub(super) struct Handle(pub(super) Arc<AccessKeys>);

#[async_trait]
impl Rotator for Handle {
    fn strategy(&self) -> Strategy {
        Strategy::Minted
    }

    fn next_identity(&self, _current: Option<&Identity>) -> Result<Option<Identity>> {
        // Known when it was minted.
        Ok(None)
    }

    async fn probe(&self, credential: Credential<'_>) -> Result<Probe> {
        self.0.log_in(credential).await
    }

    async fn apply(
        &self,
        _context: &CallContext,
        new: Credential<'_>,
        _current: Option<Credential<'_>>,
    ) -> Result<()> {
        match self.0.log_in(new).await.map_err(|error| Error { operation: "apply", ..error })? {
            Probe::Accepted => Ok(()),
            Probe::Rejected => {
                let message = "IAM makes its access keys itself, and does not know this one";
                Err(self.0.about(Error::not_applied(ErrorKind::Unsupported, "apply", message)))
            }
        }
    }

    async fn revoke(
        &self,
        context: &CallContext,
        old: Credential<'_>,
        remaining: Option<Credential<'_>>,
    ) -> Result<()> {
        self.0.end(context, old, remaining).await
    }

    async fn mint(&self, context: &CallContext) -> Result<Minted> {
        self.0.make(context).await
    }

    async fn list(&self) -> Result<Vec<IssuedCredential>> {
        self.0.issued().await
    }

    async fn revoke_orphan(&self, context: &CallContext, identity: &Identity) -> Result<()> {
        self.0.end_orphan(context, identity).await
    }

    async fn examine(&self) -> Vec<Finding> {
        self.0.findings().await
    }
}
