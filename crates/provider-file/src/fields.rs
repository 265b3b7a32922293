//! Variables of one `.env` file or fields of one JSON document: places that share a file.
//!
//! Every change is one atomic replacement of the file, so `current`, `next` and `previous` move together. Rotations of
//! two secrets in one file must not lose each other's change: a lock file in `.keywheel/locks` keeps them apart (and
//! within the process a mutex, where the file system has no locks), and the replacement itself refuses when an editor
//! changed the file meanwhile. Then the file is read again: only a change of this secret's own current value is a
//! conflict.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use keywheel_core::{Effect, Error, ErrorKind, Result, SecretValue, rotation::Location};
use zeroize::Zeroizing;

use crate::{
    aside,
    directory::{Expected, FileLock, FileState, SizeLimit},
    files::too_large,
    shelf::{Applied, Change, Changes, Found, Held, Seen, Shelf},
    store::Roots,
    text_format::TextFormat,
};

/// A value may take this part of the largest file: the file holds up to three versions, and JSON spells a control
/// character with six bytes; what is left is for the rest of the file.
const SHARE: u64 = 32;

/// The file that several secrets share.
#[derive(Debug)]
pub(crate) struct SharedFile {
    pub(crate) roots: Arc<Roots>,
    /// In the directory `roots.place`.
    pub(crate) name: String,
    pub(crate) format: TextFormat,
    pub(crate) limit: SizeLimit,
    pub(crate) writing: Mutex<()>,
}

/// The places of one secret in it.
#[derive(Debug)]
pub(crate) struct Fields {
    pub(crate) file: Arc<SharedFile>,
    pub(crate) location: Location,
}

/// The file as it was read; `None` when it was missing.
#[derive(Debug)]
pub(crate) struct Basis {
    content: SecretValue,
    state: Option<FileState>,
}

/// Nobody else writes the file meanwhile: in this process, and in others.
struct Exclusive<'a> {
    _thread: MutexGuard<'a, ()>,
    _process: FileLock,
}

impl SharedFile {
    fn read(&self) -> Result<Basis> {
        let found = match self.roots.place.find()? {
            Some(directory) => directory.read(&self.name, self.limit).map_err(too_large)?,
            None => None,
        };
        if let Some((content, state)) = found {
            return Ok(Basis { content, state: Some(state) });
        }
        let content = self.format.missing().map_err(|error| self.located(error))?;
        Ok(Basis { content, state: None })
    }

    fn located(&self, error: Error) -> Error {
        error.with("path", self.roots.place.path().join(&self.name).display())
    }

    fn max_value(&self) -> u64 {
        self.limit.bytes() / SHARE
    }
}

impl Fields {
    fn get(&self, content: &[u8], place: Option<&Arc<str>>) -> Result<Option<SecretValue>> {
        let Some(place) = place else { return Ok(None) };
        self.file.format.get(content, place).map_err(|error| self.file.located(error))
    }

    fn found(&self, content: &[u8], place: Option<&Arc<str>>) -> Result<Option<Found>> {
        Ok(self.get(content, place)?.map(|value| Found { value, written_at: None }))
    }

    fn edit(
        &self,
        content: Zeroizing<Vec<u8>>,
        place: Option<&Arc<str>>,
        change: Change<'_>,
    ) -> Result<Zeroizing<Vec<u8>>> {
        let Some(place) = place else { return Ok(content) };
        match change {
            Change::Keep => Ok(content),
            Change::Put(value) => self.file.format.set(&content, place, value),
            Change::Clear => self.file.format.remove(&content, place),
        }
        .map_err(|error| self.file.located(error))
    }

    /// Tries every edit that a rotation makes of `content`: a value that cannot be spelt, a variable that is there twice, an
    /// array whose elements cannot be removed, are found while nothing has changed.
    pub(crate) fn admit_into(&self, content: &SecretValue, value: &SecretValue) -> Result<()> {
        let put = Change::Put(value);
        let full = self.edited(content, &Changes { current: Some(value), next: put, previous: put })?;
        let full = SecretValue::copy_from(&full);
        let clear = Changes { current: None, next: Change::Clear, previous: Change::Clear };
        self.edited(&full, &clear).map(|_| ())
    }

    /// Whether each place in `content` is empty or holds text.
    pub(crate) fn readable_in(&self, content: &SecretValue) -> Result<()> {
        let Location { key, next, previous } = &self.location;
        let places = [Some(key), next.as_ref(), previous.as_ref()];
        places.into_iter().try_for_each(|place| self.get(content.expose_secret(), place).map(drop))
    }

    fn edited(&self, content: &SecretValue, changes: &Changes<'_>) -> Result<Zeroizing<Vec<u8>>> {
        let Location { key, next, previous } = &self.location;
        let mut edited = Zeroizing::new(content.expose_secret().to_vec());
        edited = self.edit(edited, previous.as_ref(), changes.previous)?;
        edited = self.edit(edited, next.as_ref(), changes.next)?;
        edited = self.edit(edited, Some(key), changes.current.map_or(Change::Keep, Change::Put))?;
        if edited.len() as u64 > self.file.limit.bytes() {
            let message = format!(
                "the file would have {} bytes, the limit is {}",
                edited.len(),
                self.file.limit.bytes()
            );
            let error = Error::not_applied(ErrorKind::InvalidValue, "edit file", message);
            return Err(self.file.located(too_large(error)));
        }
        Ok(edited)
    }
}

impl Shelf for Fields {
    type Basis = Basis;

    fn max_bytes(&self) -> usize {
        usize::try_from(self.file.max_value()).unwrap_or(usize::MAX)
    }

    fn binary(&self) -> bool {
        false
    }

    fn has_next(&self) -> bool {
        self.location.next.is_some()
    }

    fn has_previous(&self) -> bool {
        self.location.previous.is_some()
    }

    fn admit(&self, value: &SecretValue) -> Result<()> {
        self.admit_into(&self.file.read()?.content, value)
    }

    fn exclusive(&self) -> Result<Box<dyn Held + '_>> {
        let thread = self.file.writing.lock().unwrap_or_else(PoisonError::into_inner);
        let directory = self.file.roots.place.open()?;
        let name = aside::lock_name(self.file.name.as_bytes());
        let locks = format!("{}/locks", aside::NAME);
        let process = aside::with_directory(&directory, &locks, || directory.lock(&name))?;
        Ok(Box::new(Exclusive { _thread: thread, _process: process }))
    }

    fn look(&self) -> Result<Seen<Basis>> {
        let basis = self.file.read()?;
        let content = basis.content.expose_secret();
        Ok(Seen {
            current: self.found(content, Some(&self.location.key))?,
            next: self.found(content, self.location.next.as_ref())?,
            previous: self.found(content, self.location.previous.as_ref())?,
            basis,
        })
    }

    fn current(&self) -> Result<Option<SecretValue>> {
        self.get(self.file.read()?.content.expose_secret(), Some(&self.location.key))
    }

    fn apply(&self, basis: &Basis, changes: &Changes<'_>) -> Result<Applied> {
        let edited = self.edited(&basis.content, changes)?;
        #[cfg(test)]
        crate::crash::point()?;
        let directory = self.file.roots.place.open()?;
        let expected = basis.state.map_or(Expected::Absent, Expected::Unchanged);
        match directory.replace(&self.file.name, &edited, 0o600, expected) {
            Ok(_) => Ok(Applied::Done),
            Err(error) if error.kind == ErrorKind::Conflict && error.effect == Effect::NotApplied => {
                Ok(Applied::Raced { touched: false })
            }
            Err(error) => Err(error),
        }
    }

    fn sync(&self) -> Result<()> {
        self.file.roots.place.find()?.map_or(Ok(()), |directory| directory.sync(&self.file.name))
    }

    fn sweep(&self) {
        self.file.roots.sweep("");
    }
}
