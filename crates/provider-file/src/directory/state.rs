//! What the file system says about a file, and what a writer expects of it.

use std::fmt;
use std::os::fd::BorrowedFd;

use keywheel_core::{Error, ErrorKind, Result};
use rustix::fs::{AtFlags, FileType, Stat, statat};
use rustix::io::Errno;
use rustix::path::Arg;

use super::fault::Site;

/// The kinds of things that a name in a directory can stand for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum FileKind {
    /// A regular file.
    File,
    /// A directory.
    Directory,
    /// A symbolic link.
    Symlink,
    /// A named pipe.
    Pipe,
    /// A Unix socket.
    Socket,
    /// A block or character device, or something newer.
    Device,
}

impl From<FileType> for FileKind {
    fn from(kind: FileType) -> Self {
        match kind {
            FileType::RegularFile => Self::File,
            FileType::Directory => Self::Directory,
            FileType::Symlink => Self::Symlink,
            FileType::Fifo => Self::Pipe,
            FileType::Socket => Self::Socket,
            FileType::CharacterDevice | FileType::BlockDevice | FileType::Unknown => Self::Device,
        }
    }
}

impl fmt::Display for FileKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::File => "a file",
            Self::Directory => "a directory",
            Self::Symlink => "a symbolic link",
            Self::Pipe => "a named pipe",
            Self::Socket => "a socket",
            Self::Device => "a device",
        })
    }
}

/// One file at one moment. Two equal states mean that nobody wrote in between, as far as the file system's clock can
/// tell: before Linux 6.13, two writes of equal length within one clock tick (4 ms or so) look alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileState {
    /// The file system.
    pub device: u64,
    /// The file in it.
    pub inode: u64,
    /// In bytes.
    pub size: u64,
    /// When the content changed, in nanoseconds since 1970.
    pub modified_ns: i128,
    /// When the content, mode, owner or name changed, in nanoseconds since 1970.
    pub changed_ns: i128,
    /// Permission bits, `0o600`.
    pub mode: u32,
    /// The numeric owner.
    pub owner: u32,
    /// The numeric group.
    pub group: u32,
}

impl FileState {
    /// Whether anybody but the owner may do anything with the file: laxer than 0600.
    pub fn is_open_to_others(&self) -> bool {
        self.mode & 0o077 != 0
    }

    /// Whether this is `earlier` after nothing but a rename, which moves the change time.
    pub(super) fn is_renamed(&self, earlier: &Self) -> bool {
        Self { changed_ns: earlier.changed_ns, ..*self } == *earlier
    }
}

impl From<&Stat> for FileState {
    fn from(stat: &Stat) -> Self {
        const SECOND: i128 = 1_000_000_000;
        Self {
            device: stat.st_dev,
            inode: stat.st_ino,
            size: u64::try_from(stat.st_size).unwrap_or(0),
            modified_ns: i128::from(stat.st_mtime) * SECOND + i128::from(stat.st_mtime_nsec),
            changed_ns: i128::from(stat.st_ctime) * SECOND + i128::from(stat.st_ctime_nsec),
            mode: stat.st_mode & 0o7777,
            owner: stat.st_uid,
            group: stat.st_gid,
        }
    }
}

/// What a writer has seen, so that an editor's change in between is not lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expected {
    /// Whatever is there may go.
    Anything,
    /// No file.
    Absent,
    /// The file as [`super::Directory::read`] found it.
    Unchanged(FileState),
}

impl Expected {
    pub(super) fn check(self, found: Option<&FileState>, site: &Site) -> Result<()> {
        match (self, found) {
            (Self::Anything, _) | (Self::Absent, None) => Ok(()),
            (Self::Unchanged(expected), Some(found)) if expected == *found => Ok(()),
            (Self::Unchanged(_), Some(_)) => Err(site.conflict("the file was changed by somebody else")),
            (Self::Unchanged(_), None) => Err(site.conflict("the file was removed by somebody else")),
            (Self::Absent, Some(_)) => Err(site.conflict("the file was created by somebody else")),
        }
    }
}

/// The largest file that is read: 1 MiB unless set otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SizeLimit(u64);

impl SizeLimit {
    /// The largest limit that can be set: 16 MiB. Everything read is held in memory, twice during an edit.
    pub const LARGEST: u64 = 16 << 20;

    /// A limit of so many bytes.
    ///
    /// # Errors
    /// `InvalidConfig` when it is zero or above [`SizeLimit::LARGEST`].
    pub fn new(bytes: u64) -> Result<Self> {
        if (1..=Self::LARGEST).contains(&bytes) {
            return Ok(Self(bytes));
        }
        let message = format!("{bytes} bytes is no size limit: 1 to {} are", Self::LARGEST);
        Err(Error::not_applied(ErrorKind::InvalidConfig, "set size limit", message))
    }

    /// In bytes.
    pub fn bytes(self) -> u64 {
        self.0
    }

    /// The same with room for so many bytes around the value; may be above [`SizeLimit::LARGEST`].
    pub(crate) fn with_room(self, bytes: u64) -> Self {
        Self(self.0 + bytes)
    }
}

impl Default for SizeLimit {
    fn default() -> Self {
        Self(1 << 20)
    }
}

/// What the name stands for, symbolic links not followed; `None` for nothing.
pub(super) fn look(parent: BorrowedFd<'_>, name: impl Arg) -> rustix::io::Result<Option<Stat>> {
    match statat(parent, name, AtFlags::SYMLINK_NOFOLLOW) {
        Ok(stat) => Ok(Some(stat)),
        Err(Errno::NOENT) => Ok(None),
        Err(errno) => Err(errno),
    }
}

/// The state of a regular file; anything else under that name is an error.
pub(super) fn regular(parent: BorrowedFd<'_>, name: &str, site: &Site) -> Result<Option<FileState>> {
    let Some(stat) = look(parent, name).map_err(|errno| site.fault(errno))? else { return Ok(None) };
    match FileKind::from(FileType::from_raw_mode(stat.st_mode)) {
        FileKind::File => Ok(Some(FileState::from(&stat))),
        other @ (FileKind::Directory
        | FileKind::Symlink
        | FileKind::Pipe
        | FileKind::Socket
        | FileKind::Device) => Err(site.found(other, "a file")),
    }
}
