//! One file for each version: the places of the kind `directory`.

use std::sync::Arc;

use keywheel_core::{Effect, Error, ErrorKind, Result, SecretValue, rotation::Location};

use crate::{
    aside,
    directory::{Directory, Expected, FileState, SizeLimit},
    root::Root,
    shelf::{Applied, Change, Changes, Found, Held, Seen, Shelf},
    store::Roots,
};

/// The files of one secret.
#[derive(Debug)]
pub(crate) struct Files {
    pub(crate) roots: Arc<Roots>,
    pub(crate) location: Location,
    pub(crate) limit: SizeLimit,
}

impl Files {
    fn root(&self) -> &Root {
        &self.roots.place
    }

    fn read(&self, directory: &Directory, name: &str) -> Result<Option<(SecretValue, FileState)>> {
        directory.read(name, self.limit).map_err(too_large)
    }

    fn found(&self, directory: &Directory, name: Option<&Arc<str>>) -> Result<Option<Found>> {
        let Some(name) = name else { return Ok(None) };
        Ok(self.read(directory, name)?.map(found))
    }

    /// The declared directory; the first secret makes it, and only it: a parent that is missing is a mistake in a path.
    fn made(&self) -> Result<Arc<Directory>> {
        if let Some(directory) = self.root().find()? {
            return Ok(directory);
        }
        let name = self.root().path().file_name().and_then(|name| name.to_str()).ok_or_else(|| {
            Error::not_applied(
                ErrorKind::InvalidConfig,
                "create directory",
                "the path does not name a directory",
            )
        })?;
        self.roots.aside.open()?.create_dir(name)?;
        self.root().open()
    }

    fn replace(&self, name: &str, value: &SecretValue, expected: Expected) -> Result<()> {
        #[cfg(test)]
        crate::crash::point()?;
        let directory = self.made()?;
        let write = || directory.replace(name, value.expose_secret(), 0o600, expected).map(|_| ());
        match name.rsplit_once('/') {
            Some((around, _)) => aside::with_directory(&directory, around, write),
            None => write(),
        }
    }

    fn put(&self, change: Change<'_>, name: Option<&Arc<str>>) -> Result<bool> {
        match (change, name) {
            (Change::Put(value), Some(name)) => self.replace(name, value, Expected::Anything).map(|()| true),
            (Change::Put(_) | Change::Keep | Change::Clear, _) => Ok(false),
        }
    }

    fn clear(&self, change: Change<'_>, name: Option<&Arc<str>>) -> Result<()> {
        match (change, name, self.root().find()?) {
            (Change::Clear, Some(name), Some(directory)) => {
                #[cfg(test)]
                crate::crash::point()?;
                directory.remove(name)
            }
            (Change::Put(_) | Change::Keep | Change::Clear, _, _) => Ok(()),
        }
    }
}

impl Shelf for Files {
    type Basis = Option<FileState>;

    fn max_bytes(&self) -> usize {
        usize::try_from(self.limit.bytes()).unwrap_or(usize::MAX)
    }

    fn binary(&self) -> bool {
        true
    }

    fn has_next(&self) -> bool {
        self.location.next.is_some()
    }

    fn has_previous(&self) -> bool {
        self.location.previous.is_some()
    }

    fn admit(&self, _value: &SecretValue) -> Result<()> {
        Ok(())
    }

    fn exclusive(&self) -> Result<Box<dyn Held + '_>> {
        // No two secrets share a file.
        Ok(Box::new(()))
    }

    fn look(&self) -> Result<Seen<Self::Basis>> {
        let Some(directory) = self.root().find()? else {
            return Ok(Seen { current: None, next: None, previous: None, basis: None });
        };
        let current = self.read(&directory, &self.location.key)?;
        Ok(Seen {
            basis: current.as_ref().map(|(_, state)| *state),
            current: current.map(found),
            next: self.found(&directory, self.location.next.as_ref())?,
            previous: self.found(&directory, self.location.previous.as_ref())?,
        })
    }

    fn current(&self) -> Result<Option<SecretValue>> {
        let Some(directory) = self.root().find()? else { return Ok(None) };
        Ok(self.read(&directory, &self.location.key)?.map(|(value, _)| value))
    }

    fn apply(&self, basis: &Self::Basis, changes: &Changes<'_>) -> Result<Applied> {
        let (next, previous) = (self.location.next.as_ref(), self.location.previous.as_ref());
        let mut touched = self.put(changes.next, next)?;
        touched |= self.put(changes.previous, previous).map_err(|error| after(touched, error))?;
        if let Some(value) = changes.current {
            let expected = basis.map_or(Expected::Absent, Expected::Unchanged);
            match self.replace(&self.location.key, value, expected) {
                Ok(()) => touched = true,
                Err(error) if error.kind == ErrorKind::Conflict && error.effect == Effect::NotApplied => {
                    return Ok(Applied::Raced { touched });
                }
                Err(error) => return Err(after(touched, error)),
            }
        }
        self.clear(changes.next, next).map_err(|error| after(touched, error))?;
        // The first removal may have been a change as well.
        let touched = touched || matches!(changes.next, Change::Clear);
        self.clear(changes.previous, previous).map_err(|error| after(touched, error))?;
        Ok(Applied::Done)
    }

    fn sync(&self) -> Result<()> {
        let Some(directory) = self.root().find()? else { return Ok(()) };
        let places = [Some(&self.location.key), self.location.next.as_ref(), self.location.previous.as_ref()];
        places.into_iter().flatten().try_for_each(|name| directory.sync(name))
    }

    fn sweep(&self) {
        let around = self.location.key.rsplit_once('/').map_or("", |(around, _)| around);
        self.roots.sweep(around);
    }
}

fn found((value, state): (SecretValue, FileState)) -> Found {
    Found { value, written_at: aside::written_at(&state) }
}

/// An error after which something has changed for certain, whatever the failed call itself did.
pub(crate) fn after(touched: bool, error: Error) -> Error {
    if touched { Error { effect: Effect::MaybeApplied, ..error } } else { error }
}

/// Names the setting that a file over the limit is about.
pub(crate) fn too_large(error: Error) -> Error {
    if error.kind == ErrorKind::InvalidValue {
        let message =
            format!("{}; if it is meant to be so large, raise the store's `max-bytes`", error.message);
        return Error { message, ..error };
    }
    error
}
