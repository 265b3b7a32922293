//! To current, and back: see the table of writes in [`super`].

use keywheel_core::{CallContext, Error, ErrorKind, Result, VersionId};

use super::{
    ATTEMPTS, VaultSecret,
    picture::{Picture, Standing, is},
    restless, unknown,
};
use crate::{
    kv::{Kv, Written, time},
    record::{Displaced, Known, Record},
};

impl VaultSecret {
    pub(super) async fn promote_version(
        &self,
        context: &CallContext,
        version: &VersionId,
        expected: Option<&VersionId>,
    ) -> Result<()> {
        let mut kv = self.kv("promote", Some(context)).await?;
        let mut seen = self.seen_before().filter(|picture| {
            // Only what leads to a write of the document, which is checked: whoever drops what is pending writes there, too.
            // What was displaced can go without that, and a document that is not there cannot be checked for it.
            let pending = is(picture.pending.as_ref(), version) && !is(picture.previous(), version);
            let expects = expected.is_some_and(|expected| is(picture.current.as_ref(), expected));
            pending && expects && expected != Some(version) && !picture.is_behind()
        });
        for _ in 0..ATTEMPTS {
            let mut picture = match seen.take() {
                Some(picture) => picture,
                None => self.picture(&mut kv).await?,
            };
            if is(picture.current.as_ref(), version) {
                if self.settle(&mut kv, &picture).await? {
                    return Ok(());
                }
                continue;
            }
            let ahead = [picture.pending.as_ref(), picture.next.as_ref(), picture.previous()];
            let Some(chosen) = ahead.into_iter().flatten().find(|standing| standing.id == *version) else {
                return Err(unknown(&kv, version));
            };
            let current = picture.current.as_ref().map(|current| &current.id);
            if current != expected {
                return Err(other_current(&kv, current, expected));
            }
            let chosen = chosen.value.duplicate();
            let operation = kv.session.operation();
            let mut document = std::mem::take(&mut picture.document);
            kv.session.sealed(document.put(operation, &self.place.field, &chosen))?;
            if let Some(field) = self.place.next.as_ref().filter(|_| is(picture.next.as_ref(), version)) {
                document.remove(field);
            }
            match (&self.place.previous, &picture.current) {
                (Some(field), Some(displaced)) => {
                    kv.session.sealed(document.put(operation, field, &displaced.value))?;
                }
                (Some(field), None) if is(picture.previous(), version) => document.remove(field),
                (Some(_) | None, _) => {}
            }
            let len = document.len();
            let written = kv.write(&self.place.path, &document, len, picture.version).await?;
            // Perhaps only another field was changed: look again.
            let Some(written) = written else { continue };
            let record = after(&picture, version, &written);
            let settled = kv.write(&self.sibling, &record, record.len(), picture.record_version).await?;
            if settled.is_some() {
                return Ok(());
            }
        }
        Err(restless(&kv))
    }

    /// Brings the record up to what stands, if a crash left it behind; false if somebody changed it at that moment.
    async fn settle(&self, kv: &mut Kv<'_>, picture: &Picture) -> Result<bool> {
        let record = picture.settled();
        let Record { pending, current, previous, .. } = &picture.record;
        let same = record.pending.is_some() == pending.is_some()
            && record.current == *current
            && record.previous == *previous;
        if same {
            return Ok(true);
        }
        let written = kv.write(&self.sibling, &record, record.len(), picture.record_version).await?;
        Ok(written.is_some())
    }
}

/// The record once `version` is current.
fn after(picture: &Picture, version: &VersionId, written: &Written) -> Record {
    let mut record = picture.record.duplicate();
    record.current = Some(Known { since: time(&written.created), ..picture.known(version) });
    record.pending.take_if(|_| is(picture.pending.as_ref(), version));
    match (&picture.current, &picture.created) {
        (Some(Standing { id, .. }), Some(created)) => {
            let (known, created) = (picture.known(id), created.clone());
            record.previous = Some(Displaced { version: picture.version, created, known });
        }
        (Some(_) | None, _) => {
            record.previous.take_if(|displaced| displaced.known.id == *version);
        }
    }
    record
}

fn other_current(kv: &Kv<'_>, current: Option<&VersionId>, expected: Option<&VersionId>) -> Error {
    let word = |id: Option<&VersionId>| id.map_or_else(|| "none".to_owned(), ToString::to_string);
    let message = format!(
        "somebody else changed the current version: it is {}, and was to be {}",
        word(current),
        word(expected)
    );
    kv.session.error(ErrorKind::Conflict, message)
}
