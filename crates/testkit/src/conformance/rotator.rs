//! The contract of `Rotator`, sentence by sentence.

use std::{any::Any, sync::Arc};

use futures::future::BoxFuture;
use keywheel_core::{
    Effect, Error, ErrorKind, Generation, Identity, SecretValue,
    rotator::{Credential, Probe, Reissued, Rotator, Strategy},
};

use super::{
    run::skipped,
    sample::{assert_free_of, context, rotation, value},
};

type Look = Arc<dyn Fn() -> BoxFuture<'static, String> + Send + Sync>;
type Switch = Arc<dyn Fn(bool) -> BoxFuture<'static, ()> + Send + Sync>;

/// A target that accepts one credential, and what a case needs besides it.
pub struct RotatorFixture {
    rotator: Arc<dyn Rotator>,
    identity: Option<Identity>,
    value: SecretValue,
    state: Option<Look>,
    network: Option<Switch>,
    kept: Vec<Box<dyn Any + Send + Sync>>,
}

/// Whom a value is for, and the value.
struct Owned {
    identity: Option<Identity>,
    value: SecretValue,
}

impl Owned {
    fn lend(&self) -> Credential<'_> {
        Credential { identity: self.identity.as_ref(), value: &self.value }
    }
}

impl RotatorFixture {
    /// `rotator` changes a target that accepts `value` for `identity` now, and nothing else of what it manages.
    pub fn new(rotator: Arc<dyn Rotator>, identity: Option<Identity>, value: SecretValue) -> Self {
        Self { rotator, identity, value, state: None, network: None, kept: Vec::new() }
    }

    /// The target's state in words, found without the implementation, for "changes nothing".
    #[must_use]
    pub fn state_from(
        mut self,
        look: impl Fn() -> BoxFuture<'static, String> + Send + Sync + 'static,
    ) -> Self {
        self.state = Some(Arc::new(look));
        self
    }

    /// Puts the target on the network (`true`) or takes it off.
    #[must_use]
    pub fn network_by(
        mut self,
        set: impl Fn(bool) -> BoxFuture<'static, ()> + Send + Sync + 'static,
    ) -> Self {
        self.network = Some(Arc::new(set));
        self
    }

    /// Keeps `guard` (a server) for as long as the case runs.
    #[must_use]
    pub fn keeping(mut self, guard: impl Any + Send + Sync) -> Self {
        self.kept.push(Box::new(guard));
        self
    }

    fn old(&self) -> Credential<'_> {
        Credential { identity: self.identity.as_ref(), value: &self.value }
    }

    async fn state(&self) -> Option<String> {
        match &self.state {
            Some(look) => Some(look().await),
            None => None,
        }
    }

    async fn probe(&self, credential: Credential<'_>) -> Probe {
        self.rotator.probe(credential).await.expect("the target can be reached")
    }

    /// The next credential, accepted: applied, or minted where the target issues it.
    async fn renewed(&self) -> Owned {
        let next = self.next().await;
        if !self.rotator.strategy().issues() {
            self.rotator.apply(&context(1), next.lend(), Some(self.old())).await.expect("apply");
        }
        next
    }

    /// The next credential, not applied yet; an issued one is accepted from the start.
    async fn next(&self) -> Owned {
        if self.rotator.strategy().reissues() {
            let seen = self.rotator.generation().await.expect("generation");
            return self.reissue(seen.as_ref()).await;
        }
        if self.rotator.strategy() == Strategy::Minted {
            let minted = self.rotator.mint(&context(1)).await.expect("mint");
            return Owned { identity: Some(minted.identity), value: minted.value };
        }
        let identity =
            self.rotator.next_identity(self.identity.as_ref()).expect("the identity is a managed one");
        Owned { identity, value: value(1) }
    }

    async fn reissue(&self, seen: Option<&Generation>) -> Owned {
        let Reissued { identity, value } = self.rotator.reissue(&context(1), seen).await.expect("reissue");
        Owned { identity: identity.or_else(|| self.identity.clone()), value }
    }
}

/// 1. `probe` is a real login. `Rejected` only when the target itself refused this credential; a target that cannot be
///    reached, or that fails for another reason, is an error.
pub async fn c01_probe_is_a_real_login_and_unreachable_is_an_error(fixture: RotatorFixture) {
    assert_eq!(fixture.probe(fixture.old()).await, Probe::Accepted);
    let wrong = value(9);
    let wrong = Credential { identity: fixture.identity.as_ref(), value: &wrong };
    assert_eq!(fixture.probe(wrong).await, Probe::Rejected);
    let Some(network) = &fixture.network else { return skipped("the fixture cannot cut the network") };
    network(false).await;
    for credential in [fixture.old(), wrong] {
        let error = fixture.rotator.probe(credential).await.expect_err("nobody answered");
        assert_ne!(error.kind, ErrorKind::Rejected, "{error}");
    }
    network(true).await;
    assert_eq!(fixture.probe(fixture.old()).await, Probe::Accepted);
}

/// 2. `probe` changes nothing that another login could see.
pub async fn c02_probe_changes_nothing(fixture: RotatorFixture) {
    let before = fixture.state().await;
    let wrong = value(9);
    for _ in 0..3 {
        fixture.probe(fixture.old()).await;
        fixture.probe(Credential { identity: fixture.identity.as_ref(), value: &wrong }).await;
    }
    assert_eq!(fixture.probe(fixture.old()).await, Probe::Accepted);
    assert_eq!(fixture.state().await, before);
    if before.is_none() {
        skipped("the fixture has no view of the target's state");
    }
}

/// 3. After `apply` succeeds, the new credential is accepted; with a strategy that keeps the old one, the old one too.
pub async fn c03_after_apply_the_new_credential_is_accepted_and_the_old_one_as_the_strategy_says(
    fixture: RotatorFixture,
) {
    let new = fixture.renewed().await;
    assert_eq!(fixture.probe(new.lend()).await, Probe::Accepted);
    let old = if fixture.rotator.strategy().keeps_old() { Probe::Accepted } else { Probe::Rejected };
    assert_eq!(fixture.probe(fixture.old()).await, old);
}

/// 4. `apply` of a credential that is accepted already is Ok. What a target makes itself cannot be told it: anything else is
///    `Unsupported` there.
pub async fn c04_applying_an_accepted_credential_is_ok(fixture: RotatorFixture) {
    let new = fixture.renewed().await;
    let before = fixture.state().await;
    for current in [Some(fixture.old()), Some(new.lend()), None] {
        fixture.rotator.apply(&context(1), new.lend(), current).await.expect("it is accepted already");
        assert_eq!(fixture.probe(new.lend()).await, Probe::Accepted);
        assert_eq!(fixture.state().await, before);
    }
    if fixture.rotator.strategy().reissues() {
        let strange = value(9);
        let strange = Credential { identity: fixture.identity.as_ref(), value: &strange };
        let error =
            fixture.rotator.apply(&context(1), strange, Some(new.lend())).await.expect_err("its own alone");
        assert_eq!((error.kind, error.effect), (ErrorKind::Unsupported, Effect::NotApplied), "{error}");
        assert_eq!(fixture.state().await, before);
    }
}

/// 5. `revoke` makes the old credential refused and leaves `remaining` accepted; already refused: Ok.
pub async fn c05_revoke_ends_the_old_credential_and_leaves_the_remaining_one(fixture: RotatorFixture) {
    let new = fixture.renewed().await;
    for _ in 0..2 {
        let revoked = fixture.rotator.revoke(&context(1), fixture.old(), Some(new.lend())).await;
        revoked.expect("revoke");
        assert_eq!(fixture.probe(fixture.old()).await, Probe::Rejected);
        assert_eq!(fixture.probe(new.lend()).await, Probe::Accepted);
    }
}

/// 6. No value reaches an argument list, an environment, a log or an error. (Of these a suite can see errors; a process
///    that shows its arguments needs a case of its own.)
pub async fn c06_no_value_reaches_an_error(fixture: RotatorFixture) {
    let mut errors: Vec<Error> = Vec::new();
    let (unmanaged, new) = (Identity::from("nobody-manages-me"), value(1));
    let strange = Credential { identity: Some(&unmanaged), value: &new };
    errors.extend(fixture.rotator.apply(&context(1), strange, Some(fixture.old())).await.err());
    if let Some(network) = &fixture.network {
        network(false).await;
        let new = Credential { identity: fixture.identity.as_ref(), value: &new };
        errors.extend(fixture.rotator.probe(fixture.old()).await.err());
        errors.extend(fixture.rotator.apply(&context(1), new, Some(fixture.old())).await.err());
        errors.extend(fixture.rotator.revoke(&context(1), fixture.old(), Some(new)).await.err());
    } else {
        skipped("the fixture cannot cut the network");
    }
    for error in errors {
        let text =
            format!("{error} {error:?} {:?}", std::error::Error::source(&error).map(ToString::to_string));
        assert_free_of(&fixture.value, &text);
        assert_free_of(&new, &text);
    }
}

/// 7. `mint` and `list` are `Unsupported` unless the strategy is `Minted`; what `mint` made shows in `list`.
pub async fn c07_only_minted_targets_mint_and_list(fixture: RotatorFixture) {
    let rotator = &fixture.rotator;
    if rotator.strategy() != Strategy::Minted {
        let before = fixture.state().await;
        let refusals = [
            rotator.mint(&context(1)).await.err(),
            rotator.list().await.err(),
            rotator.revoke_orphan(&context(1), &"KEY0".into()).await.err(),
        ];
        for refusal in refusals {
            let refusal = refusal.expect("this target issues nothing");
            assert_eq!(
                (refusal.kind, refusal.effect),
                (ErrorKind::Unsupported, Effect::NotApplied),
                "{refusal}"
            );
        }
        assert_eq!(fixture.state().await, before);
        return;
    }
    let minted = rotator.mint(&context(1)).await.expect("mint");
    let listed = rotator.list().await.expect("list");
    let found = listed.iter().find(|issued| issued.identity == minted.identity).expect("the mint is listed");
    assert!(found.rotation.is_none_or(|asked| asked == rotation(1)), "{found:?}");
    rotator.revoke_orphan(&context(1), &minted.identity).await.expect("revoke the orphan");
    let listed = rotator.list().await.expect("list");
    assert!(listed.iter().all(|issued| issued.identity != minted.identity), "{listed:?}");
    let minted = Owned { identity: Some(minted.identity), value: minted.value };
    assert_eq!(fixture.probe(minted.lend()).await, Probe::Rejected);
    assert_eq!(fixture.probe(fixture.old()).await, Probe::Accepted);
}

/// 8. An error is `NotApplied` only if it is certain that nothing changed.
pub async fn c08_not_applied_means_that_nothing_changed(fixture: RotatorFixture) {
    let Some(network) = &fixture.network else { return skipped("the fixture cannot cut the network") };
    let before = fixture.state().await;
    let new = value(1);
    let identity = fixture.rotator.next_identity(fixture.identity.as_ref()).expect("a managed identity");
    let new = Credential { identity: identity.as_ref(), value: &new };
    network(false).await;
    let errors = [
        fixture.rotator.apply(&context(1), new, Some(fixture.old())).await.expect_err("unreachable"),
        fixture.rotator.revoke(&context(1), fixture.old(), Some(new)).await.expect_err("unreachable"),
    ];
    network(true).await;
    if errors.iter().all(|error| error.effect == Effect::NotApplied) {
        assert_eq!(fixture.probe(fixture.old()).await, Probe::Accepted);
        assert_eq!(fixture.state().await, before);
    }
}

/// 9. `reissue` makes one credential if the target still has `seen`, and none if it has another one by now; either way it
///    returns the one that the target has then. Asked twice with the same `seen` it makes one.
pub async fn c09_reissue_makes_one_credential_for_each_generation_that_was_seen(fixture: RotatorFixture) {
    if !fixture.rotator.strategy().reissues() {
        return skipped("the target does not make its credentials itself");
    }
    let seen = fixture.rotator.generation().await.expect("generation");
    if seen.is_none() {
        return skipped("the target shows no generation");
    }
    let first = fixture.reissue(seen.as_ref()).await;
    let after_first = fixture.state().await;
    let again = fixture.reissue(seen.as_ref()).await;
    assert!(first.value.same_as(&again.value), "one credential for one generation");
    assert_eq!(fixture.state().await, after_first);
    let present = fixture.rotator.generation().await.expect("generation");
    let second = fixture.reissue(present.as_ref()).await;
    assert!(!first.value.same_as(&second.value), "another generation, another credential");
    assert_eq!(fixture.probe(second.lend()).await, Probe::Accepted);
}

/// 10. `generation` only looks, and is another one after each `reissue` that made a credential. `None` is for targets that
///     show none: there `reissue` always makes one, and one more does nobody harm.
pub async fn c10_generation_only_looks_and_moves_on_with_each_reissue(fixture: RotatorFixture) {
    if !fixture.rotator.strategy().reissues() {
        return skipped("the target does not make its credentials itself");
    }
    let before = fixture.state().await;
    let seen = fixture.rotator.generation().await.expect("generation");
    assert_eq!(fixture.rotator.generation().await.expect("generation"), seen);
    assert_eq!(fixture.state().await, before);
    fixture.reissue(seen.as_ref()).await;
    let next = fixture.rotator.generation().await.expect("generation");
    if seen.is_none() {
        assert_eq!(next, None);
        fixture.reissue(None).await;
        return skipped("the target shows no generation");
    }
    assert_ne!(next, seen);
}

/// 11. `generation` and `reissue` are `Unsupported` unless the strategy reissues.
pub async fn c11_only_targets_that_reissue_do(fixture: RotatorFixture) {
    let rotator = &fixture.rotator;
    if rotator.strategy().reissues() {
        rotator.generation().await.expect("generation");
        return;
    }
    let before = fixture.state().await;
    let refusals = [rotator.generation().await.err(), rotator.reissue(&context(1), None).await.err()];
    for refusal in refusals {
        let refusal = refusal.expect("this target is told its credentials");
        assert_eq!((refusal.kind, refusal.effect), (ErrorKind::Unsupported, Effect::NotApplied), "{refusal}");
    }
    assert_eq!(fixture.state().await, before);
}
