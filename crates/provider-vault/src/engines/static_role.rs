//! Static roles of the database engine: users whose passwords Vault makes, sets, and hands out.
//! <https://developer.hashicorp.com/vault/api-docs/secret/databases#rotate-static-role-credentials>
//!
//! `rotate-role` may be carried out long after it failed: the server tries it again by itself. And two at once may leave it
//! handing out a password that the database refuses. So an answer alone is never believed: what it hands out is read, and
//! `login-at` has the database say whether it works.

use std::sync::Arc;

use async_trait::async_trait;
use keywheel_core::{
    CallContext, Error, ErrorKind, Generation, Identity, Result, SecretValue,
    provider::Finding,
    rotator::{Credential, Probe, Reissued, Rotator, Strategy},
};
use serde::Deserialize;
use zeroize::Zeroizing;

use super::{
    examine,
    named::{Named, told},
    target::Engine,
};
use crate::api::Session;

pub(crate) struct StaticRole(Named);

/// What the server hands out.
#[derive(Deserialize)]
struct Creds {
    username: String,
    password: Zeroizing<String>,
    last_vault_rotation: String,
    #[serde(default)]
    rotation_period: u64,
}

impl Engine for StaticRole {
    const KIND: &'static str = "vault-static-role";
    const MOUNT: &'static str = "database";
    const NAMES: &'static str = "static roles";
    const STRATEGY: Strategy = Strategy::Reissued;
    const CONFIRMS: bool = true;

    fn rotator(named: Named) -> Arc<dyn Rotator> {
        Arc::new(Self(named))
    }
}

impl StaticRole {
    async fn creds(&self, session: &mut Session<'_>, name: &str) -> Result<Creds> {
        self.0.read(session, "static-creds", name).await
    }

    async fn hands_out(&self, operation: &'static str, credential: Credential<'_>) -> Result<bool> {
        let (mut session, name) = self.0.begin(operation, None)?;
        let creds = self.creds(&mut session, name).await?;
        let same_user = credential.identity.is_none_or(|user| {
            // An entry whose value was adopted has the role's name, and no user's.
            [creds.username.as_str(), name].contains(&user.as_str())
        });
        Ok(same_user && SecretValue::copy_from(creds.password.as_bytes()).same_as(credential.value))
    }
}

#[async_trait]
impl Rotator for StaticRole {
    fn strategy(&self) -> Strategy {
        Self::STRATEGY
    }

    fn next_identity(&self, current: Option<&Identity>) -> Result<Option<Identity>> {
        Ok(current.cloned())
    }

    /// Whether it is what Vault hands out: no more is known here.
    async fn probe(&self, credential: Credential<'_>) -> Result<Probe> {
        let same = self.hands_out("probe", credential).await?;
        Ok(if same { Probe::Accepted } else { Probe::Rejected })
    }

    async fn apply(
        &self,
        _context: &CallContext,
        new: Credential<'_>,
        _current: Option<Credential<'_>>,
    ) -> Result<()> {
        if self.hands_out("apply", new).await? { Ok(()) } else { Err(told("apply")) }
    }

    async fn revoke(
        &self,
        _context: &CallContext,
        old: Credential<'_>,
        _remaining: Option<Credential<'_>>,
    ) -> Result<()> {
        if !self.hands_out("revoke", old).await? {
            return Ok(());
        }
        let message = "this is the one password that the role has: only another one ends it";
        Err(Error::not_applied(ErrorKind::Unsupported, "revoke", message))
    }

    async fn generation(&self) -> Result<Option<Generation>> {
        let (mut session, name) = self.0.begin("look at the static role", None)?;
        Ok(Some(Generation::new(self.creds(&mut session, name).await?.last_vault_rotation)))
    }

    async fn reissue(&self, context: &CallContext, seen: Option<&Generation>) -> Result<Reissued> {
        let (mut session, name) = self.0.begin("rotate static role", Some(context))?;
        let mut creds = self.creds(&mut session, name).await?;
        let before = creds.last_vault_rotation.clone();
        if seen.is_none_or(|seen| seen.as_str() == before) {
            session.post_once(&[&self.0.mount, "rotate-role", name]).await?;
            creds = self.creds(&mut session, name).await?;
            if creds.last_vault_rotation == before {
                let message = "Vault said yes, and hands out the same password as before";
                return Err(Error::maybe_applied(ErrorKind::Unavailable, session.operation(), message));
            }
        }
        Ok(Reissued {
            identity: Some(Identity::new(creds.username.as_str())),
            value: SecretValue::copy_from(creds.password.as_bytes()),
        })
    }

    async fn examine(&self) -> Vec<Finding> {
        let needed = |name: &str| {
            vec![
                (format!("{}/static-creds/{name}", self.0.mount), &["read"] as &[_]),
                (format!("{}/rotate-role/{name}", self.0.mount), &["update"]),
            ]
        };
        let look = async {
            let (mut session, name) = self.0.begin(examine::EXAMINE, None)?;
            let period = self.creds(&mut session, name).await?.rotation_period;
            Ok((period > 0).then(|| {
                let message = format!(
                    "Vault also rotates `{name}` by itself, {period} s after its last rotation, and no store gets what it makes then"
                );
                Finding::warning(message, "have keywheel rotate it more often than that (`every`), which begins the time anew")
            }))
        };
        examine::rotator(&self.0, needed, look).await
    }
}
