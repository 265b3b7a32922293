//! How a command gets the value: on its standard input, or in a file that is memory and nothing else.

use std::{
    ffi::OsString,
    fs::File,
    io::{self, Write},
    os::fd::{AsRawFd, OwnedFd, RawFd},
};

use command_fds::{CommandFdExt, FdMapping};
use keywheel_core::{Error, ErrorKind, Result, SecretValue};
use rustix::{
    fs::{MemfdFlags, Mode, OFlags, fchmod, memfd_create, open},
    io::Errno,
};
use schemars::JsonSchema;
use serde::Deserialize;
use tokio::process::Command;

/// The variable with the path of the file. The path, never the value.
const VARIABLE: &str = "KEYWHEEL_VALUE_FILE";

/// The descriptor that the command inherits: the first that has no other meaning.
const DESCRIPTOR: RawFd = 3;

/// How a command gets the value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum HandOver {
    /// On its standard input: the bytes and nothing else, instead of the notice.
    Stdin,
    /// In a file of which `KEYWHEEL_VALUE_FILE` is the path.
    File,
}

/// A value in a file without a name.
///
/// It is memory (`memfd_create`) and the command inherits a descriptor of it: whoever opens the path gets the file anew, from
/// its beginning. So no disk ever has it, no other command inherits it, and when every process that holds it is gone, by
/// whatever signal, so is the value: there is nothing to clean up, and nobody who could fail to. When this is dropped the file
/// is emptied: what the command left running has the descriptor and no value any more.
///
/// A path in a directory would work behind programs that close descriptors too, and be found there after a SIGKILL.
pub(crate) struct ValueFile(File);

impl ValueFile {
    /// A file that holds `value`, for its owner to read.
    ///
    /// # Errors
    /// When there is no memory or no descriptor left: nothing was started.
    pub(super) fn of(value: &SecretValue, operation: &'static str) -> Result<Self> {
        Self::made(value).map_err(|error| failed(operation, error))
    }

    fn made(value: &SecretValue) -> io::Result<Self> {
        let mut file = File::from(in_memory()?);
        fchmod(&file, Mode::RUSR)?;
        file.write_all(value.expose_secret())?;
        Ok(Self(file))
    }

    /// Makes `command` inherit the file, to read it.
    ///
    /// # Errors
    /// When there is no descriptor left: nothing was started.
    pub(super) fn lend_to(&self, command: &mut Command, operation: &'static str) -> Result<()> {
        self.reader()
            .and_then(|reader| {
                let mapping = FdMapping { parent_fd: reader, child_fd: DESCRIPTOR };
                command.fd_mappings(vec![mapping]).map(drop).map_err(io::Error::other)
            })
            .map_err(|error| failed(operation, error))?;
        command.env(VARIABLE, path(DESCRIPTOR));
        Ok(())
    }

    /// Another way in: from the beginning, and not to write.
    fn reader(&self) -> io::Result<OwnedFd> {
        let way_in = path(self.0.as_raw_fd());
        Ok(open(way_in, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())?)
    }
}

impl Drop for ValueFile {
    fn drop(&mut self) {
        if let Err(error) = self.0.set_len(0) {
            tracing::warn!(%error, "the file with a value that a command was handed could not be emptied");
        }
    }
}

/// A file that no command inherits unless it is lent.
fn in_memory() -> rustix::io::Result<OwnedFd> {
    let create = |flags| memfd_create("keywheel", MemfdFlags::CLOEXEC | flags);
    match create(MemfdFlags::NOEXEC_SEAL) {
        // A kernel before 6.3 does not know the flag; a later one may insist on it.
        Err(Errno::INVAL) => create(MemfdFlags::empty()),
        created => created,
    }
}

/// What the process that has `descriptor` opens to get the same file anew. Not `/dev/fd`, which some shells and `awk` take for
/// the descriptor itself, with the place at which somebody else stopped reading.
fn path(descriptor: RawFd) -> OsString {
    format!("/proc/self/fd/{descriptor}").into()
}

fn failed(operation: &'static str, error: io::Error) -> Error {
    let message =
        "no file in memory could be made for the value; look at the limits on memory and open files";
    Error::not_applied(ErrorKind::Unavailable, operation, message).caused_by(error)
}
