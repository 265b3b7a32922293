//! A declared directory, and files in it that are read and replaced whole, crash-safely.
//!
//! # Contract
//! - **Confined.** The declared path is resolved once. After that every name is walked one component at a time from the
//!   directory's descriptor, without following symbolic links and without `..`, so a link that is swapped in later
//!   cannot lead outside. (`openat2` with `RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS` would refuse the same names; the walk
//!   works on every kernel and in every sandbox, and is one code path to test.)
//! - **Whole or not at all.** A reader, and a crash at any instant, sees the old bytes or the new, never a mixture.
//! - **Durable.** When a call says Ok, power can go. The price in `fsync` calls: [`Directory::replace`] two (the new
//!   file before the rename, or the name could outlive its bytes; the directory after it), [`Directory::remove`] and
//!   [`Directory::create_dir`] one each, also when there was nothing to do: an earlier attempt may have failed exactly
//!   at its `fsync`.
//! - **Honest.** An error up to the rename is `NotApplied` and the old file is whole; an `fsync` that fails after it
//!   is `MaybeApplied`.
//!
//! All calls block; Linux only.

mod fault;
mod lock;
mod publish;
mod read;
mod replace;
mod state;
mod temporary;
#[cfg(test)]
mod tests;
mod walk;

use std::ffi::{OsStr, OsString};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use keywheel_core::{Effect, ErrorKind, Result};
use rustix::fs::{AtFlags, Dir, FileType, Mode, fstat, fsync, mkdirat, unlinkat};
use rustix::io::{Errno, retry_on_intr};

use fault::Site;
pub use lock::FileLock;
pub use state::{Expected, FileKind, FileState, SizeLimit};

/// An open directory. It stays the same directory when its path is renamed or replaced.
#[derive(Debug)]
pub struct Directory {
    fd: OwnedFd,
    path: PathBuf,
}

/// One thing in a directory.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Entry {
    /// Its name, as the file system has it.
    pub name: OsString,
    /// What it is.
    pub kind: FileKind,
}

impl Directory {
    /// Resolves `path`, symbolic links in it included, and opens what it leads to now.
    ///
    /// # Errors
    /// `NotFound`; `InvalidConfig` when it is no directory, or changes while it is being opened; `PermissionDenied`.
    pub fn open(path: &Path) -> Result<Self> {
        let declared = Site::new("open directory", path.to_owned());
        let canonical =
            std::fs::canonicalize(path).map_err(|error| declared.io(Effect::NotApplied, &error))?;
        let fd = walk::open_canonical(&canonical).map_err(|errno| declared.fault(errno))?;
        Ok(Self { fd, path: canonical })
    }

    /// A directory below this one, as a handle of its own.
    ///
    /// # Errors
    /// As [`Directory::open`]; `InvalidConfig` also when `name` leads outside or through a symbolic link.
    pub fn subdirectory(&self, name: &str) -> Result<Self> {
        let site = self.site("open directory", name);
        let (parent, last) = self.parent_of(&site, name)?.ok_or_else(|| site.fault(Errno::NOENT))?;
        let fd = match walk::step(parent.as_fd(), last) {
            Ok(fd) => fd,
            Err(errno) => return Err(site.explain(parent.as_fd(), last, errno)),
        };
        Ok(Self { fd, path: self.path.join(name) })
    }

    /// Where the directory was when it was opened, links resolved; for messages.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The file system and the directory in it: two handles with one identity are the same directory.
    ///
    /// # Errors
    /// When the file system does not answer.
    pub fn identity(&self) -> Result<(u64, u64)> {
        let stat =
            fstat(&self.fd).map_err(|errno| Site::new("open directory", self.path.clone()).fault(errno))?;
        Ok((stat.st_dev, stat.st_ino))
    }

    /// Makes durable what stands at `name` now, or that nothing does: for whoever finds the work done already, and
    /// cannot know whether the one who did it got as far as its `fsync`. Two `fsync` calls.
    ///
    /// # Errors
    /// `InvalidConfig` when the name stands for anything but a regular file; `MaybeApplied` when an `fsync` failed.
    pub fn sync(&self, name: &str) -> Result<()> {
        let site = self.site("sync file", name);
        let Some((parent, last)) = self.parent_of(&site, name)? else { return Ok(()) };
        if state::regular(parent.as_fd(), last, &site)?.is_some() {
            match read::open_existing(&parent, last) {
                Ok(file) => retry_on_intr(|| fsync(&file)).map_err(|errno| site.maybe(errno))?,
                Err(Errno::NOENT) => {}
                Err(errno) => return Err(site.maybe(errno)),
            }
        }
        sync_directory(&parent, &site)
    }

    /// Creates the directory `name`, mode 0700, and makes it durable. One that is there already is left as it is.
    ///
    /// # Errors
    /// `InvalidConfig` when something else has the name; `NotFound` when the directory around it is missing;
    /// `MaybeApplied` when only the `fsync` failed.
    pub fn create_dir(&self, name: &str) -> Result<()> {
        let site = self.site("create directory", name);
        let (parent, last) = self.parent_of(&site, name)?.ok_or_else(|| site.fault(Errno::NOENT))?;
        match mkdirat(&parent, last, Mode::RWXU) {
            Ok(()) => {}
            Err(Errno::EXIST) => {
                let stat = state::look(parent.as_fd(), last).map_err(|errno| site.fault(errno))?;
                match stat.map(|stat| FileType::from_raw_mode(stat.st_mode)) {
                    Some(FileType::Directory) => {}
                    Some(other) => return Err(site.found(other.into(), "a directory")),
                    None => return Err(site.conflict("it was removed meanwhile")),
                }
            }
            Err(errno) => return Err(site.fault(errno)),
        }
        sync_directory(&parent, &site)
    }

    /// Removes the file `name` durably; absent is Ok.
    ///
    /// # Errors
    /// `InvalidConfig` when it is no regular file (a symbolic link is not removed either); `MaybeApplied` when only the
    /// `fsync` failed.
    pub fn remove(&self, name: &str) -> Result<()> {
        let site = self.site("remove file", name);
        let Some((parent, last)) = self.parent_of(&site, name)? else { return Ok(()) };
        if state::regular(parent.as_fd(), last, &site)?.is_some() {
            match unlinkat(&parent, last, AtFlags::empty()) {
                Ok(()) | Err(Errno::NOENT) => {}
                Err(errno) => return Err(site.fault(errno)),
            }
            tracing::debug!(path = %self.path.join(name).display(), "file removed");
        }
        sync_directory(&parent, &site)
    }

    /// What is in the directory, by name; our own temporary files left out.
    ///
    /// # Errors
    /// When the directory cannot be read.
    pub fn list(&self) -> Result<Vec<Entry>> {
        let site = Site::new("list directory", self.path.clone());
        let mut entries = Vec::new();
        for entry in Dir::read_from(&self.fd).map_err(|errno| site.fault(errno))? {
            let entry = entry.map_err(|errno| site.fault(errno))?;
            let name = OsStr::from_bytes(entry.file_name().to_bytes());
            if name == "." || name == ".." || temporary::is_ours(name.as_bytes()) {
                continue;
            }
            let mut kind = entry.file_type();
            if kind == FileType::Unknown {
                // Some file systems leave the type out of the listing.
                let stat = state::look(self.fd.as_fd(), name).map_err(|errno| site.fault(errno))?;
                let Some(stat) = stat else { continue };
                kind = FileType::from_raw_mode(stat.st_mode);
            }
            entries.push(Entry { name: name.to_owned(), kind: kind.into() });
        }
        entries.sort();
        Ok(entries)
    }

    /// Removes temporary files that a crash left directly in this directory, and says how many.
    ///
    /// A writer holds a shared `flock` on the directory, and the kernel drops it when the process dies, so under the
    /// exclusive lock every temporary file is a leftover: no clock, process id or age is asked. While anybody writes
    /// here, or where the file system has no `flock` for directories, nothing is removed.
    ///
    /// # Errors
    /// When a leftover cannot be removed; it may hold a secret, so somebody should look.
    pub fn sweep(&self) -> Result<usize> {
        let site = Site::new("sweep directory", self.path.clone());
        let own = walk::step(self.fd.as_fd(), ".").map_err(|errno| site.fault(errno))?;
        if !temporary::lock_against_writers(&own) {
            return Ok(0);
        }
        let removed = temporary::remove_leftovers(&own).map_err(|errno| site.fault(errno))?;
        if removed > 0 {
            sync_directory(&own, &site)?;
        }
        Ok(removed)
    }

    fn site(&self, operation: &'static str, name: &str) -> Site {
        Site::new(operation, self.path.join(name))
    }

    /// The open directory that holds `name`, and the last component; `None` when a directory on the way is missing.
    ///
    /// The descriptor is always a fresh one: `flock` belongs to it, so two threads must not share one.
    fn parent_of<'n>(&self, site: &Site, name: &'n str) -> Result<Option<(OwnedFd, &'n str)>> {
        let (directories, last) = walk::components(name)
            .filter(|(_, last)| !temporary::is_ours(last.as_bytes()))
            .ok_or_else(|| site.error(ErrorKind::InvalidConfig, "not a relative name below the directory"))?;
        let mut parent = walk::step(self.fd.as_fd(), ".").map_err(|errno| site.fault(errno))?;
        for directory in directories {
            parent = match walk::step(parent.as_fd(), directory) {
                Ok(next) => next,
                Err(Errno::NOENT) => return Ok(None),
                Err(errno) => return Err(site.explain(parent.as_fd(), directory, errno)),
            };
        }
        Ok(Some((parent, last)))
    }
}

/// Makes changed names durable. Where directories cannot be synced at all (`EINVAL`: some network and FUSE file
/// systems), the file system gives no more than it gave with the rename.
fn sync_directory(directory: &OwnedFd, site: &Site) -> Result<()> {
    match retry_on_intr(|| fsync(directory)) {
        Ok(()) | Err(Errno::INVAL | Errno::NOTSUP) => Ok(()),
        Err(errno) => Err(site.maybe(errno)),
    }
}
