//! What stands where, at one moment.

use jiff::Timestamp;
use keywheel_core::{
    Error, ErrorKind, Fingerprint, Fingerprinter, Identity, Result, SecretValue, VersionId,
    secret::{RotationMark, Stage, VersionInfo, Versions},
};

use super::Places;
use crate::{
    kept::Kept,
    shelf::{Found, Shelf},
};

/// A version in its place.
pub(super) struct Standing {
    pub(super) id: VersionId,
    pub(super) fingerprint: Fingerprint,
    pub(super) value: SecretValue,
    written_at: Option<Timestamp>,
}

/// What is staged, and by whom.
pub(super) struct Pending {
    pub(super) standing: Standing,
    pub(super) mark: RotationMark,
    identity: Option<Identity>,
}

/// Every place of one secret.
pub(super) struct Picture<B> {
    pub(super) current: Option<Standing>,
    pub(super) next: Option<Standing>,
    pub(super) previous: Option<Standing>,
    pub(super) pending: Option<Pending>,
    pub(super) basis: B,
}

impl<S: Shelf> Places<S> {
    /// Reads every place. The hidden ones first: a version moves from there to where consumers see it, so one that is
    /// on its way is seen twice rather than not at all.
    pub(super) fn picture(&self) -> Result<Picture<S::Basis>> {
        let pending = self.pending()?;
        let hidden = if self.shelf.has_previous() {
            None
        } else {
            self.aside.read(&self.roots.aside, Stage::Previous)?
        };
        let seen = self.shelf.look()?;
        let standing = |found: Found| Standing::new(&self.fingerprinter, found.value, found.written_at);
        let hidden = hidden.map(|(kept, at)| Standing::new(&self.fingerprinter, kept.value, at));
        Ok(Picture {
            current: seen.current.map(standing),
            next: seen.next.map(standing),
            previous: seen.previous.map(standing).or(hidden),
            pending,
            basis: seen.basis,
        })
    }

    pub(super) fn pending(&self) -> Result<Option<Pending>> {
        let found = self.aside.read(&self.roots.aside, Stage::Pending)?;
        Ok(found.map(|(Kept { mark, identity, value }, written_at)| Pending {
            standing: Standing::new(&self.fingerprinter, value, written_at),
            mark,
            identity,
        }))
    }

    pub(super) fn read(&self, stage: Stage) -> Result<SecretValue> {
        let value = match stage {
            Stage::Current => self.shelf.current()?,
            Stage::Pending | Stage::Next | Stage::Previous => self.picture()?.take(stage),
        };
        value.ok_or_else(|| {
            Error::not_applied(ErrorKind::NotFound, "read version", format!("there is no {stage} version"))
        })
    }
}

impl Standing {
    fn new(fingerprinter: &Fingerprinter, value: SecretValue, written_at: Option<Timestamp>) -> Self {
        let fingerprint = fingerprinter.of(&value);
        Self { id: VersionId::new(fingerprint.to_string()), fingerprint, value, written_at }
    }

    pub(super) fn info(&self, stage: Stage) -> VersionInfo {
        VersionInfo {
            id: self.id.clone(),
            stage,
            fingerprint: self.fingerprint,
            created_at: None,
            mark: None,
            identity: None,
        }
    }
}

impl Pending {
    pub(super) fn info(&self, stage: Stage) -> VersionInfo {
        VersionInfo {
            created_at: self.standing.written_at,
            mark: Some(self.mark.clone()),
            identity: self.identity.clone(),
            ..self.standing.info(stage)
        }
    }
}

impl<B> Picture<B> {
    /// `pending` is not reported when the same bytes stand as `next`: it then only keeps the mark for them. For `next`
    /// and `previous` no time is known but that of `pending`: their file was written when they came there.
    pub(super) fn versions(&self) -> Versions {
        let mut versions = Vec::with_capacity(Stage::ALL.len());
        match (&self.pending, &self.next) {
            (Some(pending), Some(_)) if self.is_published() => versions.push(pending.info(Stage::Next)),
            (pending, next) => {
                versions.extend(pending.iter().map(|pending| pending.info(Stage::Pending)));
                versions.extend(next.iter().map(|next| next.info(Stage::Next)));
            }
        }
        versions.extend(
            self.current.iter().map(|current| VersionInfo {
                created_at: current.written_at,
                ..current.info(Stage::Current)
            }),
        );
        versions.extend(self.previous.iter().map(|previous| previous.info(Stage::Previous)));
        Versions(versions)
    }

    /// Whether what is pending stands as `next`.
    pub(super) fn is_published(&self) -> bool {
        let pending = self.pending.as_ref().map(|pending| &pending.standing.id);
        pending.is_some() && pending == self.next.as_ref().map(|next| &next.id)
    }

    pub(super) fn pending_is(&self, version: &VersionId) -> bool {
        self.pending.as_ref().is_some_and(|pending| pending.standing.id == *version)
    }

    fn take(self, stage: Stage) -> Option<SecretValue> {
        let published = self.is_published();
        match stage {
            Stage::Pending if published => None,
            Stage::Pending => self.pending.map(|pending| pending.standing.value),
            Stage::Next => self.next.map(|next| next.value),
            Stage::Current => self.current.map(|current| current.value),
            Stage::Previous => self.previous.map(|previous| previous.value),
        }
    }
}

/// Whether the version in a place is `version`.
pub(super) fn is(standing: Option<&Standing>, version: &VersionId) -> bool {
    standing.is_some_and(|standing| standing.id == *version)
}
