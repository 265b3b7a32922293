//! One writer at a time, over all processes: a lock on a file beside the audit.

use std::{
    ffi::OsString,
    fs::{DirBuilder, File, OpenOptions, TryLockError},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
    time::Duration,
};

use keywheel_core::{Clock, Effect, Error, ErrorKind, Result};

/// How long to wait for whoever holds the lock. A thousand lines are written within it many times over.
const PATIENCE: Duration = Duration::from_secs(30);
const SHORTEST_WAIT: Duration = Duration::from_millis(5);
const LONGEST_WAIT: Duration = Duration::from_millis(200);

/// Held until dropped; the system lets go of it when the process dies, however it dies.
///
/// The audit itself is not locked, so that a person may open, copy or replace it with any tool.
#[derive(Debug)]
pub(super) struct Lock {
    _file: File,
}

impl Lock {
    /// Keeps every other writer and reader out of the audit at `path`, whose directory is made if it is missing.
    pub(super) async fn exclusive(path: &Path, clock: &dyn Clock) -> Result<Self> {
        let lock = beside(path);
        let failed = |error| from_io(&lock, error);
        if let Some(directory) = lock.parent().filter(|directory| !directory.as_os_str().is_empty()) {
            DirBuilder::new().recursive(true).mode(0o700).create(directory).map_err(failed)?;
        }
        let file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(&lock)
            .map_err(failed)?;
        wait(file, &lock, clock, File::try_lock).await
    }

    /// Keeps writers out. `None` where there is no lock file: nothing was ever written here, or only a copy is read.
    pub(super) async fn shared(path: &Path, clock: &dyn Clock) -> Result<Option<Self>> {
        let lock = beside(path);
        match File::open(&lock) {
            Ok(file) => wait(file, &lock, clock, File::try_lock_shared).await.map(Some),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(from_io(&lock, error)),
        }
    }
}

/// Asks again and again instead of blocking: a runtime thread that hangs in `flock` would stop every rotation with it.
async fn wait(
    file: File,
    lock: &Path,
    clock: &dyn Clock,
    ask: fn(&File) -> std::result::Result<(), TryLockError>,
) -> Result<Lock> {
    // What was slept is added up: the wall clock may jump.
    let (mut waited, mut next) = (Duration::ZERO, SHORTEST_WAIT);
    loop {
        match ask(&file) {
            Ok(()) => return Ok(Lock { _file: file }),
            Err(TryLockError::WouldBlock) if waited < PATIENCE => {
                clock.sleep(next).await;
                // A simulated sleep may take no time at all, and the holder may be a task of this thread.
                tokio::task::yield_now().await;
                waited += next;
                next = (next * 2).min(LONGEST_WAIT);
            }
            Err(TryLockError::WouldBlock) => {
                return Err(Error::not_applied(
                    ErrorKind::Unavailable,
                    "lock audit",
                    format!(
                        "another process has held the audit for {} s. Nothing was written to it; try again when that \
                         process is done (`fuser` on the lock file names it)",
                        PATIENCE.as_secs()
                    ),
                )
                .with("path", lock.display()));
            }
            Err(TryLockError::Error(error)) => return Err(from_io(lock, error)),
        }
    }
}

fn beside(path: &Path) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(".lock");
    PathBuf::from(name)
}

fn from_io(lock: &Path, error: std::io::Error) -> Error {
    Error::from_io("lock audit", Effect::NotApplied, error).with("path", lock.display())
}
