//! Vault's own users at databases: the password that it logs in with to make others. It makes a new one, tells the database, and
//! nobody else.
//! <https://developer.hashicorp.com/vault/api-docs/secret/databases#rotate-root-credentials>

use std::sync::Arc;

use async_trait::async_trait;
use keywheel_core::{
    CallContext, Error, ErrorKind, Generation, Identity, Result, SecretValue,
    provider::Finding,
    rotator::{Credential, Probe, Reissued, Rotator, Strategy},
};
use serde::{Deserialize, Serialize, de::IgnoredAny};

use super::{
    examine,
    named::{Named, told},
    target::Engine,
};

pub(crate) struct RootCredential(Named);

/// What the stores hold in the place of a password that nobody is told. The same for each attempt of a rotation.
#[derive(Deserialize, Serialize, PartialEq)]
#[serde(deny_unknown_fields)]
struct Receipt {
    mount: String,
    connection: String,
    rotation: String,
    begun: String,
}

impl Engine for RootCredential {
    const KIND: &'static str = "vault-root-credential";
    const MOUNT: &'static str = "database";
    const NAMES: &'static str = "connections";
    const STRATEGY: Strategy = Strategy::Reissued;
    const CONFIRMS: bool = false;

    fn rotator(named: Named) -> Arc<dyn Rotator> {
        Arc::new(Self(named))
    }
}

impl RootCredential {
    /// Whether `value` is a receipt for this connection.
    fn is_ours(&self, value: &SecretValue) -> bool {
        serde_json::from_slice::<Receipt>(value.expose_secret()).is_ok_and(|receipt| {
            receipt.mount == *self.0.mount && Some(receipt.connection.as_str()) == self.0.name.as_deref()
        })
    }
}

#[async_trait]
impl Rotator for RootCredential {
    fn strategy(&self) -> Strategy {
        Self::STRATEGY
    }

    fn next_identity(&self, current: Option<&Identity>) -> Result<Option<Identity>> {
        Ok(current.cloned())
    }

    /// Has Vault log in anew with what it has. Which of its passwords a receipt was for cannot be told.
    async fn probe(&self, credential: Credential<'_>) -> Result<Probe> {
        let (mut session, name) = self.0.begin("probe", None)?;
        if !self.is_ours(credential.value) {
            return Ok(Probe::Rejected);
        }
        session.ask(&[&self.0.mount, "reset", name], b"{}".to_vec()).await?;
        Ok(Probe::Accepted)
    }

    async fn apply(
        &self,
        _context: &CallContext,
        new: Credential<'_>,
        _current: Option<Credential<'_>>,
    ) -> Result<()> {
        self.0.begin("apply", None)?;
        if self.is_ours(new.value) { Ok(()) } else { Err(told("apply")) }
    }

    /// What Vault had before went with the rotation.
    async fn revoke(
        &self,
        _context: &CallContext,
        _old: Credential<'_>,
        _remaining: Option<Credential<'_>>,
    ) -> Result<()> {
        self.0.begin("revoke", None).map(drop)
    }

    /// Nothing on the server shows that it rotated one. But a connection that is not there is found before it is asked to.
    async fn generation(&self) -> Result<Option<Generation>> {
        let (mut session, name) = self.0.begin("look at the connection", None)?;
        let _there: IgnoredAny = self.0.read(&mut session, "config", name).await?;
        Ok(None)
    }

    async fn reissue(&self, context: &CallContext, _seen: Option<&Generation>) -> Result<Reissued> {
        let (mut session, name) = self.0.begin("rotate root credential", Some(context))?;
        session.post_once(&[&self.0.mount, "rotate-root", name]).await?;
        let receipt = Receipt {
            mount: self.0.mount.to_string(),
            connection: name.to_owned(),
            rotation: context.rotation.to_string(),
            begun: context.started_at.to_string(),
        };
        let text = serde_json::to_vec(&receipt).map_err(|_| {
            let message = "the receipt cannot be written as JSON";
            Error::maybe_applied(ErrorKind::Internal, session.operation(), message)
        })?;
        Ok(Reissued { identity: None, value: SecretValue::from_vec(text) })
    }

    async fn examine(&self) -> Vec<Finding> {
        let mount = &self.0.mount;
        let needed = |name: &str| {
            vec![
                (format!("{mount}/config/{name}"), &["read"] as &[_]),
                (format!("{mount}/rotate-root/{name}"), &["update"]),
                (format!("{mount}/reset/{name}"), &["update"]),
            ]
        };
        let look = async {
            let (mut session, name) = self.0.begin(examine::EXAMINE, None)?;
            let _there: IgnoredAny = self.0.read(&mut session, "config", name).await?;
            Ok(None)
        };
        examine::rotator(&self.0, needed, look).await
    }
}
