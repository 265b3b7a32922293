//! Out of the world.

use keywheel_core::{CallContext, ErrorKind, Result, VersionId};

use super::{
    ATTEMPTS, VaultSecret,
    picture::{Picture, is},
    restless,
};
use crate::{
    kv::{Document, Found, Kv},
    record::Displaced,
};

impl VaultSecret {
    pub(super) async fn retire_version(&self, context: &CallContext, version: &VersionId) -> Result<()> {
        let mut kv = self.kv("retire", Some(context)).await?;
        let mut seen = self.seen_before().filter(|picture| {
            // Only what leads to a write, which is checked: every other answer needs a look of its own.
            let [pending, previous] =
                [picture.pending.as_ref(), picture.previous()].map(|place| is(place, version));
            (pending || previous) && !picture.is_behind() && !is(picture.current.as_ref(), version)
        });
        for _ in 0..ATTEMPTS {
            let mut picture = match seen.take() {
                Some(picture) => picture,
                None => self.picture(&mut kv).await?,
            };
            if is(picture.current.as_ref(), version) {
                let message = format!("version {version} is current");
                return Err(kv.session.error(ErrorKind::Conflict, message));
            }
            if !self.clear_fields(&mut kv, &mut picture, version).await? {
                continue;
            }
            if is(picture.pending.as_ref(), version) && !self.bar(&mut kv, &picture).await? {
                continue;
            }
            if let Some(number) = self.number_of(&mut kv, &picture, version).await? {
                kv.destroy(&self.place.path, number).await?;
            }
            // Last, for it has the mark: as long as anything is left of the rotation, it says whose it is.
            let mut record = picture.settled();
            let pending = record.pending.take_if(|_| is(picture.pending.as_ref(), version)).is_some();
            let previous = record.previous.take_if(|displaced| displaced.known.id == *version).is_some();
            let gone = is(picture.previous(), version);
            if !(pending || previous || gone) {
                return Ok(());
            }
            let written = kv.write(&self.sibling, &record, record.len(), picture.record_version).await?;
            if written.is_some() {
                return Ok(());
            }
        }
        Err(restless(&kv))
    }

    /// Takes the version from the fields that consumers see; false if somebody changed the document at that moment.
    async fn clear_fields(
        &self,
        kv: &mut Kv<'_>,
        picture: &mut Picture,
        version: &VersionId,
    ) -> Result<bool> {
        let next = self.place.next.as_ref().filter(|_| is(picture.next.as_ref(), version));
        let previous = self.place.previous.as_ref().filter(|_| is(picture.previous(), version));
        let fields: Vec<_> = next.into_iter().chain(previous).collect();
        if fields.is_empty() {
            return Ok(true);
        }
        for field in fields {
            picture.document.remove(field);
        }
        let len = picture.document.len();
        Ok(kv.write(&self.place.path, &picture.document, len, picture.version).await?.is_some())
    }

    /// What is dropped while it is pending never becomes current again: a promotion of it that is under way, or arrives late, is
    /// checked against the document's version, so the document gets another one with the same fields. False if somebody
    /// changed it at that moment.
    async fn bar(&self, kv: &mut Kv<'_>, picture: &Picture) -> Result<bool> {
        // A first value's promotion writes a document that is not there, and looks before it does. One that stands in a field
        // as well was taken from there, which made another version.
        if picture.current.is_none() || picture.is_published() {
            return Ok(true);
        }
        let (document, len) = (&picture.document, picture.document.len());
        match kv.write(&self.place.path, document, len, picture.version).await {
            // Nobody with this token has a promotion under way.
            Err(error) if error.kind == ErrorKind::PermissionDenied => Ok(true),
            written => Ok(written?.is_some()),
        }
    }

    /// The engine's number of the version that a promotion displaced, if it is this one and still there. No other secret in
    /// the document can need it: each number was displaced by one promotion of one of them.
    async fn number_of(
        &self,
        kv: &mut Kv<'_>,
        picture: &Picture,
        version: &VersionId,
    ) -> Result<Option<u64>> {
        if let Some((number, _)) = picture.previous.as_ref().and_then(|previous| previous.at.as_ref()) {
            return Ok(is(picture.previous(), version).then_some(*number));
        }
        let noted = picture.record.previous.as_ref().filter(|displaced| displaced.known.id == *version);
        let Some(Displaced { version: number, created, .. }) = noted else { return Ok(None) };
        let found: Found<Document> = kv.read(&self.place.path, Some(*number)).await?;
        let there = found.data.is_some() && found.created.as_ref() == Some(created);
        Ok(there.then_some(*number))
    }
}
