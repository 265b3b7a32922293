//! The one row that says how far the journal has come, and the numbers that hold the rest together.

use rusqlite::{Connection, OptionalExtension, params};
use sha2::{Digest, Sha256};

use crate::fault::Fault;

pub(crate) const DIGEST_LEN: usize = 16;

/// SHA-256 over a record's number, format and text, cut to 16 bytes: against accidents. Against people the audit has
/// its own chain.
pub(crate) type RecordDigest = [u8; DIGEST_LEN];

pub(crate) fn record_digest(seq: u64, format: u16, body: &str) -> RecordDigest {
    let mut hash = Sha256::new();
    hash.update(seq.to_le_bytes());
    hash.update(format.to_le_bytes());
    hash.update(body.as_bytes());
    hash.finalize()[..DIGEST_LEN].try_into().expect("SHA-256 is longer than the cut")
}

/// Sixteen random bytes that tell one journal from another, so that a head cannot vouch for a database that is not its own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct JournalId(pub(crate) [u8; 16]);

/// The counters as of one commit.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct State {
    /// Which journal.
    pub(crate) journal: JournalId,
    /// How many commits.
    pub(crate) generation: u64,
    /// The newest record's number; records are numbered without gaps from 1.
    pub(crate) seq: u64,
    /// How many rotations have not finished.
    pub(crate) unfinished: u64,
}

impl State {
    pub(crate) fn read(connection: &Connection) -> Result<Self, Fault> {
        let state = connection
            .prepare_cached("SELECT journal, generation, seq, unfinished FROM state WHERE one = 1")?
            .query_row([], |row| {
                Ok(Self {
                    journal: JournalId(row.get(0)?),
                    generation: row.get(1)?,
                    seq: row.get(2)?,
                    unfinished: row.get(3)?,
                })
            })?;
        Ok(state)
    }

    pub(crate) fn write(&self, connection: &Connection) -> Result<(), Fault> {
        connection
            .prepare_cached(
                "UPDATE state SET generation = ?1, seq = ?2, unfinished = ?3, written_by = ?4 WHERE one = 1",
            )?
            .execute(params![self.generation, self.seq, self.unfinished, env!("CARGO_PKG_VERSION")])?;
        Ok(())
    }

    /// The digest of the newest record; zero for none.
    pub(crate) fn newest_digest(&self, connection: &Connection) -> Result<RecordDigest, Fault> {
        digest_of(connection, self.seq).map(Option::unwrap_or_default)
    }
}

/// The digest that is kept with a record.
pub(crate) fn digest_of(connection: &Connection, seq: u64) -> Result<Option<RecordDigest>, Fault> {
    let digest = connection
        .prepare_cached("SELECT digest FROM records WHERE seq = ?1")?
        .query_row([seq], |row| row.get(0))
        .optional()?;
    Ok(digest)
}
