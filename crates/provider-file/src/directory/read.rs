//! Reading a whole file that others may be writing.

use std::fs::File;
use std::io::Read;
use std::os::fd::{AsFd, OwnedFd};

use keywheel_core::{Effect, ErrorKind, Result, SecretValue};
use rustix::fs::{Mode, OFlags, fstat, openat};
use rustix::io::Errno;

use super::fault::Site;
use super::{Directory, FileState, SizeLimit, state};

impl Directory {
    /// The bytes of the file `name` and its state then; `None` when it, or a directory around it, is not there.
    ///
    /// # Errors
    /// `InvalidConfig` when the name stands for anything but a regular file; `InvalidValue` when it is larger than
    /// `limit`; `Unavailable` when it was written to during the read.
    pub fn read(&self, name: &str, limit: SizeLimit) -> Result<Option<(SecretValue, FileState)>> {
        let site = self.site("read file", name);
        let Some((parent, last)) = self.parent_of(&site, name)? else { return Ok(None) };
        // Looked at before it is opened, for opening a device can have effects.
        if state::regular(parent.as_fd(), last, &site)?.is_none() {
            return Ok(None);
        }
        let file = match open_existing(&parent, last) {
            Ok(file) => File::from(file),
            Err(Errno::NOENT) => return Ok(None),
            Err(errno) => return Err(site.fault(errno)),
        };
        let before = state_of(&file, &site)?;
        if before.size > limit.bytes() {
            let message = format!("the file has {} bytes, the limit is {}", before.size, limit.bytes());
            return Err(site.error(ErrorKind::InvalidValue, message));
        }
        let value = read_exactly(&file, before.size, &site)?;
        // A writer that exchanges names moves the change time of the file that it displaces, and leaves its bytes alone.
        if !state_of(&file, &site)?.is_renamed(&before) {
            return Err(being_written(&site));
        }
        tracing::trace!(path = %self.path.join(name).display(), bytes = before.size, "file read");
        Ok(Some((value, before)))
    }
}

/// `O_NONBLOCK`: a pipe that took the file's place just now must not hang the caller.
pub(super) fn open_existing(parent: &OwnedFd, name: &str) -> rustix::io::Result<OwnedFd> {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    openat(parent, name, flags, Mode::empty())
}

fn state_of(file: &File, site: &Site) -> Result<FileState> {
    fstat(file).map(|stat| FileState::from(&stat)).map_err(|errno| site.fault(errno))
}

fn read_exactly(mut file: &File, length: u64, site: &Site) -> Result<SecretValue> {
    let length = usize::try_from(length)
        .map_err(|_| site.error(ErrorKind::InvalidValue, "the file is too large for this machine"))?;
    SecretValue::build(length, |buffer| file.read_exact(buffer)).map_err(|error| {
        if error.kind() == std::io::ErrorKind::UnexpectedEof {
            being_written(site)
        } else {
            site.io(Effect::NotApplied, &error)
        }
    })
}

fn being_written(site: &Site) -> keywheel_core::Error {
    site.error(ErrorKind::Unavailable, "the file was written to while it was read")
}
