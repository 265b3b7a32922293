//! Into the world: `stage` and `publish`.

use keywheel_core::{
    Error, ErrorKind, Identity, Result, SecretValue, VersionId,
    secret::{RotationMark, Stage, VersionInfo},
};

use super::{Places, in_flight, picture::is, unknown};
use crate::{
    aside::written_at,
    directory::{Expected, FileState},
    shelf::{Applied, Change, Changes, Shelf},
};

impl<S: Shelf> Places<S> {
    pub(super) fn stage(
        &self,
        mark: &RotationMark,
        value: &SecretValue,
        identity: Option<&Identity>,
    ) -> Result<VersionInfo> {
        if value.len() > self.shelf.max_bytes() {
            let message =
                format!("the value has {} bytes, the store takes {}", value.len(), self.shelf.max_bytes());
            return Err(Error::not_applied(ErrorKind::InvalidValue, "stage", message));
        }
        self.shelf.admit(value)?;
        if let Some(staged) = self.staged_before(mark, value)? {
            return Ok(staged);
        }
        let written =
            self.aside.write(&self.roots.aside, Stage::Pending, (mark, identity), value, Expected::Absent);
        match written {
            Ok(state) => Ok(self.staged(mark, value, identity, &state)),
            Err(error) if error.kind == ErrorKind::Conflict => {
                // Somebody was faster: name them.
                self.staged_before(mark, value)?.ok_or(error)
            }
            Err(error) => Err(error),
        }
    }

    fn staged(
        &self,
        mark: &RotationMark,
        value: &SecretValue,
        identity: Option<&Identity>,
        state: &FileState,
    ) -> VersionInfo {
        let fingerprint = self.fingerprinter.of(value);
        VersionInfo {
            id: VersionId::new(fingerprint.to_string()),
            stage: Stage::Pending,
            fingerprint,
            created_at: written_at(state),
            mark: Some(mark.clone()),
            identity: identity.cloned(),
        }
    }

    /// What `stage` did in an earlier attempt, if it was this rotation and these bytes.
    fn staged_before(&self, mark: &RotationMark, value: &SecretValue) -> Result<Option<VersionInfo>> {
        let Some(pending) = self.pending()? else { return Ok(None) };
        if pending.mark.rotation != mark.rotation {
            return Err(in_flight("stage", &pending.mark));
        }
        if !pending.standing.value.same_as(value) {
            let message = format!(
                "this rotation has staged other bytes already, with the fingerprint {}",
                pending.standing.fingerprint
            );
            return Err(Error::not_applied(ErrorKind::Conflict, "stage", message));
        }
        // The earlier attempt may have failed at its last `fsync`.
        self.aside.sync(&self.roots.aside, Stage::Pending)?;
        let published = self.shelf.has_next() && self.picture()?.is_published();
        Ok(Some(pending.info(if published { Stage::Next } else { Stage::Pending })))
    }

    pub(super) fn publish(&self, version: &VersionId) -> Result<()> {
        if !self.shelf.has_next() {
            let message = "this secret has no place for the next version; say `next:` in the inventory";
            return Err(Error::not_applied(ErrorKind::Unsupported, "publish", message));
        }
        let _held = self.shelf.exclusive()?;
        for _ in 0..super::promote::ATTEMPTS {
            let picture = self.picture()?;
            let there = [&picture.next, &picture.current, &picture.previous];
            if there.into_iter().any(|place| is(place.as_ref(), version)) {
                return self.shelf.sync();
            }
            let Some(pending) = picture.pending.filter(|pending| pending.standing.id == *version) else {
                return Err(unknown("publish", version));
            };
            // An empty place is one that somebody prepared.
            if let Some(other) = picture.next.filter(|next| !next.value.is_empty()) {
                let message = format!(
                    "version {} stands as next, and no rotation has it pending; retire it or remove it by hand",
                    other.id
                );
                return Err(Error::not_applied(ErrorKind::Conflict, "publish", message));
            }
            let next = Change::Put(&pending.standing.value);
            match self.shelf.apply(&picture.basis, &Changes { next, ..Changes::default() })? {
                Applied::Done => return Ok(()),
                Applied::Raced { .. } => {}
            }
        }
        Err(super::promote::restless("publish"))
    }
}
