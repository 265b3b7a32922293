//! Where every step is written down, and who may write: the journal and its leases.

use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    error::{Effect, Error, Result},
    fingerprint::Fingerprint,
    id::{Fence, Initiator, RotationId, SecretName},
    rotation::{NewRecord, Outcome, Record},
};

/// The right to rotate one secret, until it expires or is released.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lease {
    /// Of which secret.
    pub secret: SecretName,
    /// The number that makes later holders recognisable.
    pub fence: Fence,
}

/// Somebody else has the lease.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Holder {
    /// Who.
    pub initiator: Initiator,
    /// Since when.
    pub since: Timestamp,
}

/// The answer to asking for a lease.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Acquired {
    /// It is ours, and nobody else acts on it.
    Yes(Lease),
    /// It is ours. Somebody who had it before was alive when it was taken away, and may act on it for a little longer.
    TakenOver(Lease),
    /// It is somebody else's.
    HeldBy(Holder),
}

/// How the last finished rotation of a secret ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct LastRotation {
    /// The secret.
    pub secret: SecretName,
    /// The last rotation that finished.
    pub rotation: RotationId,
    /// How.
    pub outcome: Outcome,
    /// When it finished.
    pub finished_at: Timestamp,
    /// When a new value last became current and stayed: the newest `rotated_at` of any `Finished` record that has one.
    pub rotated_at: Option<Timestamp>,
    /// What was current then.
    pub current: Option<Fingerprint>,
}

/// The journal of one installation.
///
/// # Contract
/// 1. When `append` returns Ok, the record survives a crash of the process and of the machine.
/// 2. When `append` fails with `NotApplied`, the record is not there; with `MaybeApplied`, nobody knows.
/// 3. `append` under a lease that another holder took over, or that was released, is `Fenced` and writes nothing.
/// 4. Records come back in the order of their numbers, whole, as they were written.
/// 5. `last_rotations` reflects every `Finished` record.
/// 6. At most one holder has a lease at one time; a new holder's fence is greater than every earlier one of that secret.
/// 7. The lease of a process that died can be taken over; that of a living one only after it expired, and then the answer
///    is `TakenOver`, to whoever gets it, until one of them releases it.
/// 8. A lease that its holder asks for again is given again, with the same fence.
/// 9. A journal of a newer format, or a damaged one, is refused when it is opened.
/// 10. `append_all` leaves what `append` of one record after the other would leave: some of the first ones, or all. It
///     fails with `NotApplied` only when none of them is there.
#[async_trait]
pub trait Journal: Send + Sync {
    /// Writes one record durably.
    async fn append(&self, lease: &Lease, record: NewRecord) -> Result<Record>;

    /// Writes records that follow one another, durably. Implementations that can write them at the cost of one do.
    async fn append_all(&self, lease: &Lease, records: Vec<NewRecord>) -> Result<Vec<Record>> {
        append_each(self, lease, records).await
    }

    /// The records of every rotation that has not finished, rotation by rotation, oldest first.
    async fn unfinished(&self) -> Result<Vec<Vec<Record>>>;

    /// The records of the unfinished rotation of one secret; empty if there is none.
    async fn unfinished_of(&self, secret: &SecretName) -> Result<Vec<Record>>;

    /// The records of one rotation; empty if it is unknown.
    async fn records(&self, rotation: RotationId) -> Result<Vec<Record>>;

    /// The rotations of one secret, newest first, at most `limit`.
    async fn rotations_of(&self, secret: &SecretName, limit: usize) -> Result<Vec<RotationId>>;

    /// The last finished rotation of each secret that has one, in no particular order.
    async fn last_rotations(&self) -> Result<Vec<LastRotation>>;

    /// The last finished rotation of one secret.
    async fn last_rotation(&self, secret: &SecretName) -> Result<Option<LastRotation>>;

    /// Records numbered above `seq`, in order, at most `limit`.
    async fn since(&self, seq: u64, limit: usize) -> Result<Vec<Record>>;

    /// A small named note kept with the journal (the audit's head); `None` if never set.
    async fn note(&self, name: &str) -> Result<Option<String>>;

    /// Sets a note durably.
    async fn set_note(&self, name: &str, text: &str) -> Result<()>;

    /// Asks for the lease of a secret. `lifetime` is how long it lives without a sign of life of this process;
    /// implementations keep their leases alive by themselves while the process runs.
    async fn acquire(
        &self,
        secret: &SecretName,
        initiator: &Initiator,
        lifetime: Duration,
    ) -> Result<Acquired>;

    /// Gives a lease back. One that was lost already: Ok.
    async fn release(&self, lease: &Lease) -> Result<()>;
}

/// Writes records that follow one another, each by a call of [`Journal::append`].
///
/// # Errors
/// That of the first record that was not written; `MaybeApplied` if others were written before it.
pub async fn append_each<J: Journal + ?Sized>(
    journal: &J,
    lease: &Lease,
    records: Vec<NewRecord>,
) -> Result<Vec<Record>> {
    let mut written = Vec::with_capacity(records.len());
    for record in records {
        match journal.append(lease, record).await {
            Ok(record) => written.push(record),
            Err(error) if written.is_empty() => return Err(error),
            Err(error) => return Err(Error { effect: Effect::MaybeApplied, ..error }),
        }
    }
    Ok(written)
}
