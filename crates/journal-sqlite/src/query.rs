//! What is read: every record is held against its digest before it is believed.

use std::{fmt, str::FromStr};

use keywheel_core::{
    Result, RotationId, SecretName,
    journal::LastRotation,
    rotation::{NewRecord, Outcome, RECORD_FORMAT, Record},
};
use rusqlite::{Connection, OptionalExtension, Params, Row, params};

use crate::{
    fault::Fault,
    schema,
    state::{RecordDigest, State, record_digest},
};

/// A record's row, not yet believed.
pub(crate) struct RawRecord {
    pub(crate) seq: u64,
    format: u32,
    digest: RecordDigest,
    body: String,
}

impl RawRecord {
    /// From the columns `seq, format, digest, body`.
    pub(crate) fn from_row(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self { seq: row.get(0)?, format: row.get(1)?, digest: row.get(2)?, body: row.get(3)? })
    }

    /// Holds it against its digest.
    pub(crate) fn check(&self, connection: &Connection) -> Result<(), Fault> {
        let Some(format) = u16::try_from(self.format).ok().filter(|format| *format <= RECORD_FORMAT) else {
            return Err(schema::newer_record(connection, self.format));
        };
        if record_digest(self.seq, format, &self.body) == self.digest {
            return Ok(());
        }
        Err(damaged(format_args!("record {} is not what was written", self.seq)))
    }

    pub(crate) fn parse(&self, connection: &Connection) -> Result<Record, Fault> {
        self.check(connection)?;
        let body: NewRecord = serde_json::from_str(&self.body)
            .map_err(|error| damaged(format_args!("record {} cannot be read: {error}", self.seq)))?;
        Ok(Record { seq: self.seq, body })
    }
}

/// A rotation's row: whose it is, and how many records must be found for it.
struct Rotation {
    key: i64,
    id: String,
    secret: String,
    records: usize,
}

impl Rotation {
    fn from_row(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self { key: row.get(0)?, id: row.get(1)?, secret: row.get(2)?, records: row.get(3)? })
    }

    /// All of its records: one that an index hides must not make a rotation look less far than it is. And no others: the
    /// row itself has no digest, and a secret's name that changed in it would hide an unfinished rotation.
    fn records(&self, connection: &Connection) -> Result<Vec<Record>, Fault> {
        let records = records(
            connection,
            "SELECT seq, format, digest, body FROM records WHERE rotation = ?1 ORDER BY seq",
            params![self.key],
        )?;
        if records.len() != self.records {
            let (id, found) = (&self.id, records.len());
            return Err(damaged(format_args!("rotation {id} has {found} records, not {}", self.records)));
        }
        let id: RotationId =
            self.id.parse().map_err(|_| damaged(format_args!("`{}` is no rotation", self.id)))?;
        let own = |record: &Record| record.body.rotation == id && record.body.secret.as_str() == self.secret;
        if let Some(strange) = records.iter().find(|record| !own(record)) {
            let (seq, secret) = (strange.seq, &self.secret);
            return Err(damaged(format_args!("record {seq} is not of rotation {id} of `{secret}`")));
        }
        Ok(records)
    }
}

pub(crate) fn unfinished(connection: &Connection) -> Result<Vec<Vec<Record>>, Fault> {
    unfinished_rotations(connection)?.iter().map(|rotation| rotation.records(connection)).collect()
}

/// As many as there must be.
fn unfinished_rotations(connection: &Connection) -> Result<Vec<Rotation>, Fault> {
    let rotations = rotations(
        connection,
        "SELECT key, id, secret, records FROM rotations WHERE finished = 0 ORDER BY key",
        params![],
    )?;
    let expected = State::read(connection)?.unfinished;
    if u64::try_from(rotations.len()) != Ok(expected) {
        return Err(damaged(format_args!("{} rotations are unfinished, not {expected}", rotations.len())));
    }
    Ok(rotations)
}

/// The contract knows one unfinished rotation for a secret. Should there be more, the oldest comes first everywhere.
pub(crate) fn unfinished_of(connection: &Connection, secret: &SecretName) -> Result<Vec<Record>, Fault> {
    // Out of all that are unfinished, of which the number is known: the index by name could hide one.
    let rotations = unfinished_rotations(connection)?;
    let of_secret = rotations.iter().find(|rotation| rotation.secret == secret.as_str());
    of_secret.map_or_else(|| Ok(Vec::new()), |rotation| rotation.records(connection))
}

pub(crate) fn records_of(connection: &Connection, rotation: RotationId) -> Result<Vec<Record>, Fault> {
    let rotations = rotations(
        connection,
        "SELECT key, id, secret, records FROM rotations WHERE id = ?1",
        params![rotation.to_string()],
    )?;
    rotations.first().map_or_else(|| Ok(Vec::new()), |rotation| rotation.records(connection))
}

pub(crate) fn since(connection: &Connection, seq: u64, limit: usize) -> Result<Vec<Record>, Fault> {
    records(
        connection,
        "SELECT seq, format, digest, body FROM records WHERE seq > ?1 ORDER BY seq LIMIT ?2",
        params![i64::try_from(seq).unwrap_or(i64::MAX), sql_limit(limit)],
    )
}

pub(crate) fn rotations_of(
    connection: &Connection,
    secret: &SecretName,
    limit: usize,
) -> Result<Vec<RotationId>, Fault> {
    let mut statement =
        connection.prepare_cached("SELECT id FROM rotations WHERE secret = ?1 ORDER BY key DESC LIMIT ?2")?;
    let mut rows = statement.query(params![secret.as_str(), sql_limit(limit)])?;
    let mut rotations = Vec::new();
    while let Some(row) = rows.next()? {
        rotations.push(text(row, 0)?);
    }
    Ok(rotations)
}

const LAST_ROTATION: &str =
    "SELECT secret, rotation, outcome, finished_at, rotated_at, current FROM last_rotations";

pub(crate) fn last_rotations(connection: &Connection) -> Result<Vec<LastRotation>, Fault> {
    let mut statement = connection.prepare_cached(LAST_ROTATION)?;
    let mut rows = statement.query([])?;
    let mut rotations = Vec::new();
    while let Some(row) = rows.next()? {
        rotations.push(last_from_row(row)?);
    }
    Ok(rotations)
}

pub(crate) fn last_rotation(
    connection: &Connection,
    secret: &SecretName,
) -> Result<Option<LastRotation>, Fault> {
    let mut statement = connection.prepare_cached(&format!("{LAST_ROTATION} WHERE secret = ?1"))?;
    let mut rows = statement.query(params![secret.as_str()])?;
    rows.next()?.map(last_from_row).transpose()
}

pub(crate) fn note(connection: &Connection, name: &str) -> Result<Option<String>, Fault> {
    let note = connection
        .prepare_cached("SELECT text FROM notes WHERE name = ?1")?
        .query_row(params![name], |row| row.get(0))
        .optional()?;
    Ok(note)
}

pub(crate) fn damaged(what: impl fmt::Display) -> Fault {
    Fault::corrupt(format_args!("the journal is damaged: {what}"))
}

fn rotations(connection: &Connection, query: &str, params: impl Params) -> Result<Vec<Rotation>, Fault> {
    let mut statement = connection.prepare_cached(query)?;
    let rotations = statement.query_map(params, Rotation::from_row)?;
    Ok(rotations.collect::<rusqlite::Result<_>>()?)
}

fn records(connection: &Connection, query: &str, params: impl Params) -> Result<Vec<Record>, Fault> {
    let mut statement = connection.prepare_cached(query)?;
    let mut rows = statement.query(params)?;
    let mut records: Vec<Record> = Vec::new();
    while let Some(row) = rows.next()? {
        let record = RawRecord::from_row(row)?.parse(connection)?;
        // An index that leads to one of them twice would hide another one, and the count would be right.
        if records.last().is_some_and(|last| last.seq >= record.seq) {
            return Err(damaged(format_args!("record {} is found twice", record.seq)));
        }
        records.push(record);
    }
    Ok(records)
}

fn last_from_row(row: &Row<'_>) -> Result<LastRotation, Fault> {
    Ok(LastRotation {
        secret: SecretName::from(column(row, 0)?.unwrap_or_default()),
        rotation: text(row, 1)?,
        outcome: outcome(column(row, 2)?.unwrap_or_default())?,
        finished_at: text(row, 3)?,
        rotated_at: optional(row, 4)?,
        current: optional(row, 5)?,
    })
}

/// The inverse of [`Outcome`]'s display.
fn outcome(text: &str) -> Result<Outcome, Fault> {
    match text {
        "succeeded" => Ok(Outcome::Succeeded),
        "rolled-back" => Ok(Outcome::RolledBack),
        "unchanged" => Ok(Outcome::Unchanged),
        _ => Err(damaged("a rotation ended in a way that is none")),
    }
}

fn text<T: FromStr>(row: &Row<'_>, index: usize) -> Result<T, Fault> {
    optional(row, index)?.ok_or_else(|| damaged("a column is empty that must not be"))
}

fn optional<T: FromStr>(row: &Row<'_>, index: usize) -> Result<Option<T>, Fault> {
    column(row, index)?
        .map(|text| text.parse().map_err(|_| damaged(format_args!("`{text}` is not what its column holds"))))
        .transpose()
}

/// Borrowed: a hundred thousand rows are read without a hundred thousand strings.
fn column<'a>(row: &'a Row<'_>, index: usize) -> Result<Option<&'a str>, Fault> {
    row.get_ref(index)?.as_str_or_null().map_err(damaged)
}

fn sql_limit(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX)
}
