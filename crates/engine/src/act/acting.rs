//! What every action needs: the rotation so far, handles to stores and target, and the values, read when first needed.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use keywheel_core::{
    CallContext, Error, ErrorKind, Fingerprinter, Result, SecretValue, VersionId,
    document::Layout,
    inventory::SecretEntry,
    rotation::{History, StoreIndex, StoreRef, VersionFact},
    rotator::Rotator,
    secret::Secret,
};

use crate::{engine::Engine, handles::Handles, lease::HeldLease, observe};

/// One action of one rotation.
pub(crate) struct Acting<'a> {
    pub(crate) engine: &'a Arc<Engine>,
    pub(crate) history: &'a History,
    pub(crate) lease: &'a Arc<HeldLease>,
    /// An earlier attempt of this action may have had its effect.
    pub(crate) probe_first: bool,
    pub(crate) places: &'a Places,
    /// The new value, once this process has seen it. Lives in memory, for this rotation only.
    pub(crate) new_value: &'a mut Option<SecretValue>,
}

/// One handle for each of a rotation's stores, for as long as this process works on the rotation: what a store saw in a look
/// may spare the change after it a look of its own.
#[derive(Default)]
pub(crate) struct Places(Mutex<BTreeMap<StoreIndex, Arc<dyn Secret>>>);

impl Places {
    fn at(
        &self,
        index: StoreIndex,
        open: impl FnOnce() -> Result<Arc<dyn Secret>>,
    ) -> Result<Arc<dyn Secret>> {
        // A handle is whole or not there.
        let mut places = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(secret) = places.get(&index) {
            return Ok(Arc::clone(secret));
        }
        let secret = open()?;
        places.insert(index, Arc::clone(&secret));
        Ok(secret)
    }
}

/// A secret in one of the rotation's stores.
pub(crate) struct Place<'a> {
    pub(crate) at: &'a StoreRef,
    pub(crate) secret: Arc<dyn Secret>,
}

impl<'a> Acting<'a> {
    /// The circumstances of a call of this rotation.
    pub(crate) fn context(&self) -> CallContext {
        let initiator = self.history.started.initiator.clone();
        self.lease.context(self.history.id, self.history.started_at, initiator)
    }

    /// What the inventory declares, to change it under this rotation's lease.
    pub(crate) fn handles(&self) -> Handles<'a> {
        self.engine.changing_under(self.lease)
    }

    pub(crate) fn entry(&self) -> Result<&'a SecretEntry> {
        observe::entry(&self.engine.inventory, &self.history.spec().secret)
    }

    pub(crate) fn fingerprinter(&self) -> Result<Fingerprinter> {
        Ok(self.engine.keys.fingerprinter(self.entry()?.fingerprint))
    }

    /// What the stored values of this rotation are.
    pub(crate) fn layout(&self) -> Layout {
        self.history.spec().target.as_ref().map_or(Layout::Plain, |target| target.layout)
    }

    pub(crate) fn place(&self, index: StoreIndex) -> Result<Place<'a>> {
        let at = self.history.spec().store(index).ok_or_else(|| {
            Error::not_applied(ErrorKind::Internal, "find store", "the rotation has no such store")
        })?;
        let secret = self.places.at(index, || self.handles().secret(at, self.fingerprinter()?))?;
        Ok(Place { at, secret })
    }

    pub(crate) fn rotator(&self) -> Result<Arc<dyn Rotator>> {
        let target = self.history.spec().target.as_ref().ok_or_else(|| {
            Error::not_applied(ErrorKind::Internal, "find target", "the rotation has no target")
        })?;
        self.handles().rotator(&target.rotator, target.login.as_ref(), self.entry()?.identity.as_ref())
    }

    /// What `stage` learnt about the new version in the store at `index`.
    pub(crate) fn new_fact(&self, index: StoreIndex) -> Result<&'a VersionFact> {
        self.history.facts.new.get(&index).ok_or_else(|| {
            Error::not_applied(ErrorKind::Internal, "find new version", "nothing was staged in this store")
        })
    }

    pub(crate) fn old_fact(&self, index: StoreIndex) -> Option<&'a VersionFact> {
        self.history.facts.old.get(&index)
    }

    /// The value of version `id` in `place`, wherever it stands by now.
    pub(crate) async fn value_of(&self, place: &Place<'_>, id: &VersionId) -> Result<SecretValue> {
        let versions = place.secret.versions().await?;
        let version = versions.by_id(id).ok_or_else(|| {
            Error::not_applied(
                ErrorKind::NotFound,
                "read version",
                format!("version {id} is not there any more"),
            )
            .with("store", &place.at.store)
        })?;
        let value = place.secret.read(version.stage).await?;
        if self.fingerprinter()?.of(&value) == version.fingerprint {
            return Ok(value);
        }
        // Told to a target, the value of another version would be the wrong one.
        let why = "another version took its place while it was read";
        Err(Error::not_applied(ErrorKind::Unavailable, "read version", why).with("store", &place.at.store))
    }

    /// The new value: from memory, else from the primary store, where it is durable.
    pub(crate) async fn new_value(&mut self) -> Result<&SecretValue> {
        let staged = self.history.facts.new.get(&StoreIndex::PRIMARY).map(|new| new.fingerprint);
        if let (Some(made), Some(staged)) = (&*self.new_value, staged)
            && self.fingerprinter()?.of(made) != staged
        {
            // Made here and never staged: an attempt of another process had been, and its value is the rotation's.
            *self.new_value = None;
        }
        if self.new_value.is_none() {
            let place = self.place(StoreIndex::PRIMARY)?;
            let value = self.value_of(&place, &self.new_fact(StoreIndex::PRIMARY)?.id).await?;
            *self.new_value = Some(value);
        }
        self.new_value.as_ref().ok_or_else(|| {
            Error::not_applied(
                ErrorKind::Internal,
                "read new value",
                "the value is neither in memory nor in the store",
            )
        })
    }

    /// The old value from the primary store; `None` if there was none.
    pub(crate) async fn old_value(&self) -> Result<Option<SecretValue>> {
        let Some(old) = self.old_fact(StoreIndex::PRIMARY) else { return Ok(None) };
        let place = self.place(StoreIndex::PRIMARY)?;
        self.value_of(&place, &old.id).await.map(Some)
    }
}
