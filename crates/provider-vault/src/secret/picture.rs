//! What stands where, at one moment.

use keywheel_core::{
    ErrorKind, Fingerprint, Fingerprinter, Result, SecretValue, VersionId,
    secret::{Stage, VersionInfo, Versions},
};

use super::VaultSecret;
use crate::{
    kv::{Document, Found, Kv, time},
    place::Place,
    record::{Displaced, Known, Record},
};

/// How far below the latest version the one that a promotion displaced is looked for: others may have changed other fields
/// since.
const DEPTH: u64 = 16;

/// A version in its place.
pub(super) struct Standing {
    pub(super) id: VersionId,
    pub(super) value: SecretValue,
    fingerprint: Fingerprint,
}

/// What was displaced, and the engine's version in which it stands, if it was looked for there.
pub(super) struct Previous {
    pub(super) standing: Standing,
    pub(super) at: Option<(u64, String)>,
}

/// Every place of one secret.
pub(super) struct Picture {
    pub(super) record: Record,
    /// The record's version, for the check of a write.
    pub(super) record_version: u64,
    record_created: Option<String>,
    pub(super) document: Document,
    /// The document's version, for the check of a write.
    pub(super) version: u64,
    pub(super) created: Option<String>,
    pub(super) pending: Option<Standing>,
    pub(super) next: Option<Standing>,
    pub(super) current: Option<Standing>,
    pub(super) previous: Option<Previous>,
    /// The document has no fields but this secret's.
    alone: bool,
}

impl VaultSecret {
    pub(super) async fn record(&self, kv: &mut Kv<'_>) -> Result<Found<Record>> {
        let found: Found<Record> = kv.read(&self.sibling, None).await?;
        let operation = kv.session.operation();
        let data = found.data.map(|record| record.checked(operation)).transpose();
        Ok(Found { data: kv.session.sealed(data)?, ..found })
    }

    /// Reads every place. The record first: a version moves from there to where consumers see it, so one that is on its way
    /// is seen twice rather than not at all.
    pub(super) async fn picture(&self, kv: &mut Kv<'_>) -> Result<Picture> {
        let record = self.record(kv).await?;
        let found: Found<Document> = kv.read(&self.place.path, None).await?;
        let document = found.data.unwrap_or_default();
        let Place { field, next, previous, .. } = &self.place;
        let own = [Some(field.as_str()), next.as_deref(), previous.as_deref()];
        let mut picture = Picture {
            record_version: record.version,
            record_created: record.created,
            version: found.version,
            created: found.created,
            pending: None,
            next: self.shown(kv, &document, next.as_deref())?,
            current: self.standing_in(kv, &document, field)?,
            previous: None,
            alone: !document.has_others(&own),
            document,
            record: record.data.unwrap_or_default(),
        };
        picture.pending = picture.record.pending.as_ref().map(|staged| {
            Standing::new(&self.fingerprinter, SecretValue::copy_from(staged.value.as_bytes()))
        });
        picture.previous = match previous {
            Some(field) => self
                .shown(kv, &picture.document, Some(field))?
                .map(|standing| Previous { standing, at: None }),
            None => self.older(kv, &picture).await?,
        };
        Ok(picture)
    }

    fn standing_in(&self, kv: &Kv<'_>, document: &Document, field: &str) -> Result<Option<Standing>> {
        let text = kv.session.sealed(document.text(kv.session.operation(), field))?;
        Ok(text.map(|value| Standing::new(&self.fingerprinter, value)))
    }

    /// An empty field beside the current one is a place that somebody prepared.
    fn shown(&self, kv: &Kv<'_>, document: &Document, field: Option<&str>) -> Result<Option<Standing>> {
        let Some(field) = field else { return Ok(None) };
        Ok(self.standing_in(kv, document, field)?.filter(|standing| !standing.value.is_empty()))
    }

    /// The previous version, as the engine keeps it: where the record says, or where it must be if the record is behind.
    async fn older(&self, kv: &mut Kv<'_>, picture: &Picture) -> Result<Option<Previous>> {
        if picture.is_behind() {
            return self.just_displaced(kv, picture).await;
        }
        let Some(Displaced { version, created, .. }) = &picture.record.previous else { return Ok(None) };
        let found: Found<Document> = kv.read(&self.place.path, Some(*version)).await?;
        let Some(document) = found.data.filter(|_| found.created.as_ref() == Some(created)) else {
            return Ok(None);
        };
        let standing = self.standing_in(kv, &document, &self.place.field)?;
        Ok(standing.map(|standing| Previous { standing, at: Some((*version, created.clone())) }))
    }

    /// The newest version below the latest one with another value.
    async fn just_displaced(&self, kv: &mut Kv<'_>, picture: &Picture) -> Result<Option<Previous>> {
        let newest = picture.version.saturating_sub(1);
        let mut number = newest;
        while number > newest.saturating_sub(DEPTH) {
            let found: Found<Document> = kv.read(&self.place.path, Some(number)).await?;
            let (Some(document), Some(created)) = (found.data, found.created) else { return Ok(None) };
            let Some(standing) = self.standing_in(kv, &document, &self.place.field)? else { return Ok(None) };
            if !is(picture.current.as_ref(), &standing.id) {
                return Ok(Some(Previous { standing, at: Some((number, created)) }));
            }
            number -= 1;
        }
        Ok(None)
    }

    pub(super) async fn all_versions(&self) -> Result<Versions> {
        self.seen_before();
        let mut kv = self.kv("look at versions", None).await?;
        let picture = self.picture(&mut kv).await?;
        let versions = picture.versions();
        self.remember(picture);
        Ok(versions)
    }

    pub(super) async fn value(&self, stage: Stage) -> Result<SecretValue> {
        let mut kv = self.kv("read version", None).await?;
        let found = match stage {
            Stage::Current => {
                let found: Found<Document> = kv.read(&self.place.path, None).await?;
                self.standing_in(&kv, &found.data.unwrap_or_default(), &self.place.field)?
                    .map(|standing| standing.value)
            }
            Stage::Pending if self.place.next.is_none() => {
                let record = self.record(&mut kv).await?.data;
                let pending = record.as_ref().and_then(|record| record.pending.as_ref());
                pending.map(|pending| SecretValue::copy_from(pending.value.as_bytes()))
            }
            Stage::Pending | Stage::Next | Stage::Previous => self.picture(&mut kv).await?.take(stage),
        };
        found.ok_or_else(|| kv.session.error(ErrorKind::NotFound, format!("there is no {stage} version")))
    }
}

impl Standing {
    pub(super) fn new(fingerprinter: &Fingerprinter, value: SecretValue) -> Self {
        let fingerprint = fingerprinter.of(&value);
        Self { id: VersionId::new(fingerprint.to_string()), value, fingerprint }
    }

    /// Without what only the record knows.
    pub(super) fn bare(&self, stage: Stage) -> VersionInfo {
        VersionInfo {
            id: self.id.clone(),
            stage,
            fingerprint: self.fingerprint,
            created_at: None,
            mark: None,
            identity: None,
        }
    }

    fn info(&self, stage: Stage, known: Known) -> VersionInfo {
        let Known { mark, identity, since, id: _ } = known;
        VersionInfo { created_at: since, mark, identity, ..self.bare(stage) }
    }
}

impl Picture {
    /// Whether a promotion came to its first write and not to its second: what was pending or displaced is current, and the
    /// record says of it that it is not.
    pub(super) fn is_behind(&self) -> bool {
        let Some(Standing { id, .. }) = &self.current else { return false };
        let Record { current, previous, .. } = &self.record;
        let noted = current.as_ref().is_some_and(|known| known.id == *id);
        let displaced = previous.as_ref().is_some_and(|displaced| displaced.known.id == *id);
        !noted && (displaced || is(self.pending.as_ref(), id))
    }

    /// Whose the version is and since when, if the record has it.
    pub(super) fn known(&self, id: &VersionId) -> Known {
        let Record { pending, current, previous, .. } = &self.record;
        let staged = pending.as_ref().filter(|_| is(self.pending.as_ref(), id)).map(|pending| Known {
            id: id.clone(),
            mark: Some(pending.mark.clone()),
            identity: pending.identity.clone(),
            since: self.record_created.as_deref().and_then(time),
        });
        let current = current.as_ref().filter(|known| known.id == *id).cloned();
        let previous = previous.as_ref().map(|displaced| &displaced.known);
        let previous = previous.filter(|known| known.id == *id).cloned();
        let nothing = Known { id: id.clone(), mark: None, identity: None, since: None };
        staged.or(current).or(previous).unwrap_or(nothing)
    }

    /// What is pending is not reported when the same bytes stand as `next`: it then only keeps the mark for them.
    pub(super) fn versions(&self) -> Versions {
        let mut versions = Vec::with_capacity(Stage::ALL.len());
        let pending = self.pending.as_ref().filter(|_| !self.is_published());
        versions.extend(pending.map(|pending| pending.info(Stage::Pending, self.known(&pending.id))));
        versions.extend(self.next.as_ref().map(|next| next.info(Stage::Next, self.known(&next.id))));
        if let Some(current) = &self.current {
            let mut known = self.known(&current.id);
            if known.since.is_none() && self.alone {
                // The document is as old as its only field.
                known.since = self.created.as_deref().and_then(time);
            }
            versions.push(current.info(Stage::Current, known));
        }
        if let Some(Previous { standing, .. }) = &self.previous {
            versions.push(standing.info(Stage::Previous, self.known(&standing.id)));
        }
        Versions(versions)
    }

    /// Whether what is pending stands as `next`.
    pub(super) fn is_published(&self) -> bool {
        self.pending.as_ref().is_some_and(|pending| is(self.next.as_ref(), &pending.id))
    }

    pub(super) fn previous(&self) -> Option<&Standing> {
        self.previous.as_ref().map(|previous| &previous.standing)
    }

    fn take(self, stage: Stage) -> Option<SecretValue> {
        let published = self.is_published();
        let standing = match stage {
            Stage::Pending => self.pending.filter(|_| !published),
            Stage::Next => self.next,
            Stage::Current => self.current,
            Stage::Previous => self.previous.map(|previous| previous.standing),
        };
        standing.map(|standing| standing.value)
    }

    /// The record as it is once nothing is behind.
    pub(super) fn settled(&self) -> Record {
        let mut record = self.record.duplicate();
        let Some(Standing { id, .. }) = &self.current else { return record };
        let staged = is(self.pending.as_ref(), id);
        if staged || self.is_behind() {
            let since = self.created.as_deref().and_then(time);
            record.current = Some(Known { since, ..self.known(id) });
        }
        if self.is_behind() {
            record.previous = self.displaced();
        }
        record.pending.take_if(|_| staged);
        record
    }

    fn displaced(&self) -> Option<Displaced> {
        let Previous { standing, at } = self.previous.as_ref()?;
        let (version, created) = at.clone()?;
        Some(Displaced { version, created, known: self.known(&standing.id) })
    }
}

/// Whether the version in a place is `version`.
pub(super) fn is(standing: Option<&Standing>, version: &VersionId) -> bool {
    standing.is_some_and(|standing| standing.id == *version)
}
