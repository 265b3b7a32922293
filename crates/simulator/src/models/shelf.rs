//! What a modelled store holds for one secret.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use keywheel_core::{
    Identity, SecretValue, VersionId,
    secret::{RotationMark, Stage},
};
use keywheel_testkit::memory::Readable;

/// One version as the store keeps it.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) id: VersionId,
    pub(crate) value: SecretValue,
    pub(crate) created_at: Option<Timestamp>,
    pub(crate) mark: Option<RotationMark>,
    pub(crate) identity: Option<Identity>,
}

impl Clone for Entry {
    fn clone(&self) -> Self {
        Self {
            id: self.id.clone(),
            value: self.value.duplicate(),
            created_at: self.created_at,
            mark: self.mark.clone(),
            identity: self.identity.clone(),
        }
    }
}

/// The places of one secret. A version may stand in two of them while it is being moved.
#[derive(Debug, Default)]
pub(crate) struct Places {
    pub(crate) pending: Option<Entry>,
    pub(crate) next: Option<Entry>,
    pub(crate) current: Option<Entry>,
    pub(crate) previous: Option<Entry>,
    /// What was overwritten and has not got its label yet.
    pub(crate) unlabelled: Option<Entry>,
}

impl Places {
    /// The version in `stage`, as whoever lists the versions sees it: once, where it has got to.
    pub(crate) fn at(&self, stage: Stage) -> Option<&Entry> {
        let further = |entry: &&Entry, places: &[&Option<Entry>]| {
            !places.iter().any(|place| place.as_ref().is_some_and(|other| other.id == entry.id))
        };
        match stage {
            Stage::Current => self.current.as_ref(),
            Stage::Previous => self
                .unlabelled
                .as_ref()
                .or(self.previous.as_ref())
                .filter(|entry| further(entry, &[&self.current])),
            Stage::Next => self
                .next
                .as_ref()
                .filter(|entry| further(entry, &[&self.current, &self.previous, &self.unlabelled])),
            Stage::Pending => self.pending.as_ref().filter(|entry| {
                further(entry, &[&self.current, &self.previous, &self.unlabelled, &self.next])
            }),
        }
    }

    /// The version called `id`, wherever it stands.
    pub(crate) fn by_id(&self, id: &VersionId) -> Option<&Entry> {
        Stage::ALL.into_iter().filter_map(|stage| self.at(stage)).find(|entry| entry.id == *id)
    }
}

/// One secret on the far side, for everybody who looks at it from outside. Clones are the same one.
#[derive(Clone, Debug, Default)]
pub struct Shelf(Arc<Mutex<Places>>);

impl Shelf {
    /// A secret that has no version.
    pub fn new() -> Self {
        Self::default()
    }

    /// Makes `value` current, as somebody without keywheel would.
    pub fn overwrite(&self, value: &[u8]) {
        self.places().current = Some(Entry {
            id: VersionId::new("initial"),
            value: SecretValue::copy_from(value),
            created_at: None,
            mark: None,
            identity: None,
        });
    }

    pub(crate) fn places(&self) -> MutexGuard<'_, Places> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Readable for Shelf {
    fn bytes_at(&self, stage: Stage) -> Option<Vec<u8>> {
        self.places().at(stage).map(|entry| entry.value.expose_secret().to_vec())
    }

    fn seen_by_consumers(&self) -> Vec<Vec<u8>> {
        let places = self.places();
        let visible =
            [Stage::Next, Stage::Current, Stage::Previous].into_iter().filter_map(|stage| places.at(stage));
        visible.map(|entry| entry.value.expose_secret().to_vec()).collect()
    }
}
