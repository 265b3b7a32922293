//! What a failed system call means to the person who reads about it.

use std::os::fd::BorrowedFd;
use std::path::PathBuf;

use keywheel_core::{Effect, Error, ErrorKind};
use rustix::fs::FileType;
use rustix::io::Errno;

use super::state::{self, FileKind};

/// What is being done, and to which path.
pub(super) struct Site {
    operation: &'static str,
    path: PathBuf,
}

impl Site {
    pub(super) fn new(operation: &'static str, path: PathBuf) -> Self {
        Self { operation, path }
    }

    /// An error of ours, before anything was changed.
    pub(super) fn error(&self, kind: ErrorKind, message: impl Into<String>) -> Error {
        Error::not_applied(kind, self.operation, message).with("path", self.path.display())
    }

    /// Something of a kind that must not be there.
    pub(super) fn found(&self, found: FileKind, wanted: &str) -> Error {
        self.error(ErrorKind::InvalidConfig, format!("found {found} in place of {wanted}"))
    }

    /// Somebody else's change.
    pub(super) fn conflict(&self, message: &str) -> Error {
        self.error(ErrorKind::Conflict, message)
    }

    /// A failed call after which nothing has changed.
    pub(super) fn fault(&self, errno: Errno) -> Error {
        self.classify(Effect::NotApplied, errno)
    }

    /// A failed call after which the change may be there.
    pub(super) fn maybe(&self, errno: Errno) -> Error {
        self.classify(Effect::MaybeApplied, errno)
    }

    /// As [`Site::fault`], for errors that come through the standard library.
    pub(super) fn io(&self, effect: Effect, error: &std::io::Error) -> Error {
        self.classify(effect, Errno::from_io_error(error).unwrap_or(Errno::IO))
    }

    /// A directory that would not open: `ENOTDIR` and `ELOOP` do not say what stands there, so it is looked at.
    pub(super) fn explain(&self, parent: BorrowedFd<'_>, name: &str, errno: Errno) -> Error {
        match state::look(parent, name) {
            Ok(Some(stat)) if matches!(errno, Errno::NOTDIR | Errno::LOOP) => {
                let found = FileKind::from(FileType::from_raw_mode(stat.st_mode));
                self.found(found, "a directory").with("component", name)
            }
            Ok(_) | Err(_) => self.fault(errno),
        }
    }

    fn classify(&self, effect: Effect, errno: Errno) -> Error {
        let plain =
            |kind, message: &str| Error { effect, ..Error::not_applied(kind, self.operation, message) };
        let error = match errno {
            Errno::NOSPC => plain(ErrorKind::Unavailable, "no space left on the device"),
            Errno::DQUOT => plain(ErrorKind::Unavailable, "no space left in the owner's disk quota"),
            Errno::LOOP => plain(ErrorKind::InvalidConfig, "found a symbolic link on the way"),
            Errno::NOTDIR => {
                plain(ErrorKind::InvalidConfig, "found something other than a directory on the way")
            }
            Errno::PERM => plain(ErrorKind::PermissionDenied, "operation not permitted (an immutable file?)"),
            Errno::BUSY => {
                plain(ErrorKind::InvalidConfig, "the file is a mount point and cannot be replaced")
            }
            Errno::NAMETOOLONG | Errno::INVAL => {
                plain(ErrorKind::InvalidConfig, "the file system cannot have this name or do this")
            }
            other => Error::from_io(self.operation, effect, other.into()),
        };
        error.with("path", self.path.display())
    }
}
