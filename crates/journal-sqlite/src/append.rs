//! One record, inside a transaction.

use jiff::Timestamp;
use keywheel_core::{
    ErrorKind, Fingerprint, Result, RotationId, SecretName,
    journal::Lease,
    rotation::{Event, NewRecord, Outcome, RECORD_FORMAT},
};
use rusqlite::{OptionalExtension, params};

use crate::{
    fault::Fault,
    lease,
    scope::{Refused, Scope},
    state::record_digest,
};

/// A record made ready for the writer by the caller's thread, so that the one writer does not spend its time on JSON.
#[derive(Debug)]
pub(crate) struct Entry {
    lease: Lease,
    rotation: RotationId,
    body: String,
    finish: Option<Finish>,
}

/// What a `Finished` record leaves in `last_rotations`.
#[derive(Debug)]
struct Finish {
    outcome: Outcome,
    at: Timestamp,
    rotated_at: Option<Timestamp>,
    current: Option<Fingerprint>,
}

impl Entry {
    pub(crate) fn new(lease: &Lease, record: &NewRecord) -> std::result::Result<Self, Fault> {
        if record.secret != lease.secret || record.fence != lease.fence {
            return Err(Fault::new(
                ErrorKind::Internal,
                format!(
                    "a record of {} was to be written under the lease of {}",
                    record.secret, lease.secret
                ),
            ));
        }
        let body = serde_json::to_string(record).map_err(|error| {
            Fault::new(ErrorKind::Internal, format!("a record cannot be written as JSON: {error}"))
        })?;
        Ok(Self { lease: lease.clone(), rotation: record.rotation, body, finish: finish(record) })
    }

    /// Writes the record and says its number.
    pub(crate) fn write(&self, scope: &mut Scope<'_>) -> std::result::Result<Result<u64, Refused>, Fault> {
        if let Err(refused) = lease::check(scope, &self.lease)? {
            return Ok(Err(refused));
        }
        let rotation = match self.rotation(scope)? {
            Ok(key) => key,
            Err(refused) => return Ok(Err(refused)),
        };
        let seq = scope.state.seq + 1;
        scope
            .connection
            .prepare_cached(
                "INSERT INTO records (seq, rotation, format, digest, body) VALUES (?1, ?2, ?3, ?4, ?5)",
            )?
            .execute(params![
                seq,
                rotation,
                RECORD_FORMAT,
                record_digest(seq, RECORD_FORMAT, &self.body),
                self.body
            ])?;
        if let Some(finish) = &self.finish {
            finish.write(scope, &self.lease.secret, self.rotation)?;
            scope.state.unfinished = scope.state.unfinished.saturating_sub(1);
        }
        scope.state.seq = seq;
        scope.changed = true;
        Ok(Ok(seq))
    }

    /// Counts the record with its rotation, which begins to exist with the first one.
    fn rotation(&self, scope: &mut Scope<'_>) -> std::result::Result<Result<i64, Refused>, Fault> {
        let id = self.rotation.to_string();
        let secret = self.lease.secret.as_str();
        let finished = self.finish.is_some();
        let counted = scope
            .connection
            .prepare_cached(
                "UPDATE rotations SET records = records + 1, finished = ?3
                 WHERE id = ?1 AND secret = ?2 AND finished = 0 RETURNING key",
            )?
            .query_row(params![id, secret, finished], |row| row.get(0))
            .optional()?;
        if let Some(key) = counted {
            return Ok(Ok(key));
        }
        let known: Option<String> = scope
            .connection
            .prepare_cached("SELECT secret FROM rotations WHERE id = ?1")?
            .query_row(params![id], |row| row.get(0))
            .optional()?;
        match known {
            None => {
                let key = scope
                    .connection
                    .prepare_cached(
                        "INSERT INTO rotations (id, secret, records, finished) VALUES (?1, ?2, 1, ?3)",
                    )?
                    .insert(params![id, secret, finished])?;
                scope.state.unfinished += 1;
                Ok(Ok(key))
            }
            Some(other) if other == secret => Ok(Err(Refused::new(
                ErrorKind::Conflict,
                format!("rotation {id} of {secret} has finished; nothing can be added to it"),
            ))),
            Some(other) => Ok(Err(Refused::new(
                ErrorKind::Conflict,
                format!("rotation {id} belongs to {other}, not to {secret}"),
            ))),
        }
    }
}

/// Numbers of records that were written, and why the next one was not.
type Written = (Vec<u64>, Option<Refused>);

/// Writes one after the other until one is refused. Refused is the whole of it if that is the first.
pub(crate) fn write_all(
    entries: &[Entry],
    scope: &mut Scope<'_>,
) -> std::result::Result<Result<Written, Refused>, Fault> {
    let mut numbers = Vec::with_capacity(entries.len());
    for entry in entries {
        match entry.write(scope)? {
            Ok(seq) => numbers.push(seq),
            Err(refused) if numbers.is_empty() => return Ok(Err(refused)),
            Err(refused) => return Ok(Ok((numbers, Some(refused)))),
        }
    }
    Ok(Ok((numbers, None)))
}

impl Finish {
    fn write(
        &self,
        scope: &Scope<'_>,
        secret: &SecretName,
        rotation: RotationId,
    ) -> std::result::Result<(), Fault> {
        scope
            .connection
            .prepare_cached(
                "INSERT INTO last_rotations (secret, rotation, outcome, finished_at, rotated_at, current)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6)
                 ON CONFLICT (secret) DO UPDATE SET rotation = ?2, outcome = ?3, finished_at = ?4, rotated_at = ?5, current = ?6",
            )?
            .execute(params![
                secret.as_str(),
                rotation.to_string(),
                self.outcome.to_string(),
                self.at.to_string(),
                self.newest_rotated_at(scope, secret)?,
                self.current.map(|current| current.to_string()),
            ])?;
        Ok(())
    }

    /// A rollback does not take back that the value before it was rotated, nor does a clock that was set back.
    fn newest_rotated_at(
        &self,
        scope: &Scope<'_>,
        secret: &SecretName,
    ) -> std::result::Result<Option<String>, Fault> {
        let before: Option<String> = scope
            .connection
            .prepare_cached("SELECT rotated_at FROM last_rotations WHERE secret = ?1")?
            .query_row(params![secret.as_str()], |row| row.get(0))
            .optional()?
            .flatten();
        let Some(now) = self.rotated_at else { return Ok(before) };
        let earlier =
            before.as_deref().is_some_and(|text| text.parse().is_ok_and(|before: Timestamp| before > now));
        Ok(if earlier { before } else { Some(now.to_string()) })
    }
}

fn finish(record: &NewRecord) -> Option<Finish> {
    match &record.event {
        Event::Finished { outcome, rotated_at, current } => {
            Some(Finish { outcome: *outcome, at: record.at, rotated_at: *rotated_at, current: *current })
        }
        Event::Started(_)
        | Event::Begin { .. }
        | Event::Done { .. }
        | Event::Failed { .. }
        | Event::UndoBegan { .. }
        | Event::Parked { .. }
        | Event::Released { .. }
        | Event::OverlapCut { .. }
        | Event::AdoptionVouched { .. } => None,
    }
}
