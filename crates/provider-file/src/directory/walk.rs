//! From a name to an open directory, one component at a time.

use std::os::fd::{BorrowedFd, OwnedFd};
use std::path::{Component, Path};

use rustix::fs::{CWD, Mode, OFlags, openat};
use rustix::io::{Errno, Result};
use rustix::path::Arg;

/// Splits a relative name into directories and the last component; `None` when it could lead elsewhere or is no name.
pub(super) fn components(name: &str) -> Option<(Vec<&str>, &str)> {
    let mut parts: Vec<_> = name.split('/').collect();
    if name.contains('\0') || parts.iter().any(|part| matches!(*part, "" | "." | "..")) {
        return None;
    }
    let last = parts.pop()?;
    Some((parts, last))
}

/// Opens the directory `name` in `parent`, never through a symbolic link.
pub(super) fn step(parent: BorrowedFd<'_>, name: impl Arg) -> Result<OwnedFd> {
    openat(
        parent,
        name,
        OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC,
        Mode::empty(),
    )
}

/// Opens a path that has just been resolved; a symbolic link in it now means that somebody is changing it.
pub(super) fn open_canonical(path: &Path) -> Result<OwnedFd> {
    // The directories on the way need only be searchable.
    let through = OFlags::PATH | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let mut here = openat(CWD, "/", through, Mode::empty())?;
    for component in path.components() {
        match component {
            Component::RootDir => {}
            Component::Normal(name) => here = openat(&here, name, through, Mode::empty())?,
            Component::Prefix(_) | Component::CurDir | Component::ParentDir => return Err(Errno::INVAL),
        }
    }
    openat(&here, ".", OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())
}
