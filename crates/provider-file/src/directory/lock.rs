//! A lock between processes, for edits of a file that holds more than one secret.

use std::os::fd::OwnedFd;

use keywheel_core::Result;
use rustix::fs::{FlockOperation, Mode, OFlags, flock, openat};
use rustix::io::{Errno, retry_on_intr};

use super::Directory;

/// Held until it is dropped; the kernel drops it when the process dies.
#[derive(Debug)]
pub struct FileLock {
    _fd: OwnedFd,
}

impl Directory {
    /// Waits for the lock file `name`, which is created if missing and never removed: whoever waits for it must wait for
    /// the same file as the next one does.
    ///
    /// Where the file system has no `flock`, Ok without one: [`Directory::replace`] still refuses to lose a change.
    ///
    /// # Errors
    /// `NotFound` when the directory around it is missing; `InvalidConfig` when a symbolic link has its name.
    pub fn lock(&self, name: &str) -> Result<FileLock> {
        let site = self.site("lock file", name);
        let (parent, last) = self.parent_of(&site, name)?.ok_or_else(|| site.fault(Errno::NOENT))?;
        let flags = OFlags::RDWR | OFlags::CREATE | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let fd = openat(&parent, last, flags, Mode::RUSR | Mode::WUSR).map_err(|errno| site.fault(errno))?;
        match retry_on_intr(|| flock(&fd, FlockOperation::LockExclusive)) {
            Ok(()) | Err(Errno::NOTSUP | Errno::NOSYS | Errno::NOLCK | Errno::INVAL) => {
                Ok(FileLock { _fd: fd })
            }
            Err(errno) => Err(site.fault(errno)),
        }
    }
}
