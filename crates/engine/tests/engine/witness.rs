//! Sees every call that reaches a model, and objects to what no engine may do whatever has failed.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex},
};

use async_trait::async_trait;
use keywheel_core::{
    CallContext, Fingerprint, Generation, Identity, Result, RotationId, SecretValue, VersionId,
    notifier::{Adoption, Notice, Notifier},
    provider::Finding,
    rotation::{Action, Event, Record},
    rotator::{Credential, IssuedCredential, Minted, Probe, Reissued, Rotator, Strategy},
    secret::{Secret, SecretCapabilities, Stage, VersionInfo, Versions},
};
use keywheel_testkit::memory::{MemoryJournal, MemoryNotifier, MemoryRotator, MemorySecret};

use crate::scene::OLD;

/// What was seen. Clones are one witness.
#[derive(Clone)]
pub(crate) struct Witness(Arc<Seen>);

struct Seen {
    journal: MemoryJournal,
    objections: Mutex<Vec<String>>,
    /// The new values that became durable, rotation by rotation.
    staged: Mutex<BTreeMap<RotationId, BTreeSet<Fingerprint>>>,
    /// The rotation that told the target something since it was last asked.
    told: Mutex<Option<RotationId>>,
}

impl Witness {
    /// A witness who knows what is durable in `journal`.
    pub(crate) fn of(journal: &MemoryJournal) -> Self {
        Self(Arc::new(Seen {
            journal: journal.clone(),
            objections: Mutex::default(),
            staged: Mutex::default(),
            told: Mutex::default(),
        }))
    }

    pub(crate) fn object(&self, to: impl Into<String>) {
        self.0.objections.lock().expect("nobody panicked under it").push(to.into());
    }

    pub(crate) fn objections(&self) -> Vec<String> {
        self.0.objections.lock().expect("nobody panicked under it").clone()
    }

    /// How many new values of each rotation were ever durable.
    pub(crate) fn staged(&self) -> BTreeMap<RotationId, BTreeSet<Fingerprint>> {
        self.0.staged.lock().expect("nobody panicked under it").clone()
    }

    /// Objects unless the newest record of the rotation is the intent of an action that `fits`.
    fn intent(&self, context: &CallContext, what: &str, fits: fn(Action) -> bool) {
        let lines = self.0.journal.lines();
        let newest = lines[1..]
            .iter()
            .rev()
            .filter_map(|line| serde_json::from_str::<Record>(line).ok())
            // What an undo stages where nothing was goes by the rotation's name with another end.
            .find(|record| record.body.rotation.as_bytes()[..15] == context.rotation.as_bytes()[..15]);
        match newest.map(|record| record.body.event) {
            Some(Event::Begin { action }) if fits(action) => {}
            other => self.object(format!("{what} while the journal's newest word is {other:?}")),
        }
    }
}

/// A handle of a model with a witness beside it.
pub(crate) struct Witnessed<T> {
    pub(crate) inner: T,
    pub(crate) witness: Witness,
}

#[async_trait]
impl Secret for Witnessed<MemorySecret> {
    fn capabilities(&self) -> SecretCapabilities {
        self.inner.capabilities()
    }

    async fn versions(&self) -> Result<Versions> {
        self.inner.versions().await
    }

    async fn cautions(&self) -> Result<Vec<String>> {
        self.inner.cautions().await
    }

    async fn read(&self, stage: Stage) -> Result<SecretValue> {
        self.inner.read(stage).await
    }

    async fn stage(
        &self,
        context: &CallContext,
        value: &SecretValue,
        identity: Option<&Identity>,
    ) -> Result<VersionInfo> {
        self.witness.intent(context, "stage", |action| {
            matches!(action, Action::Stage(_) | Action::Mint | Action::Verify | Action::Unpromote(_))
        });
        let staged = self.inner.stage(context, value, identity).await?;
        if value.expose_secret() != OLD {
            let mut all = self.witness.0.staged.lock().expect("nobody panicked under it");
            all.entry(context.rotation).or_default().insert(staged.fingerprint);
        }
        Ok(staged)
    }

    async fn publish(&self, context: &CallContext, version: &VersionId) -> Result<()> {
        self.witness.intent(context, "publish", |action| matches!(action, Action::PublishNext(_)));
        self.inner.publish(context, version).await
    }

    async fn promote(
        &self,
        context: &CallContext,
        version: &VersionId,
        expected: Option<&VersionId>,
    ) -> Result<()> {
        self.witness
            .intent(context, "promote", |action| matches!(action, Action::Promote(_) | Action::Unpromote(_)));
        self.inner.promote(context, version, expected).await
    }

    async fn retire(&self, context: &CallContext, version: &VersionId) -> Result<()> {
        self.witness
            // Before a value is staged, what an ended rotation left in its place is dropped. What a target makes itself
            // may have another one in its place by the time that it is verified.
            .intent(context, "retire", |action| {
                matches!(
                    action,
                    Action::Retire(_) | Action::Discard(_) | Action::Stage(_) | Action::Mint | Action::Verify
                )
            });
        self.inner.retire(context, version).await
    }
}

#[async_trait]
impl Rotator for Witnessed<(MemoryRotator, MemorySecret)> {
    fn strategy(&self) -> Strategy {
        self.inner.0.strategy()
    }

    fn next_identity(&self, current: Option<&Identity>) -> Result<Option<Identity>> {
        self.inner.0.next_identity(current)
    }

    async fn probe(&self, credential: Credential<'_>) -> Result<Probe> {
        *self.witness.0.told.lock().expect("nobody panicked under it") = None;
        self.inner.0.probe(credential).await
    }

    async fn apply(
        &self,
        context: &CallContext,
        new: Credential<'_>,
        current: Option<Credential<'_>>,
    ) -> Result<()> {
        self.witness.intent(context, "apply", |action| matches!(action, Action::Apply | Action::Unapply));
        let durable = |stage| self.inner.1.bytes_at(stage).is_some_and(|it| it == new.value.expose_secret());
        if !Stage::ALL.into_iter().any(durable) {
            self.witness.object("the target hears of a value that no store has");
        }
        if self.witness.0.told.lock().expect("nobody panicked under it").replace(context.rotation)
            == Some(context.rotation)
        {
            self.witness.object("the target is told again before it was asked");
        }
        self.inner.0.apply(context, new, current).await
    }

    async fn revoke(
        &self,
        context: &CallContext,
        old: Credential<'_>,
        remaining: Option<Credential<'_>>,
    ) -> Result<()> {
        self.witness.intent(context, "revoke", |action| {
            matches!(action, Action::Revoke | Action::Confirm | Action::Unapply)
        });
        self.inner.0.revoke(context, old, remaining).await
    }

    async fn mint(&self, context: &CallContext) -> Result<Minted> {
        self.witness.intent(context, "mint", |action| action == Action::Mint);
        self.inner.0.mint(context).await
    }

    async fn generation(&self) -> Result<Option<Generation>> {
        self.inner.0.generation().await
    }

    async fn reissue(&self, context: &CallContext, seen: Option<&Generation>) -> Result<Reissued> {
        self.witness.intent(context, "reissue", |action| matches!(action, Action::Mint | Action::Verify));
        self.inner.0.reissue(context, seen).await
    }

    async fn list(&self) -> Result<Vec<IssuedCredential>> {
        self.inner.0.list().await
    }

    async fn revoke_orphan(&self, context: &CallContext, identity: &Identity) -> Result<()> {
        self.witness.intent(context, "revoke of an orphan", |action| {
            matches!(action, Action::Mint | Action::Unapply)
        });
        self.inner.0.revoke_orphan(context, identity).await
    }

    async fn examine(&self) -> Vec<Finding> {
        Vec::new()
    }
}

#[async_trait]
impl Notifier for Witnessed<MemoryNotifier> {
    async fn notify(&self, context: &CallContext, notice: &Notice) -> Result<()> {
        self.witness.intent(context, "notify", |action| matches!(action, Action::Notify(..)));
        self.inner.notify(context, notice).await
    }

    fn wants_value(&self) -> bool {
        self.inner.wants_value()
    }

    async fn notify_with(&self, context: &CallContext, notice: &Notice, value: &SecretValue) -> Result<()> {
        self.witness.intent(context, "notify_with", |action| matches!(action, Action::Notify(..)));
        self.inner.notify_with(context, notice, value).await
    }

    async fn adopted(&self, notice: &Notice) -> Result<Adoption> {
        self.inner.adopted(notice).await
    }

    async fn examine(&self) -> Vec<Finding> {
        Vec::new()
    }
}
