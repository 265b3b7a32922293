//! Changes what a [`MemoryTarget`] accepts.

use std::sync::MutexGuard;

use async_trait::async_trait;
use keywheel_core::{
    CallContext, Error, ErrorKind, Generation, Identity, Result, SecretValue,
    provider::Finding,
    rotator::{Credential, IssuedCredential, Minted, Probe, Reissued, Rotator, Strategy},
};

use super::{
    lock::lock,
    target::{Accounts, MemoryTarget},
};

/// As many as IAM allows a user: <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html>.
const MOST_AT_ONCE: usize = 2;

/// The reference model of [`Rotator`].
#[derive(Clone, Debug)]
pub struct MemoryRotator(pub(super) MemoryTarget);

impl MemoryRotator {
    fn reach(&self, operation: &'static str) -> Result<MutexGuard<'_, Accounts>> {
        let accounts = lock(&self.0.state);
        if accounts.unreachable {
            return Err(Error::not_applied(
                ErrorKind::Unavailable,
                operation,
                "the target cannot be reached",
            ));
        }
        Ok(accounts)
    }

    fn only_if_reissuing(&self, operation: &'static str) -> Result<()> {
        if self.0.strategy.reissues() {
            return Ok(());
        }
        let why = "this target does not make its credentials itself";
        Err(Error::not_applied(ErrorKind::Unsupported, operation, why))
    }

    fn only_if_minted(&self, operation: &'static str) -> Result<()> {
        if self.0.strategy == Strategy::Minted {
            return Ok(());
        }
        Err(Error::not_applied(ErrorKind::Unsupported, operation, "this target does not issue credentials"))
    }
}

impl Accounts {
    fn user(&self, operation: &'static str, identity: Option<&Identity>) -> Result<Identity> {
        identity.or(self.users.first()).cloned().ok_or_else(|| {
            Error::not_applied(
                ErrorKind::InvalidConfig,
                operation,
                "the credential does not say whom it is for",
            )
        })
    }

    /// The target makes another one of the credential that it has.
    pub(super) fn make_next(&mut self, strategy: Strategy) {
        self.minted += 1;
        let value = SecretValue::from_vec(format!("made-{:04}", self.minted).into_bytes());
        let Some(user) = self.users.first().cloned() else { return };
        let accepted = self.accepted.entry(user).or_default();
        if !strategy.keeps_old() {
            accepted.clear();
        }
        accepted.push(value);
    }

    fn accepts(&self, user: &Identity, value: &SecretValue) -> bool {
        self.accepted.get(user).is_some_and(|values| values.iter().any(|known| known.same_as(value)))
    }
}

#[async_trait]
impl Rotator for MemoryRotator {
    fn strategy(&self) -> Strategy {
        self.0.strategy
    }

    fn next_identity(&self, current: Option<&Identity>) -> Result<Option<Identity>> {
        let users = lock(&self.0.state).users.clone();
        let Some(current) = current else { return Ok(users.first().cloned()) };
        match self.0.strategy {
            Strategy::Minted => Ok(None),
            Strategy::Reissued | Strategy::Versioned => Ok(Some(current.clone())),
            Strategy::InPlace | Strategy::Overlap | Strategy::Alternating => {
                let Some(position) = users.iter().position(|user| user == current) else {
                    return Err(Error::not_applied(
                        ErrorKind::InvalidConfig,
                        "next identity",
                        "the current identity is none of those that the target manages",
                    )
                    .with("identity", current));
                };
                Ok(users.get((position + 1) % users.len()).cloned())
            }
        }
    }

    async fn probe(&self, credential: Credential<'_>) -> Result<Probe> {
        let mut accounts = self.reach("probe")?;
        accounts.logins += 1;
        let user = accounts.user("probe", credential.identity)?;
        Ok(if accounts.accepts(&user, credential.value) { Probe::Accepted } else { Probe::Rejected })
    }

    async fn apply(
        &self,
        _context: &CallContext,
        new: Credential<'_>,
        _current: Option<Credential<'_>>,
    ) -> Result<()> {
        let mut accounts = self.reach("apply")?;
        let user = accounts.user("apply", new.identity)?;
        if accounts.accepts(&user, new.value) {
            return Ok(());
        }
        let passwords = accounts.accepted.entry(user).or_default();
        match self.0.strategy {
            Strategy::Minted | Strategy::Reissued | Strategy::Versioned => {
                return Err(Error::not_applied(
                    ErrorKind::Unsupported,
                    "apply",
                    "this target issues its credentials itself",
                ));
            }
            Strategy::InPlace | Strategy::Alternating => passwords.clear(),
            Strategy::Overlap if passwords.len() >= MOST_AT_ONCE => {
                return Err(Error::not_applied(
                    ErrorKind::Conflict,
                    "apply",
                    "the user has two passwords already",
                ));
            }
            Strategy::Overlap => {}
        }
        passwords.push(new.value.duplicate());
        Ok(())
    }

    async fn revoke(
        &self,
        _context: &CallContext,
        old: Credential<'_>,
        remaining: Option<Credential<'_>>,
    ) -> Result<()> {
        let mut accounts = self.reach("revoke")?;
        let user = accounts.user("revoke", old.identity)?;
        if let Some(remaining) = remaining
            && accounts.user("revoke", remaining.identity)? == user
            && remaining.value.same_as(old.value)
        {
            return Err(Error::not_applied(
                ErrorKind::Conflict,
                "revoke",
                "the credential is the one that remains",
            ));
        }
        let strategy = self.0.strategy;
        if let Some(values) = accounts.accepted.get_mut(&user) {
            if strategy == Strategy::Reissued && values.iter().any(|known| known.same_as(old.value)) {
                let why = "the target has this credential alone: only another one ends it";
                return Err(Error::not_applied(ErrorKind::Unsupported, "revoke", why));
            }
            let oldest = remaining.and_then(|remaining| {
                values
                    .iter()
                    .position(|known| strategy == Strategy::Versioned && known.same_as(remaining.value))
            });
            values.drain(..oldest.unwrap_or_default());
            values.retain(|known| !known.same_as(old.value));
        }
        accounts.accepted.retain(|_, values| !values.is_empty());
        Ok(())
    }

    async fn mint(&self, context: &CallContext) -> Result<Minted> {
        self.only_if_minted("mint")?;
        let mut accounts = self.reach("mint")?;
        if accounts.accepted.len() >= MOST_AT_ONCE {
            return Err(Error::not_applied(ErrorKind::Conflict, "mint", "two keys exist already"));
        }
        accounts.minted += 1;
        let identity = Identity::new(format!("KEY{:04}", accounts.minted));
        let value = format!("minted-{:04}-{}", accounts.minted, context.rotation);
        accounts.accepted.insert(identity.clone(), vec![SecretValue::copy_from(value.as_bytes())]);
        accounts.asked_by.insert(identity.clone(), context.rotation);
        Ok(Minted { identity, value: SecretValue::from_vec(value.into_bytes()) })
    }

    async fn list(&self) -> Result<Vec<IssuedCredential>> {
        self.only_if_minted("list")?;
        let accounts = self.reach("list")?;
        let issued = accounts.accepted.keys().map(|identity| IssuedCredential {
            identity: identity.clone(),
            created_at: None,
            rotation: accounts.asked_by.get(identity).copied(),
        });
        Ok(issued.collect())
    }

    async fn generation(&self) -> Result<Option<Generation>> {
        self.only_if_reissuing("look at the generation")?;
        Ok(Some(Generation::new(self.reach("look at the generation")?.minted.to_string())))
    }

    async fn reissue(&self, _context: &CallContext, seen: Option<&Generation>) -> Result<Reissued> {
        self.only_if_reissuing("reissue")?;
        let mut accounts = self.reach("reissue")?;
        if seen.is_none_or(|seen| seen.as_str() == accounts.minted.to_string()) {
            accounts.make_next(self.0.strategy);
        }
        drop(accounts);
        self.0.present()
    }

    async fn revoke_orphan(&self, _context: &CallContext, identity: &Identity) -> Result<()> {
        self.only_if_minted("revoke")?;
        self.reach("revoke")?.accepted.remove(identity);
        Ok(())
    }

    async fn examine(&self) -> Vec<Finding> {
        match self.reach("examine") {
            Ok(_) => Vec::new(),
            Err(error) => vec![Finding::error(error.to_string(), "put the target back on the network")],
        }
    }
}
