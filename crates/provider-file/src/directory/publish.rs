//! The instant at which a new file takes its name.
//!
//! # The window
//! Between the last look at the old file and the rename, an editor can still save. A plain rename would lose that, so:
//! - where no file is expected, `RENAME_NOREPLACE` refuses to cover one;
//! - where a file is expected, `RENAME_EXCHANGE` swaps the two names, the file that came out is compared with the one
//!   expected, and swapped back when it differs.
//!
//! What remains: an editor that opened the old file before the exchange and writes to it afterwards writes to a file
//! without a name (true of every program that saves by renaming); a crash between the two exchanges leaves the new
//! value in place and the editor's version under our temporary name; and on file systems without the two flags
//! (NFS, some FUSE) the window is the few microseconds after the last look.

use std::fs::File;
use std::os::fd::{AsFd, OwnedFd};

use keywheel_core::{Effect, Error, Result};
use rustix::fs::{RenameFlags, fstat, renameat, renameat_with};
use rustix::io::Errno;

use super::fault::Site;
use super::temporary::Temporary;
use super::{Expected, FileState, state, sync_directory};

/// Renames `temporary`, the name of `new`, to `name` under the condition `expected`. The directory is not synced yet when it is Ok.
pub(super) fn publish(
    parent: &OwnedFd,
    (temporary, new): (Temporary<'_>, &File),
    name: &str,
    expected: Expected,
    site: &Site,
) -> Result<()> {
    match expected {
        Expected::Anything => cover(parent, temporary, name, site),
        Expected::Absent => {
            match renameat_with(parent, &temporary.name, parent, name, RenameFlags::NOREPLACE) {
                Ok(()) => {
                    temporary.keep();
                    Ok(())
                }
                Err(Errno::EXIST) => Err(site.conflict("the file was created by somebody else")),
                Err(errno) if lacks_flags(errno) => cover(parent, temporary, name, site),
                Err(errno) => Err(rename_failed(errno, site)),
            }
        }
        Expected::Unchanged(before) => match exchange(parent, &temporary.name, name) {
            Ok(()) => settle(parent, temporary, name, (new, &before), site),
            Err(Errno::NOENT) => Err(site.conflict("the file was removed by somebody else")),
            Err(errno) if lacks_flags(errno) => cover(parent, temporary, name, site),
            Err(errno) => Err(rename_failed(errno, site)),
        },
    }
}

/// After an exchange: the temporary name now holds what was there.
fn settle(
    parent: &OwnedFd,
    temporary: Temporary<'_>,
    name: &str,
    (new, before): (&File, &FileState),
    site: &Site,
) -> Result<()> {
    let displaced = match state::look(parent.as_fd(), &temporary.name) {
        Ok(Some(stat)) => FileState::from(&stat),
        Ok(None) => return Err(site.maybe(Errno::NOENT)),
        Err(errno) => return Err(stranded(temporary, errno, site)),
    };
    if displaced.is_renamed(before) {
        return temporary.remove().map_err(|errno| site.maybe(errno));
    }
    if let Err(errno) = put_back(parent, &temporary.name, name, new) {
        return Err(stranded(temporary, errno, site));
    }
    drop(temporary);
    sync_directory(parent, site)?;
    Err(site.conflict("the file was changed by somebody else"))
}

fn put_back(parent: &OwnedFd, temporary: &str, name: &str, new: &File) -> rustix::io::Result<()> {
    exchange(parent, temporary, name)?;
    let new = fstat(new)?;
    let back = state::look(parent.as_fd(), temporary)?.ok_or(Errno::NOENT)?;
    if (back.st_dev, back.st_ino) != (new.st_dev, new.st_ino) {
        // A save between the two exchanges came out in place of our file: it is newer than the one put back.
        exchange(parent, temporary, name)?;
    }
    Ok(())
}

/// What came out is somebody else's and could not be put back: it must not be removed as a leftover of ours.
fn stranded(temporary: Temporary<'_>, errno: Errno, site: &Site) -> Error {
    let message = format!(
        "somebody else's change of this moment could not be put back and is now in {} beside the file: {errno}",
        temporary.name
    );
    temporary.keep();
    Error { effect: Effect::MaybeApplied, ..site.conflict(&message) }
}

fn cover(parent: &OwnedFd, temporary: Temporary<'_>, name: &str, site: &Site) -> Result<()> {
    renameat(parent, &temporary.name, parent, name).map_err(|errno| rename_failed(errno, site))?;
    temporary.keep();
    Ok(())
}

fn exchange(parent: &OwnedFd, one: &str, other: &str) -> rustix::io::Result<()> {
    renameat_with(parent, one, parent, other, RenameFlags::EXCHANGE)
}

fn lacks_flags(errno: Errno) -> bool {
    matches!(errno, Errno::INVAL | Errno::NOSYS | Errno::NOTSUP)
}

/// A local file system that refuses has done nothing; one behind a network may have lost only the answer.
fn rename_failed(errno: Errno, site: &Site) -> Error {
    match errno {
        Errno::IO | Errno::TIMEDOUT | Errno::STALE | Errno::NOTCONN => site.maybe(errno),
        other => site.fault(other),
    }
}
