//! A system that checks credentials, in memory.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex},
};

use keywheel_core::{
    Error, ErrorKind, Fingerprint, Fingerprinter, Identity, Result, RotationId, SecretValue,
    provider::Target,
    rotator::{Reissued, Rotator, Strategy},
};

use super::{lock::lock, rotator::MemoryRotator};

/// The reference model of a [`Target`], for each of the strategies. Clones share one state.
#[derive(Clone, Debug)]
pub struct MemoryTarget {
    pub(super) strategy: Strategy,
    pub(super) state: Arc<Mutex<Accounts>>,
}

#[derive(Debug, Default)]
pub(super) struct Accounts {
    /// The users that the target manages, in the order in which they take turns; minted keys come and go.
    pub(super) users: Vec<Identity>,
    pub(super) accepted: BTreeMap<Identity, Vec<SecretValue>>,
    pub(super) asked_by: BTreeMap<Identity, RotationId>,
    pub(super) minted: u64,
    pub(super) unreachable: bool,
    pub(super) logins: u64,
}

impl MemoryTarget {
    /// One user with one password.
    pub fn in_place(user: &str) -> Self {
        Self::with_users(Strategy::InPlace, &[user])
    }

    /// One user with up to two passwords at once, as a Redis ACL user has them.
    pub fn overlap(user: &str) -> Self {
        Self::with_users(Strategy::Overlap, &[user])
    }

    /// Two users that take turns.
    pub fn alternating(one: &str, other: &str) -> Self {
        Self::with_users(Strategy::Alternating, &[one, other])
    }

    /// Up to two keys that the target itself issues, as IAM does.
    pub fn minted() -> Self {
        Self::with_users(Strategy::Minted, &[])
    }

    /// One user whose next password the target makes itself, as Vault does for a static role.
    pub fn reissued(user: &str) -> Self {
        Self::with_users(Strategy::Reissued, &[user])
    }

    /// One key to which the target adds versions, as Vault does for a transit key.
    pub fn versioned(key: &str) -> Self {
        Self::with_users(Strategy::Versioned, &[key])
    }

    /// From outside: somebody else has the target make its next credential.
    pub fn moves_on(&self) {
        lock(&self.state).make_next(self.strategy);
    }

    /// From outside: the credential that the target has, as it hands it out.
    ///
    /// # Errors
    /// `NotFound` while it has none.
    pub fn present(&self) -> Result<Reissued> {
        let accounts = lock(&self.state);
        let identity = accounts.users.first().cloned();
        let present = identity.as_ref().and_then(|user| accounts.accepted.get(user)?.last());
        let value = present.map(SecretValue::duplicate).ok_or_else(|| {
            Error::not_applied(ErrorKind::NotFound, "reissue", "the target has no credential")
        })?;
        Ok(Reissued { identity, value })
    }

    /// From outside: how many credentials the target has made.
    pub fn made(&self) -> u64 {
        lock(&self.state).minted
    }

    fn with_users(strategy: Strategy, users: &[&str]) -> Self {
        let accounts = Accounts {
            users: users.iter().map(|user| Identity::from(*user)).collect(),
            ..Accounts::default()
        };
        Self { strategy, state: Arc::new(Mutex::new(accounts)) }
    }

    /// From outside: accepts `value` for `user` from now on, besides what it accepts already.
    #[must_use]
    pub fn accepting(self, user: &str, value: &[u8]) -> Self {
        lock(&self.state).accepted.entry(user.into()).or_default().push(SecretValue::copy_from(value));
        self
    }

    /// From outside: whether a login would work. Unlike a probe it works while the target is unreachable.
    pub fn accepts(&self, user: &str, value: &[u8]) -> bool {
        let value = SecretValue::copy_from(value);
        lock(&self.state)
            .accepted
            .get(user)
            .is_some_and(|values| values.iter().any(|known| known.same_as(&value)))
    }

    /// From outside: plain fingerprints of everything that is accepted.
    pub fn accepted(&self) -> BTreeMap<Identity, BTreeSet<Fingerprint>> {
        let plain = Fingerprinter::plain();
        lock(&self.state)
            .accepted
            .iter()
            .filter(|(_, values)| !values.is_empty())
            .map(|(user, values)| (user.clone(), values.iter().map(|value| plain.of(value)).collect()))
            .collect()
    }

    /// From outside: how many logins were tried.
    pub fn logins(&self) -> u64 {
        lock(&self.state).logins
    }

    /// From outside: takes the target off the network, or puts it back.
    pub fn set_reachable(&self, reachable: bool) {
        lock(&self.state).unreachable = !reachable;
    }

    /// The rotator, as its own type.
    pub fn open(&self) -> MemoryRotator {
        MemoryRotator(self.clone())
    }
}

impl Target for MemoryTarget {
    fn describe(&self) -> String {
        "memory".to_owned()
    }

    fn strategy(&self) -> Strategy {
        self.strategy
    }

    fn rotator(&self, _identity: Option<&Identity>) -> Arc<dyn Rotator> {
        Arc::new(self.open())
    }
}
