//! A directory that the inventory names by its path, opened once and again when something else has the path.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use keywheel_core::{ErrorKind, Result};

use crate::directory::Directory;

/// A path and the directory that it led to last.
///
/// A daemon lives for months; a directory that was removed and made again, or a link that was turned, must not leave it
/// writing into a directory that nobody can reach any more. One `stat` a call finds that out.
#[derive(Debug)]
pub(crate) struct Root {
    path: PathBuf,
    opened: Mutex<Option<Opened>>,
}

#[derive(Debug)]
struct Opened {
    identity: (u64, u64),
    directory: Arc<Directory>,
}

impl Root {
    pub(crate) fn new(path: PathBuf) -> Self {
        Self { path, opened: Mutex::default() }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// The directory; `None` when there is none.
    ///
    /// # Errors
    /// As [`Directory::open`], but for `NotFound`.
    pub(crate) fn find(&self) -> Result<Option<Arc<Directory>>> {
        match self.open() {
            Ok(directory) => Ok(Some(directory)),
            Err(error) if error.kind == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The directory.
    ///
    /// # Errors
    /// As [`Directory::open`].
    pub(crate) fn open(&self) -> Result<Arc<Directory>> {
        let mut opened = self.opened.lock().unwrap_or_else(PoisonError::into_inner);
        let now = rustix::fs::stat(&self.path).ok().map(|stat| (stat.st_dev, stat.st_ino));
        if let Some(opened) = opened.as_ref().filter(|opened| Some(opened.identity) == now) {
            return Ok(Arc::clone(&opened.directory));
        }
        let directory = Arc::new(Directory::open(&self.path)?);
        *opened = Some(Opened { identity: directory.identity()?, directory: Arc::clone(&directory) });
        Ok(directory)
    }
}
