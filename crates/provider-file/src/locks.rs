//! One call at a time for one secret, within this process.

use std::hash::{BuildHasher, RandomState};
use std::sync::{Mutex, MutexGuard, PoisonError};

const STRIPES: usize = 64;

/// Locks by name. Names share a few dozen locks; that two secrets wait for each other now and then costs less than a
/// lock for each.
///
/// The lease keeps rotations apart; this is for a call that outlives its caller's patience and is still writing when the
/// retry begins.
#[derive(Debug)]
pub(crate) struct Locks {
    stripes: Vec<Mutex<()>>,
    hasher: RandomState,
}

impl Default for Locks {
    fn default() -> Self {
        Self { stripes: (0..STRIPES).map(|_| Mutex::default()).collect(), hasher: RandomState::new() }
    }
}

impl Locks {
    /// Waits for the lock of `name`.
    pub(crate) fn of(&self, name: &str) -> MutexGuard<'_, ()> {
        let hash = usize::try_from(self.hasher.hash_one(name) % STRIPES as u64).unwrap_or(0);
        // Nothing is kept under the lock that a panic could have left half done.
        self.stripes[hash].lock().unwrap_or_else(PoisonError::into_inner)
    }
}
