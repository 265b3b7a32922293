//! How a process shows that it lives: a file that it keeps locked.
//!
//! `flock` belongs to the open file: the kernel frees it at the instant a process dies, however it dies, and two
//! journals that one process opened have two of them. A clock plays no part.

use std::{
    fs::{self, File, TryLockError},
    io,
    path::{Path, PathBuf},
};

use keywheel_core::{Entropy, ErrorKind};

use crate::{
    fault::Fault,
    files::{self, Files},
};

/// This process, as the lease table knows it, for as long as the journal is open.
#[derive(Debug)]
pub(crate) struct Holder {
    id: String,
    path: PathBuf,
    /// Never read: open and locked is all it has to be.
    _file: File,
}

impl Holder {
    /// Creates and locks this process's file. Called under the journal's write lock, as [`sweep`] is: a sweep must not
    /// find the file between the two.
    pub(crate) fn create(files: &Files, entropy: &dyn Entropy) -> Result<Self, Fault> {
        let id = hex(random(entropy)?);
        files.create_holders()?;
        let path = files.holder(&id);
        let file = files::private_file()
            .create_new(true)
            .open(&path)
            .map_err(|error| Fault::io("create this process's lock file", &error))?;
        file.lock().map_err(|error| Fault::io("lock this process's lock file", &error))?;
        Ok(Self { id, path, _file: file })
    }

    pub(crate) fn id(&self) -> &str {
        &self.id
    }
}

impl Drop for Holder {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_file(&self.path) {
            tracing::debug!(%error, "this process's lock file stays behind; the next process removes it");
        }
    }
}

/// Whether the process that holds `id` lives.
pub(crate) fn is_alive(files: &Files, id: &str) -> Result<bool, Fault> {
    probe(&files.holder(id)).map(|probe| probe == Probe::Locked)
}

/// Removes the files of processes that died without closing the journal, and says how many those were.
pub(crate) fn sweep(files: &Files) -> Result<usize, Fault> {
    let entries = match fs::read_dir(files.holders()) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(0),
        Err(error) => return Err(Fault::io("list the journal's lock files", &error)),
    };
    let mut died = 0;
    for entry in entries {
        let path = entry.map_err(|error| Fault::io("list the journal's lock files", &error))?.path();
        if path.extension().is_some_and(|extension| extension == "lock") && probe(&path)? == Probe::Free {
            fs::remove_file(&path).map_err(|error| Fault::io("remove a dead process's lock file", &error))?;
            died += 1;
        }
    }
    Ok(died)
}

/// Whether any process ended without closing the journal and nobody has swept up since. Looks only.
pub(crate) fn any_died(files: &Files) -> bool {
    fs::read_dir(files.holders())
        .is_ok_and(|entries| entries.flatten().any(|entry| matches!(probe(&entry.path()), Ok(Probe::Free))))
}

pub(crate) fn random(entropy: &dyn Entropy) -> Result<[u8; 16], Fault> {
    let mut bytes = [0; 16];
    entropy.fill(&mut bytes).map_err(|error| Fault::new(ErrorKind::Unavailable, error.to_string()))?;
    Ok(bytes)
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Probe {
    Locked,
    Free,
    Gone,
}

/// A lock taken here is given back at once: it only asks.
fn probe(path: &Path) -> Result<Probe, Fault> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Probe::Gone),
        Err(error) => return Err(Fault::io("look at another process's lock file", &error)),
    };
    match file.try_lock_shared() {
        Ok(()) => Ok(Probe::Free),
        Err(TryLockError::WouldBlock) => Ok(Probe::Locked),
        Err(TryLockError::Error(error)) => Err(Fault::io("look at another process's lock file", &error)),
    }
}

fn hex(bytes: [u8; 16]) -> String {
    format!("{:032x}", u128::from_be_bytes(bytes))
}
