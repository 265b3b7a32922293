//! Values that a person made ready in a file, to be taken over by a rotation.
//!
//! No rule of a declared directory holds here: the path is the operator's, links in it are followed.

use std::fs::{File, Metadata};
use std::io::{ErrorKind as Io, Read};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use keywheel_core::{Effect, Error, ErrorKind, Result, SecretValue};

use crate::dotenv::Dotenv;

/// The largest file that is read: 1 MiB.
pub const LARGEST: u64 = 1 << 20;

/// The value of the variable `name` in the `.env` file at `path`; `None` if the file or the variable does not exist.
///
/// # Errors
/// `InvalidConfig` for anything but a regular file, and for a line that readers understand differently; `InvalidValue`
/// above [`LARGEST`]; `Corrupt` when a quote never closes; `PermissionDenied`.
pub fn read_variable(path: &Path, name: &str) -> Result<Option<SecretValue>> {
    let Some(file) = read(path, "read provided variable")? else { return Ok(None) };
    Dotenv::parse(file.expose_secret()).and_then(|file| file.get(name)).map_err(|error| {
        error.into_error("read provided variable").with("path", path.display()).with("variable", name)
    })
}

/// The bytes of the file at `path` without one line end (LF or CRLF) at its end, for editors put one there; `None` if it
/// does not exist.
///
/// # Errors
/// `InvalidConfig` for anything but a regular file; `InvalidValue` above [`LARGEST`]; `PermissionDenied`.
pub fn read_value_file(path: &Path) -> Result<Option<SecretValue>> {
    let Some(file) = read(path, "read provided value")? else { return Ok(None) };
    let bytes = file.expose_secret();
    let trimmed = bytes.strip_suffix(b"\n").map(|line| line.strip_suffix(b"\r").unwrap_or(line));
    Ok(Some(match trimmed {
        Some(trimmed) => SecretValue::copy_from(trimmed),
        None => file,
    }))
}

fn read(path: &Path, operation: &'static str) -> Result<Option<SecretValue>> {
    let located = |error: Error| error.with("path", path.display());
    let io = |error| located(Error::from_io(operation, Effect::NotApplied, error));
    // Looked at before it is opened, for opening a device can have effects.
    match std::fs::metadata(path) {
        Ok(metadata) => suitable(&metadata, operation).map_err(located)?,
        Err(error) if error.kind() == Io::NotFound => return Ok(None),
        Err(error) => return Err(io(error)),
    };
    // A pipe that took the file's place just now must not hang the caller.
    let flags = rustix::fs::OFlags::NONBLOCK | rustix::fs::OFlags::NOCTTY;
    let flags = i32::try_from(flags.bits()).unwrap_or(0);
    let file = match File::options().read(true).custom_flags(flags).open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == Io::NotFound => return Ok(None),
        Err(error) => return Err(io(error)),
    };
    let length = suitable(&file.metadata().map_err(io)?, operation).map_err(located)?;
    let value = SecretValue::build(length, |buffer| (&file).read_exact(buffer)).map_err(|error| {
        if error.kind() == Io::UnexpectedEof { being_written(path, operation) } else { io(error) }
    })?;
    if file.metadata().map_err(io)?.len() != length as u64 {
        return Err(being_written(path, operation));
    }
    Ok(Some(value))
}

fn suitable(metadata: &Metadata, operation: &'static str) -> Result<usize> {
    if !metadata.is_file() {
        return Err(Error::not_applied(ErrorKind::InvalidConfig, operation, "it is not a regular file"));
    }
    match usize::try_from(metadata.len()) {
        Ok(length) if metadata.len() <= LARGEST => Ok(length),
        Ok(_) | Err(_) => {
            let message = format!("the file has {} bytes, the limit is {LARGEST}", metadata.len());
            Err(Error::not_applied(ErrorKind::InvalidValue, operation, message))
        }
    }
}

fn being_written(path: &Path, operation: &'static str) -> Error {
    Error::not_applied(ErrorKind::Unavailable, operation, "the file was written to while it was read")
        .with("path", path.display())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use rstest::rstest;
    use rustix::fs::{CWD, Mode, mkfifoat};

    use super::*;

    #[rstest]
    #[case(b"value\n", b"value")]
    #[case(b"value\r\n", b"value")]
    #[case(b"value\n\n", b"value\n")]
    #[case(b"value\r", b"value\r")]
    #[case(b"va\xFFlue", b"va\xFFlue")]
    #[case(b"\n", b"")]
    #[case(b"", b"")]
    fn one_line_end_is_not_part_of_the_value(#[case] file: &[u8], #[case] value: &[u8]) {
        let temp = tempfile::tempdir().unwrap();
        fs::write(temp.path().join("f"), file).unwrap();
        assert_eq!(read_value_file(&temp.path().join("f")).unwrap().unwrap().expose_secret(), value);
    }

    #[test]
    fn a_variable_is_read_through_a_link() {
        let temp = tempfile::tempdir().unwrap();
        fs::write(temp.path().join("real"), "A=1\nB='two words'\n").unwrap();
        std::os::unix::fs::symlink("real", temp.path().join("link")).unwrap();
        let path = temp.path().join("link");
        assert_eq!(read_variable(&path, "B").unwrap().unwrap().expose_secret(), b"two words");
        assert!(read_variable(&path, "C").unwrap().is_none());
    }

    #[test]
    fn what_is_not_there_is_none() {
        let temp = tempfile::tempdir().unwrap();
        assert!(read_value_file(&temp.path().join("f")).unwrap().is_none());
        assert!(read_variable(&temp.path().join("f"), "A").unwrap().is_none());
    }

    #[test]
    fn directories_pipes_and_huge_files_are_refused() {
        let temp = tempfile::tempdir().unwrap();
        let kind = |path: &Path| read_value_file(path).unwrap_err().kind;
        assert_eq!(kind(temp.path()), ErrorKind::InvalidConfig);
        let pipe = temp.path().join("pipe");
        mkfifoat(CWD, &pipe, Mode::RUSR | Mode::WUSR).unwrap();
        assert_eq!(kind(&pipe), ErrorKind::InvalidConfig);
        let huge = temp.path().join("huge");
        File::create(&huge).unwrap().set_len(LARGEST + 1).unwrap();
        assert_eq!(kind(&huge), ErrorKind::InvalidValue);
    }
}
