//! `.keywheel` beside the declared directory or file: where versions lie that no consumer may see.
//!
//! - `.keywheel/pending/<name>`: what is staged, with its rotation's mark.
//! - `.keywheel/previous/<name>`: what was displaced, where the inventory names no place that consumers read.
//! - `.keywheel/locks/<file>`: see [`crate::fields`].
//!
//! `<name>` is the declared directory's or file's own name, a dot, and the key; in both, bytes other than letters,
//! digits, `-` and `_` (in the first also `.`) are written `%2F`, so that no two secrets share a name.

use std::fmt::Write as _;

use jiff::Timestamp;
use keywheel_core::{
    ErrorKind, Fingerprinter, Identity, Result, SecretValue,
    secret::{RotationMark, Stage},
};

use crate::{
    directory::{Directory, Expected, FileState, SizeLimit},
    kept::{self, HEADER_ROOM, Kept},
    root::Root,
};

/// The directory's name.
pub(crate) const NAME: &str = ".keywheel";

/// File systems allow 255 bytes.
const LONGEST_NAME: usize = 240;

/// Where the hidden versions of one secret lie.
#[derive(Clone, Debug)]
pub(crate) struct Aside {
    name: String,
    limit: SizeLimit,
}

impl Aside {
    /// For the secret `key` in the directory or file called `container`, with values up to `limit`.
    pub(crate) fn new(container: &[u8], key: &str, limit: SizeLimit) -> Self {
        Self { name: file_name(container, key), limit: limit.with_room(HEADER_ROOM) }
    }

    /// What is kept in `stage`, and since when.
    ///
    /// # Errors
    /// As [`kept::decode`] and [`Directory::read`].
    pub(crate) fn read(&self, root: &Root, stage: Stage) -> Result<Option<(Kept, Option<Timestamp>)>> {
        let Some(directory) = root.find()? else { return Ok(None) };
        let path = self.path(stage);
        let Some((content, file)) = directory.read(&path, self.limit)? else { return Ok(None) };
        let kept = kept::decode(stage, &content)
            .map_err(|error| error.with("path", directory.path().join(path).display()))?;
        Ok(Some((kept, written_at(&file))))
    }

    /// Keeps `value` in `stage`. Two `fsync` calls, and up to four for the first secret in a place.
    ///
    /// # Errors
    /// As [`Directory::replace`].
    pub(crate) fn write(
        &self,
        root: &Root,
        stage: Stage,
        (mark, identity): (&RotationMark, Option<&Identity>),
        value: &SecretValue,
        expected: Expected,
    ) -> Result<FileState> {
        #[cfg(test)]
        crate::crash::point()?;
        let content = kept::encode(stage, mark, identity, value)?;
        let directory = root.open()?;
        with_directory(&directory, &format!("{NAME}/{stage}"), || {
            directory.replace(&self.path(stage), &content, 0o600, expected)
        })
    }

    /// Removes what is kept in `stage`. One `fsync` call.
    ///
    /// # Errors
    /// As [`Directory::remove`].
    pub(crate) fn remove(&self, root: &Root, stage: Stage) -> Result<()> {
        #[cfg(test)]
        crate::crash::point()?;
        root.find()?.map_or(Ok(()), |directory| directory.remove(&self.path(stage)))
    }

    /// Makes durable what is kept in `stage`, or that nothing is.
    ///
    /// # Errors
    /// As [`Directory::sync`].
    pub(crate) fn sync(&self, root: &Root, stage: Stage) -> Result<()> {
        root.find()?.map_or(Ok(()), |directory| directory.sync(&self.path(stage)))
    }

    fn path(&self, stage: Stage) -> String {
        format!("{NAME}/{stage}/{}", self.name)
    }
}

/// Calls `write`; when the directory `name` is missing, makes it, and those around it, and calls again. Looking first
/// would cost every call what only the first one needs.
///
/// # Errors
/// Those of `write`, and of [`Directory::create_dir`].
pub(crate) fn with_directory<T>(
    directory: &Directory,
    name: &str,
    write: impl Fn() -> Result<T>,
) -> Result<T> {
    match write() {
        Err(error) if error.kind == ErrorKind::NotFound => {}
        done => return done,
    }
    let ends = name.match_indices('/').map(|(at, _)| at).chain([name.len()]);
    for end in ends {
        directory.create_dir(&name[..end])?;
    }
    write()
}

/// When the file was written, as far as its file system knows.
pub(crate) fn written_at(state: &FileState) -> Option<Timestamp> {
    Timestamp::from_nanosecond(state.modified_ns).ok()
}

/// The name of the lock file for `container`.
pub(crate) fn lock_name(container: &[u8]) -> String {
    format!("{NAME}/locks/{}", shortened(escaped(container, b"-_.")))
}

/// The last dot is the separator, for the key has none.
fn file_name(container: &[u8], key: &str) -> String {
    shortened(format!("{}.{}", escaped(container, b"-_."), escaped(key.as_bytes(), b"-_")))
}

fn escaped(bytes: &[u8], kept: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    for byte in bytes {
        if byte.is_ascii_alphanumeric() || kept.contains(byte) {
            text.push(char::from(*byte));
        } else {
            let _ = write!(text, "%{byte:02X}");
        }
    }
    text
}

/// A name that is too long keeps its beginning, for people, and gets a digest of the whole; `~` is in no other name.
fn shortened(name: String) -> String {
    if name.len() <= LONGEST_NAME {
        return name;
    }
    let digest = Fingerprinter::plain().of(&SecretValue::copy_from(name.as_bytes()));
    format!("{}~{digest}", &name[..LONGEST_NAME - 17])
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case(("a", "b.c"), ("a.b", "c"))]
    #[case(("s", "a/b"), ("s", "a%2Fb"))]
    #[case(("s", "a_b"), ("s", "a/b"))]
    #[case((".env", "X"), ("env", "X"))]
    fn no_two_secrets_share_a_name(#[case] one: (&str, &str), #[case] two: (&str, &str)) {
        assert_ne!(file_name(one.0.as_bytes(), one.1), file_name(two.0.as_bytes(), two.1));
    }

    #[test]
    fn a_name_stays_within_what_file_systems_allow() {
        let (one, two) = ("/é".repeat(90) + "1", "/é".repeat(90) + "2");
        assert!(file_name(b"config.json", &one).len() <= LONGEST_NAME);
        assert_ne!(file_name(b"config.json", &one), file_name(b"config.json", &two));
    }
}
