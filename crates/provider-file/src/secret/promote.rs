//! To current, and back: see the table of steps in [`super`].

use keywheel_core::{
    Error, ErrorKind, Result, VersionId,
    secret::{RotationMark, Stage},
};

use super::{
    Places, in_flight,
    picture::{Picture, Standing, is},
    unknown,
};
use crate::{
    directory::Expected,
    files::after,
    shelf::{Applied, Change, Changes, Shelf},
};

/// How often a change is tried again when another part of the file was changed in between.
pub(super) const ATTEMPTS: usize = 16;

impl<S: Shelf> Places<S> {
    pub(super) fn promote(
        &self,
        mark: &RotationMark,
        version: &VersionId,
        expected: Option<&VersionId>,
    ) -> Result<()> {
        let mut touched = false;
        let leftover = self.replace_current(mark, version, expected, &mut touched)?;
        // Outside the lock: nobody else writes this secret's own files.
        for stage in leftover.into_iter().flatten() {
            self.aside.remove(&self.roots.aside, stage).map_err(|error| after(touched, error))?;
            touched = true;
        }
        Ok(())
    }

    /// All but the last steps; returns the hidden places that hold what is current now.
    fn replace_current(
        &self,
        mark: &RotationMark,
        version: &VersionId,
        expected: Option<&VersionId>,
        touched: &mut bool,
    ) -> Result<[Option<Stage>; 2]> {
        let _held = self.shelf.exclusive()?;
        for _ in 0..ATTEMPTS {
            let picture = self.picture().map_err(|error| after(*touched, error))?;
            let pending = picture.pending_is(version).then_some(Stage::Pending);
            let hidden_previous = (!self.shelf.has_previous() && is(picture.previous.as_ref(), version))
                .then_some(Stage::Previous);
            if is(picture.current.as_ref(), version) {
                match self.tidy(&picture, version).map_err(|error| after(*touched, error))? {
                    Applied::Done => return Ok([hidden_previous, pending]),
                    Applied::Raced { .. } => continue,
                }
            }
            let chosen =
                find(&picture, version).ok_or_else(|| after(*touched, unknown("promote", version)))?;
            let current = picture.current.as_ref().map(|current| &current.id);
            if current != expected {
                return Err(after(*touched, other_current(current, expected)));
            }
            let (moved, leftover) = match chosen {
                // What was displaced has taken the place of `previous`.
                From::Ahead(chosen) if current.is_some() => {
                    (self.forward(mark, &picture, chosen, touched)?, [None, pending])
                }
                From::Ahead(chosen) => {
                    (self.forward(mark, &picture, chosen, touched)?, [hidden_previous, pending])
                }
                From::Previous(chosen) => {
                    (self.back(mark, &picture, chosen, touched)?, [hidden_previous, None])
                }
            };
            match moved {
                Applied::Done => {
                    *touched = true;
                    return Ok(leftover);
                }
                Applied::Raced { touched: now } => *touched |= now,
            }
        }
        Err(after(*touched, restless("promote")))
    }

    /// `previous = current`, `current = chosen`, and `chosen` no longer `next`.
    fn forward(
        &self,
        mark: &RotationMark,
        picture: &Picture<S::Basis>,
        chosen: &Standing,
        touched: &mut bool,
    ) -> Result<Applied> {
        let mut changes = Changes { current: Some(&chosen.value), ..Changes::default() };
        if is(picture.next.as_ref(), &chosen.id) {
            changes.next = Change::Clear;
        }
        if self.shelf.has_previous() && is(picture.previous.as_ref(), &chosen.id) {
            changes.previous = Change::Clear;
        }
        if let Some(displaced) = &picture.current {
            if self.shelf.has_previous() {
                changes.previous = Change::Put(&displaced.value);
            } else {
                let hidden = (mark, None);
                self.aside
                    .write(&self.roots.aside, Stage::Previous, hidden, &displaced.value, Expected::Anything)
                    .map_err(|error| after(*touched, error))?;
                *touched = true;
            }
        }
        self.shelf.apply(&picture.basis, &changes).map_err(|error| after(*touched, error))
    }

    /// `pending` and `next` take what is current, `current = chosen`, and `chosen` no longer `previous`.
    fn back(
        &self,
        mark: &RotationMark,
        picture: &Picture<S::Basis>,
        chosen: &Standing,
        touched: &mut bool,
    ) -> Result<Applied> {
        let mut changes =
            Changes { current: Some(&chosen.value), previous: Change::Clear, ..Changes::default() };
        if let Some(displaced) = &picture.current {
            match &picture.pending {
                None => {
                    self.aside
                        .write(
                            &self.roots.aside,
                            Stage::Pending,
                            (mark, None),
                            &displaced.value,
                            Expected::Absent,
                        )
                        .map_err(|error| after(*touched, error))?;
                    *touched = true;
                }
                Some(pending) if pending.standing.id == displaced.id => {
                    self.aside
                        .sync(&self.roots.aside, Stage::Pending)
                        .map_err(|error| after(*touched, error))?;
                }
                Some(pending) => return Err(after(*touched, in_flight("promote", &pending.mark))),
            }
            if self.shelf.has_next() {
                let free = picture.next.as_ref().is_none_or(|next| next.value.is_empty());
                if !free && !is(picture.next.as_ref(), &displaced.id) {
                    return Err(after(*touched, next_taken(picture)));
                }
                changes.next = Change::Put(&displaced.value);
            }
        }
        self.shelf.apply(&picture.basis, &changes).map_err(|error| after(*touched, error))
    }

    /// What a crash left between the replacement of `current` and the end.
    fn tidy(&self, picture: &Picture<S::Basis>, version: &VersionId) -> Result<Applied> {
        // Whoever made it current may not have come to the `fsync`.
        self.shelf.sync()?;
        let stale = |place: Option<&Standing>| if is(place, version) { Change::Clear } else { Change::Keep };
        let changes = Changes {
            current: None,
            next: stale(picture.next.as_ref()),
            previous: if self.shelf.has_previous() { stale(picture.previous.as_ref()) } else { Change::Keep },
        };
        match (changes.next, changes.previous) {
            (Change::Keep, Change::Keep) => Ok(Applied::Done),
            (Change::Clear | Change::Put(_), _) | (_, Change::Clear | Change::Put(_)) => {
                self.shelf.apply(&picture.basis, &changes)
            }
        }
    }
}

enum From<'p> {
    /// Pending or next.
    Ahead(&'p Standing),
    /// The way back.
    Previous(&'p Standing),
}

fn find<'p, B>(picture: &'p Picture<B>, version: &VersionId) -> Option<From<'p>> {
    let pending = picture.pending.as_ref().map(|pending| &pending.standing);
    let matching = |place: Option<&'p Standing>| place.filter(|standing| standing.id == *version);
    matching(pending)
        .or(matching(picture.next.as_ref()))
        .map(From::Ahead)
        .or(matching(picture.previous.as_ref()).map(From::Previous))
}

fn other_current(current: Option<&VersionId>, expected: Option<&VersionId>) -> Error {
    let word = |id: Option<&VersionId>| id.map_or_else(|| "none".to_owned(), ToString::to_string);
    let message = format!(
        "somebody else changed the current version: it is {}, and was to be {}",
        word(current),
        word(expected)
    );
    Error::not_applied(ErrorKind::Conflict, "promote", message)
}

fn next_taken<B>(picture: &Picture<B>) -> Error {
    let other = picture.next.as_ref().map_or_else(String::new, |next| next.id.to_string());
    let message =
        format!("version {other} stands as next, where the displaced version has to go; retire it first");
    Error::not_applied(ErrorKind::Conflict, "promote", message)
}

/// Somebody writes the file all the time.
pub(super) fn restless(operation: &'static str) -> Error {
    let message = format!("the file was changed by somebody else {ATTEMPTS} times in a row");
    Error::not_applied(ErrorKind::Unavailable, operation, message)
}
