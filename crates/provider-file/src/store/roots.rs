//! The directories that the secrets of one store lie in.

use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use keywheel_core::{Result, secret::Stage};

use crate::{aside, locks::Locks, root::Root};

/// What all secrets of one store share.
#[derive(Debug)]
pub(crate) struct Roots {
    /// Where consumers read.
    pub(crate) place: Arc<Root>,
    /// The directory with `.keywheel` in it.
    pub(crate) aside: Arc<Root>,
    pub(crate) locks: Locks,
    /// Directories below `place` in which this process has looked for leftovers.
    swept: Mutex<HashSet<String>>,
}

impl Roots {
    /// For a directory with one file for each secret.
    pub(crate) fn of_directory(path: PathBuf, parent: PathBuf) -> Self {
        Self::new(Arc::new(Root::new(path)), Arc::new(Root::new(parent)))
    }

    /// For a file that lies in `parent`.
    pub(crate) fn of_file(parent: PathBuf) -> Self {
        let root = Arc::new(Root::new(parent));
        Self::new(Arc::clone(&root), root)
    }

    fn new(place: Arc<Root>, aside: Arc<Root>) -> Self {
        Self { place, aside, locks: Locks::default(), swept: Mutex::default() }
    }

    /// Removes temporary files that a crash left in the directory `around` below `place`, once in the life of this
    /// store, and with the first of them those in `.keywheel`. They hold secrets, and nobody else would ever look.
    ///
    /// What cannot be removed is said in the log and does not stop a rotation.
    pub(crate) fn sweep(&self, around: &str) {
        let mut swept = self.swept.lock().unwrap_or_else(PoisonError::into_inner);
        if swept.contains(around) {
            return;
        }
        if swept.is_empty() {
            for stage in [Stage::Pending, Stage::Previous] {
                report(sweep(&self.aside, &format!("{}/{stage}", aside::NAME)));
            }
        }
        report(sweep(&self.place, around));
        swept.insert(around.to_owned());
    }
}

fn sweep(root: &Root, name: &str) -> Result<usize> {
    let Some(directory) = root.find()? else { return Ok(0) };
    if name.is_empty() {
        return directory.sweep();
    }
    match directory.subdirectory(name) {
        Ok(directory) => directory.sweep(),
        Err(error) if error.kind == keywheel_core::ErrorKind::NotFound => Ok(0),
        Err(error) => Err(error),
    }
}

fn report(outcome: Result<usize>) {
    match outcome {
        Ok(0) => {}
        Ok(files) => tracing::info!(files, "removed temporary files that a crash had left"),
        Err(error) => tracing::warn!(%error, "could not look for temporary files that a crash may have left"),
    }
}
