//! A mutex that outlives the panic of a failing test.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// Locks `mutex`; a test that panicked elsewhere must not hide its own message behind a poisoned lock.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
