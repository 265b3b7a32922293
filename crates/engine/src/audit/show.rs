//! Lines of the audit for people.

use std::{
    collections::VecDeque,
    fs::File,
    io::{BufRead, BufReader},
    path::Path,
};

use jiff::Timestamp;
use keywheel_core::{Effect, Error, Result, RotationId, SecretName};

use super::{
    head,
    line::{AuditLine, Unusable},
};

/// Which lines to show. The default: all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// Only lines about this secret.
    pub secret: Option<SecretName>,
    /// Only lines of this rotation.
    pub rotation: Option<RotationId>,
    /// Only what happened then or later.
    pub since: Option<Timestamp>,
    /// At most so many: the newest.
    pub limit: Option<usize>,
}

impl Filter {
    /// Whether `line` is to be shown, but for the limit.
    pub fn lets_through(&self, line: &AuditLine) -> bool {
        self.secret.as_ref().is_none_or(|secret| *secret == line.secret)
            && self.rotation.is_none_or(|rotation| Some(rotation) == line.rotation)
            && self.since.is_none_or(|since| line.at >= since)
    }
}

/// What was shown.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Shown {
    /// The lines, in the order of the file.
    pub lines: Vec<AuditLine>,
    /// How many lines of the file cannot be read at all. [`verify`](super::verify()) says what became of them.
    pub unreadable: u64,
}

/// Reads the lines of the audit at `path` that `filter` lets through; none if there is no file. It takes the lines at
/// their word: whether they are what was written, [`verify`](super::verify()) tells.
///
/// A line that is being written this moment, without its newline, is left out.
///
/// # Errors
/// When the file cannot be read, or a newer keywheel wrote it.
pub fn show(path: &Path, filter: &Filter) -> Result<Shown> {
    let failed = |error| Error::from_io("read audit", Effect::NotApplied, error).with("path", path.display());
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Shown::default()),
        Err(error) => return Err(failed(error)),
    };
    let limit = filter.limit.unwrap_or(usize::MAX);
    let mut reader = BufReader::with_capacity(64 * 1024, file);
    let (mut newest, mut unreadable) = (VecDeque::new(), 0);
    let mut text = Vec::new();
    loop {
        text.clear();
        reader.read_until(b'\n', &mut text).map_err(failed)?;
        if text.pop().is_none_or(|last| last != b'\n') {
            break;
        }
        match AuditLine::parse(&text) {
            Ok(line) if limit > 0 && filter.lets_through(&line) => {
                if newest.len() == limit {
                    newest.pop_front();
                }
                newest.push_back(line);
            }
            Ok(_) => {}
            Err(Unusable::Newer(format)) => return Err(head::newer(format).with("path", path.display())),
            Err(Unusable::Foreign) => unreadable += 1,
        }
    }
    Ok(Shown { lines: newest.into(), unreadable })
}
