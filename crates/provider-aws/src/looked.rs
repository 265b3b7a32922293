//! What a handle of a secret has seen, so that a call after it need not ask again.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
};

use jiff::Timestamp;
use keywheel_core::Fingerprint;

/// What the last call of a handle saw, if that was `versions`, for one change after it: one that begins with a request which
/// the service refuses when somebody was faster. Whoever answers without such a request looks anew.
pub(crate) struct Looked<T>(Mutex<Option<T>>);

impl<T> Default for Looked<T> {
    fn default() -> Self {
        Self(Mutex::new(None))
    }
}

impl<T> Looked<T> {
    pub(crate) fn take(&self) -> Option<T> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    pub(crate) fn keep(&self, seen: T) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(seen);
    }
}

/// The fingerprints of the versions whose values this handle has read. A version never changes, but a secret can be deleted
/// and another one made of the same name: the key is one that no other version ever has.
#[derive(Default)]
pub(crate) struct Known(Mutex<BTreeMap<String, Seen>>);

/// What was read of a version, but its value.
#[derive(Clone, Copy)]
pub(crate) struct Seen {
    pub(crate) created_at: Option<Timestamp>,
    pub(crate) fingerprint: Fingerprint,
}

impl Known {
    pub(crate) fn get(&self, key: &str) -> Option<Seen> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(key).copied()
    }

    pub(crate) fn note(&self, key: String, seen: Seen) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(key, seen);
    }
}
