//! Temporary files beside the file that they will become.

use std::fmt::Write as _;
use std::fs::File;
use std::os::fd::{AsFd, OwnedFd};

use keywheel_core::{Entropy, ErrorKind, OsEntropy, Result};
use rustix::fs::{AtFlags, Dir, FlockOperation, Mode, OFlags, flock, openat, unlinkat};
use rustix::io::Errno;

use super::fault::Site;

const PREFIX: &[u8] = b".keywheel-";
const SUFFIX: &[u8] = b".tmp";
const RANDOM_BYTES: usize = 8;

/// A name that is removed again unless it is kept.
pub(super) struct Temporary<'d> {
    directory: &'d OwnedFd,
    pub(super) name: String,
    kept: bool,
}

impl<'d> Temporary<'d> {
    /// Creates an empty file, mode 0600, that nothing else had open before.
    pub(super) fn create(directory: &'d OwnedFd, site: &Site) -> Result<(Self, File)> {
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        loop {
            let name = random_name(site)?;
            match openat(directory, &name, flags, Mode::RUSR | Mode::WUSR) {
                Ok(fd) => return Ok((Self { directory, name, kept: false }, File::from(fd))),
                Err(Errno::EXIST | Errno::INTR) => {}
                Err(errno) => return Err(site.fault(errno)),
            }
        }
    }

    /// The name is gone, by a rename, or holds what must not be lost.
    pub(super) fn keep(mut self) {
        self.kept = true;
    }

    /// Removes the name and says whether that worked.
    pub(super) fn remove(mut self) -> rustix::io::Result<()> {
        self.kept = true;
        unlinkat(self.directory, &self.name, AtFlags::empty())
    }
}

impl Drop for Temporary<'_> {
    fn drop(&mut self) {
        if !self.kept {
            // The caller has the error that matters; a leftover is found by the next sweep.
            let _ = unlinkat(self.directory, &self.name, AtFlags::empty());
        }
    }
}

/// Whether `name` is `.keywheel-`, 16 hexadecimal digits, `.tmp`.
pub(super) fn is_ours(name: &[u8]) -> bool {
    let random = name.strip_prefix(PREFIX).and_then(|name| name.strip_suffix(SUFFIX));
    random.is_some_and(|digits| {
        digits.len() == 2 * RANDOM_BYTES
            && digits.iter().all(|digit| matches!(digit, b'0'..=b'9' | b'a'..=b'f'))
    })
}

/// Tells sweepers, for as long as `directory` stays open, that temporary files here are in use. Where the file system
/// has no `flock` for directories, sweepers cannot have the lock either, and leave everything.
pub(super) fn lock_against_sweepers(directory: &OwnedFd) {
    let _ = rustix::io::retry_on_intr(|| flock(directory, FlockOperation::LockShared));
}

/// Whether nobody is writing in `directory`, and nobody will begin to until it is closed.
pub(super) fn lock_against_writers(directory: &OwnedFd) -> bool {
    flock(directory, FlockOperation::NonBlockingLockExclusive).is_ok()
}

/// Removes every temporary file of ours. The caller holds the lock against writers.
pub(super) fn remove_leftovers(directory: &OwnedFd) -> rustix::io::Result<usize> {
    let mut removed = 0;
    for entry in Dir::read_from(directory.as_fd())? {
        let entry = entry?;
        if is_ours(entry.file_name().to_bytes()) {
            unlinkat(directory, entry.file_name(), AtFlags::empty())?;
            removed += 1;
        }
    }
    Ok(removed)
}

/// `O_EXCL` makes the name ours; randomness only keeps two writers from trying the same one.
fn random_name(site: &Site) -> Result<String> {
    let mut random = [0; RANDOM_BYTES];
    OsEntropy.fill(&mut random).map_err(|error| site.error(ErrorKind::Unavailable, error.to_string()))?;
    let mut name = String::from_utf8_lossy(PREFIX).into_owned();
    for byte in random {
        let _ = write!(name, "{byte:02x}");
    }
    name.push_str(&String::from_utf8_lossy(SUFFIX));
    Ok(name)
}
