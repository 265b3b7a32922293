//! Replacing a whole file: a new file takes over the old one's place, mode, owner and access list.

use std::fs::File;
use std::io::Write;
use std::os::fd::{AsFd, OwnedFd};

use keywheel_core::{Effect, ErrorKind, Result};
use rustix::fs::{Gid, Mode, Uid, XattrFlags, fchmod, fchown, fgetxattr, fremovexattr, fsetxattr, fstat};
use rustix::io::Errno;

use super::fault::Site;
use super::temporary::{Temporary, lock_against_sweepers};
use super::{Directory, Expected, FileState, publish, read, state, sync_directory};

/// The extended attribute that holds a POSIX access list (`acl(5)`).
const ACCESS_LIST: &str = "system.posix_acl_access";

impl Directory {
    /// Replaces the content of `name`, or creates it with `mode`, and returns its new state.
    ///
    /// An existing file keeps its mode, owner, group and access list; hard links to it keep the old content. `expected`
    /// is checked before anything is written, and again by the exchange of the two names itself, see the module
    /// `publish` for what window that leaves.
    ///
    /// # Errors
    /// `Conflict` when `expected` does not hold: the other's file stands. `Unavailable`, `no space left`, and every
    /// other failure up to the rename: the old file is whole, the temporary one gone. `PermissionDenied` also when the
    /// owner cannot be kept. `InvalidConfig` when the name stands for anything but a regular file. `MaybeApplied` when
    /// only the directory's `fsync` failed.
    pub fn replace(&self, name: &str, bytes: &[u8], mode: u32, expected: Expected) -> Result<FileState> {
        let site = self.site("replace file", name);
        let (parent, last) = self.parent_of(&site, name)?.ok_or_else(|| site.fault(Errno::NOENT))?;
        lock_against_sweepers(&parent);
        let current = state::regular(parent.as_fd(), last, &site)?;
        expected.check(current.as_ref(), &site)?;

        let (temporary, mut file) = Temporary::create(&parent, &site)?;
        // Before the bytes: a file that cannot be handed to its owner never holds the secret.
        match &current {
            Some(current) => take_after(&file, &parent, last, current, &site)?,
            None => fchmod(&file, Mode::from_raw_mode(mode & 0o777)).map_err(|errno| site.fault(errno))?,
        }
        file.write_all(bytes)
            .and_then(|()| file.sync_all())
            .map_err(|error| site.io(Effect::NotApplied, &error))?;

        expected.check(state::regular(parent.as_fd(), last, &site)?.as_ref(), &site)?;
        publish::publish(&parent, (temporary, &file), last, expected, &site)?;
        sync_directory(&parent, &site)?;
        let created = current.is_none();
        tracing::debug!(path = %self.path.join(name).display(), bytes = bytes.len(), created, "file written");
        fstat(&file).map(|stat| FileState::from(&stat)).map_err(|errno| site.maybe(errno))
    }
}

/// Owner, then mode, then access list: each may reset part of the one before it if done the other way round.
fn take_after(file: &File, parent: &OwnedFd, name: &str, current: &FileState, site: &Site) -> Result<()> {
    let own = fstat(file).map_err(|errno| site.fault(errno))?;
    if (own.st_uid, own.st_gid) != (current.owner, current.group) {
        let (owner, group) = (Uid::from_raw(current.owner), Gid::from_raw(current.group));
        fchown(file, Some(owner), Some(group)).map_err(|errno| match errno {
            Errno::PERM | Errno::INVAL => site.error(
                ErrorKind::PermissionDenied,
                format!(
                    "the file belongs to user {} and group {}, and this process may not give a file to them",
                    current.owner, current.group
                ),
            ),
            other => site.fault(other),
        })?;
    }
    let list = access_list(parent, name).map_err(|errno| site.fault(errno))?;
    if list.is_none() {
        // One inherited from the directory would let in people whom the old file kept out.
        match fremovexattr(file, ACCESS_LIST) {
            Ok(()) | Err(Errno::NODATA | Errno::NOTSUP) => {}
            Err(errno) => return Err(site.fault(errno)),
        }
    }
    fchmod(file, Mode::from_raw_mode(current.mode & 0o777)).map_err(|errno| site.fault(errno))?;
    if let Some(list) = list {
        // With a list, the mode's group bits are its mask, not the group's rights: the mode alone would be laxer.
        fsetxattr(file, ACCESS_LIST, &list, XattrFlags::empty()).map_err(|errno| site.fault(errno))?;
    }
    Ok(())
}

fn access_list(parent: &OwnedFd, name: &str) -> rustix::io::Result<Option<Vec<u8>>> {
    let file = read::open_existing(parent, name)?;
    // The kernel's own limit for one attribute.
    let mut list = vec![0; 64 << 10];
    match fgetxattr(&file, ACCESS_LIST, list.as_mut_slice()) {
        Ok(length) => {
            list.truncate(length);
            Ok(Some(list))
        }
        Err(Errno::NODATA | Errno::NOTSUP) => Ok(None),
        Err(errno) => Err(errno),
    }
}
