//! What other tables repeat of the records, held against them.
//!
//! Records carry digests; the rows that make questions fast do not. A bit that flips in a rotation's row, in the summary of
//! a secret's last rotation or in a fence would otherwise be believed.

use std::collections::HashMap;

use keywheel_core::{
    Fence, Result, RotationId, SecretName,
    journal::LastRotation,
    rotation::{Event, NewRecord},
};
use rusqlite::Connection;

use crate::{
    fault::Fault,
    integrity::Verified,
    query::{self, RawRecord, damaged},
};

/// A rotation, as its records or its row tell it.
#[derive(Debug, PartialEq, Eq)]
struct Rotation {
    id: RotationId,
    secret: SecretName,
    records: u64,
    finished: bool,
}

/// What all records together say.
#[derive(Default)]
struct Told {
    records: u64,
    rotations: HashMap<i64, Rotation>,
    last: HashMap<SecretName, LastRotation>,
    fences: HashMap<SecretName, Fence>,
}

/// Reads every record, and compares.
pub(crate) fn check(connection: &Connection) -> Result<Verified, Fault> {
    let told = Told::by_records(connection)?;
    check_rotations(connection, &told)?;
    check_last(connection, &told)?;
    check_fences(connection, &told)?;
    Ok(Verified { records: told.records, rotations: told.rotations.len() as u64 })
}

impl Told {
    fn by_records(connection: &Connection) -> Result<Self, Fault> {
        let mut told = Self::default();
        let mut statement =
            connection.prepare("SELECT seq, format, digest, body, rotation FROM records ORDER BY seq")?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let record = RawRecord::from_row(row)?.parse(connection)?;
            told.add(row.get(4)?, record.seq, record.body)?;
        }
        Ok(told)
    }

    fn add(&mut self, key: i64, seq: u64, record: NewRecord) -> Result<(), Fault> {
        self.records += 1;
        let NewRecord { rotation: id, secret, at, fence, event } = record;
        let rotation = self.rotations.entry(key).or_insert_with(|| Rotation {
            id,
            secret: secret.clone(),
            records: 0,
            finished: false,
        });
        if rotation.id != id || rotation.secret != secret || rotation.finished {
            return Err(damaged(format_args!(
                "record {seq} does not belong to rotation {} of `{}`",
                rotation.id, rotation.secret
            )));
        }
        rotation.records += 1;
        if let Event::Finished { outcome, rotated_at, current } = event {
            rotation.finished = true;
            let before = self.last.get(&secret).and_then(|last| last.rotated_at);
            // As it is written: an older time does not take the place of a newer one.
            let rotated_at = rotated_at.max(before);
            let last = LastRotation {
                secret: secret.clone(),
                rotation: id,
                outcome,
                finished_at: at,
                rotated_at,
                current,
            };
            self.last.insert(secret.clone(), last);
        }
        let newest = self.fences.entry(secret).or_insert(fence);
        *newest = fence.max(*newest);
        Ok(())
    }
}

fn check_rotations(connection: &Connection, told: &Told) -> Result<(), Fault> {
    let mut statement = connection.prepare("SELECT key, id, secret, records, finished FROM rotations")?;
    let mut rows = statement.query([])?;
    let mut found = 0;
    while let Some(row) = rows.next()? {
        let key: i64 = row.get(0)?;
        let id: String = row.get(1)?;
        let secret: String = row.get(2)?;
        let written = Rotation {
            id: id.parse().map_err(|_| damaged(format_args!("`{id}` is no rotation")))?,
            secret: SecretName::from(secret.as_str()),
            records: row.get(3)?,
            finished: row.get(4)?,
        };
        match told.rotations.get(&key) {
            Some(told) if *told == written => found += 1,
            Some(_) | None => {
                return Err(damaged(format_args!(
                    "what it says of rotation {id} is not what its records say"
                )));
            }
        }
    }
    if found == told.rotations.len() {
        Ok(())
    } else {
        Err(damaged("a rotation that has records is missing"))
    }
}

fn check_last(connection: &Connection, told: &Told) -> Result<(), Fault> {
    let written = query::last_rotations(connection)?;
    let differs = written.iter().find(|last| told.last.get(&last.secret) != Some(last));
    if let Some(LastRotation { secret, .. }) = differs {
        return Err(damaged(format_args!(
            "the last rotation of `{secret}` is not the one that its records tell of"
        )));
    }
    if written.len() == told.last.len() {
        Ok(())
    } else {
        Err(damaged("the last rotation of a secret is missing"))
    }
}

/// A fence below one that was used would be given out a second time.
fn check_fences(connection: &Connection, told: &Told) -> Result<(), Fault> {
    let mut statement = connection.prepare("SELECT fence FROM leases WHERE secret = ?1")?;
    for (secret, newest) in &told.fences {
        let mut rows = statement.query([secret.as_str()])?;
        let fence = rows.next()?.map(|row| row.get(0)).transpose()?.map(Fence);
        if fence.is_none_or(|fence| fence < *newest) {
            return Err(damaged(format_args!(
                "the fence of `{secret}` is lower than one that was given out"
            )));
        }
    }
    Ok(())
}
