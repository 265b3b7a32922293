//! Into the world: `stage` and `publish`.

use keywheel_core::{
    CallContext, ErrorKind, Identity, Result, SecretValue, VersionId,
    secret::{Stage, VersionInfo},
};
use zeroize::Zeroizing;

use super::{
    ATTEMPTS, LARGEST_BYTES, LARGEST_JSON, VaultSecret, in_flight, mark_of,
    picture::{Standing, is},
    restless, unknown,
};
use crate::{
    kv::{Found, Kv, time},
    record::{Record, Staged},
};

impl VaultSecret {
    pub(super) async fn stage_value(
        &self,
        context: &CallContext,
        value: &SecretValue,
        identity: Option<&Identity>,
    ) -> Result<VersionInfo> {
        let text = admitted(value)?;
        let mut kv = self.kv("stage", Some(context)).await?;
        let standing = Standing::new(&self.fingerprinter, value.duplicate());
        let mut seen = self.seen_before().filter(|picture| {
            // Only what leads to a write, which is checked: every other answer needs a look of its own.
            picture.record.pending.is_none() && !is_by(&picture.record, context)
        });
        for _ in 0..ATTEMPTS {
            let (version, mut record) = if let Some(picture) = seen.take() {
                (picture.record_version, picture.record)
            } else {
                let Found { version, data, .. } = self.record(&mut kv).await?;
                (version, data.unwrap_or_default())
            };
            if let Some(before) = self.staged_before(&mut kv, context, &record, &standing).await? {
                return Ok(before);
            }
            if let Some(message) = self.short_memory(&mut kv).await? {
                return Err(kv.session.error(ErrorKind::InvalidConfig, message));
            }
            if version == 0 {
                // What was pending once is a credential still: the engine is not to keep it.
                kv.forget_all_but_the_latest(&self.sibling).await?;
            }
            record.pending =
                Some(Staged { value: text.clone(), mark: mark_of(context), identity: identity.cloned() });
            let written = kv.write(&self.sibling, &record, record.len(), version).await?;
            if let Some(written) = written {
                return Ok(VersionInfo {
                    created_at: time(&written.created),
                    mark: Some(mark_of(context)),
                    identity: identity.cloned(),
                    ..standing.bare(Stage::Pending)
                });
            }
            // Somebody was faster: the next look says who.
        }
        Err(restless(&kv))
    }

    /// What `stage` did in an earlier attempt, if it was this rotation and these bytes, whatever has become of it since.
    async fn staged_before(
        &self,
        kv: &mut Kv<'_>,
        context: &CallContext,
        record: &Record,
        standing: &Standing,
    ) -> Result<Option<VersionInfo>> {
        match &record.pending {
            Some(pending) if pending.mark.rotation != context.rotation => {
                return Err(in_flight(kv, &pending.mark));
            }
            Some(_) => {}
            None if is_by(record, context) => {}
            None => return Ok(None),
        }
        let picture = self.picture(kv).await?;
        let versions = picture.versions();
        if let Some(found) = versions
            .by_id(&standing.id)
            .filter(|found| found.mark.as_ref().is_some_and(|mark| mark.rotation == context.rotation))
        {
            return Ok(Some(found.clone()));
        }
        match versions.under_way().find(|(_, mark)| mark.rotation == context.rotation) {
            Some((other, _)) => {
                let message = format!(
                    "this rotation has staged other bytes already, with the fingerprint {}",
                    other.fingerprint
                );
                Err(kv.session.error(ErrorKind::Conflict, message))
            }
            // It was retired since, or somebody wrote over it.
            None => Ok(None),
        }
    }

    /// Without a field for it, the previous version is one that the engine keeps. One that keeps a single version has none
    /// for a rollback.
    async fn short_memory(&self, kv: &mut Kv<'_>) -> Result<Option<String>> {
        if self.place.previous.is_some() {
            return Ok(None);
        }
        let kept = unless_denied(kv.kept(&self.place.path).await)?;
        Ok(kept.is_some_and(|kept| kept.max_versions == 1).then(|| self.keeps_one()))
    }

    fn keeps_one(&self) -> String {
        format!(
            "the engine keeps one version of this path (max_versions), so that there would be none to go back to: \
             `vault kv metadata put -mount={} -max-versions=10 {}`, or say `previous: '{}#previous'` where the entry \
             names the store",
            self.mount, self.place.path, self.place.path
        )
    }

    /// The same for a plan, which has time to ask for the mount's number as well. The engine goes by the larger of the two.
    pub(super) async fn limits(&self) -> Result<Vec<String>> {
        let mut kv = self.kv("find limits", None).await?;
        if self.place.previous.is_some() {
            return Ok(Vec::new());
        }
        let path = unless_denied(kv.kept(&self.place.path).await)?;
        let mount = unless_denied(kv.kept_by_mount().await)?;
        let most = [path, mount].into_iter().flatten().map(|kept| kept.max_versions).max();
        Ok(if most == Some(1) { vec![self.keeps_one()] } else { Vec::new() })
    }

    pub(super) async fn publish_version(&self, context: &CallContext, version: &VersionId) -> Result<()> {
        self.seen_before();
        let mut kv = self.kv("publish", Some(context)).await?;
        let Some(field) = &self.place.next else {
            let message = "this secret has no place for the next version; say `next:` in the inventory";
            return Err(kv.session.error(ErrorKind::Unsupported, message));
        };
        for _ in 0..ATTEMPTS {
            let mut picture = self.picture(&mut kv).await?;
            let there = [picture.next.as_ref(), picture.current.as_ref(), picture.previous()];
            if there.into_iter().any(|place| is(place, version)) {
                return Ok(());
            }
            let Some(pending) = picture.pending.filter(|pending| pending.id == *version) else {
                return Err(unknown(&kv, version));
            };
            if let Some(other) = picture.next {
                let message = format!(
                    "version {} stands as next, and no rotation has it pending; retire it or remove it by hand",
                    other.id
                );
                return Err(kv.session.error(ErrorKind::Conflict, message));
            }
            let operation = kv.session.operation();
            kv.session.sealed(picture.document.put(operation, field, &pending.value))?;
            let len = picture.document.len();
            if kv.write(&self.place.path, &picture.document, len, picture.version).await?.is_some() {
                return Ok(());
            }
        }
        Err(restless(&kv))
    }
}

/// The right to look is worth having, and not worth failing for: `doctor` says so.
fn unless_denied<T>(found: Result<Option<T>>) -> Result<Option<T>> {
    match found {
        Err(error) if error.kind == ErrorKind::PermissionDenied => Ok(None),
        found => found,
    }
}

/// Whether the rotation made what the record has as current or previous.
fn is_by(record: &Record, context: &CallContext) -> bool {
    let known = record.previous.as_ref().map(|displaced| &displaced.known);
    let marks =
        [record.current.as_ref(), known].into_iter().flatten().filter_map(|known| known.mark.as_ref());
    marks.into_iter().any(|mark| mark.rotation == context.rotation)
}

/// The value as text, if a document can hold it.
fn admitted(value: &SecretValue) -> Result<Zeroizing<String>> {
    let refuse = |why: String| keywheel_core::Error::not_applied(ErrorKind::InvalidValue, "stage", why);
    if value.len() > LARGEST_BYTES {
        return Err(refuse(format!("the value has {} bytes, the store takes {LARGEST_BYTES}", value.len())));
    }
    let text = std::str::from_utf8(value.expose_secret())
        .map_err(|_| refuse("the value is no text in UTF-8, and a document holds nothing else".to_owned()))?;
    let json: usize = text.chars().map(|char| if char.is_control() { 6 } else { char.len_utf8() + 1 }).sum();
    if json > LARGEST_JSON && text.chars().any(char::is_control) {
        return Err(refuse("the value has too many control characters for its length".to_owned()));
    }
    Ok(Zeroizing::new(text.to_owned()))
}
