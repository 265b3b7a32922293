//! Out of the world.

use keywheel_core::{Error, ErrorKind, Result, VersionId, secret::Stage};

use super::{Places, picture::is, promote};
use crate::{
    files::after,
    shelf::{Applied, Change, Changes, Shelf},
};

impl<S: Shelf> Places<S> {
    pub(super) fn retire(&self, version: &VersionId) -> Result<()> {
        let picture = self.picture()?;
        let hidden_previous = !self.shelf.has_previous() && is(picture.previous.as_ref(), version);
        let visible_previous = self.shelf.has_previous() && is(picture.previous.as_ref(), version);
        let next = is(picture.next.as_ref(), version);
        let pending = picture.pending_is(version);
        if !(hidden_previous || visible_previous || next || pending) {
            if is(picture.current.as_ref(), version) {
                let message = format!("version {version} is current");
                return Err(Error::not_applied(ErrorKind::Conflict, "retire", message));
            }
            return self.still_absent();
        }
        let mut touched = false;
        if visible_previous || next {
            self.clear(version)?;
            touched = true;
        }
        if hidden_previous {
            self.aside.remove(&self.roots.aside, Stage::Previous).map_err(|error| after(touched, error))?;
            touched = true;
        }
        // Last, for it has the mark: as long as anything is left of the rotation, it says whose it is.
        if pending {
            self.aside.remove(&self.roots.aside, Stage::Pending).map_err(|error| after(touched, error))?;
        }
        Ok(())
    }

    fn clear(&self, version: &VersionId) -> Result<()> {
        let _held = self.shelf.exclusive()?;
        for _ in 0..promote::ATTEMPTS {
            let picture = self.picture()?;
            let here = |standing| if is(standing, version) { Change::Clear } else { Change::Keep };
            let previous =
                if self.shelf.has_previous() { here(picture.previous.as_ref()) } else { Change::Keep };
            let changes = Changes { current: None, next: here(picture.next.as_ref()), previous };
            match self.shelf.apply(&picture.basis, &changes)? {
                Applied::Done => return Ok(()),
                Applied::Raced { .. } => {}
            }
        }
        Err(promote::restless("retire"))
    }

    /// An earlier attempt may have removed it and failed at its `fsync`: then a power failure could bring it back.
    fn still_absent(&self) -> Result<()> {
        self.shelf.sync()?;
        self.aside.sync(&self.roots.aside, Stage::Previous)?;
        self.aside.sync(&self.roots.aside, Stage::Pending)
    }
}
