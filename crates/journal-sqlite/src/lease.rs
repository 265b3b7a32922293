//! Leases, inside a transaction: who may write about a secret.
//!
//! A lease belongs to a holder, and a holder is one open journal: the engine in a process never runs one secret twice,
//! and a second task that asked would be given the same lease again (contract, sentence 8).
//!
//! Only two things take a lease away from its holder: the holder's death, which its lock file tells at once and without
//! a clock, and silence for longer than the lease lives, which is how a process that hangs or was stopped is told from
//! one that works. A holder never judges its own lease by a clock. It has it until the row says otherwise, so a clock
//! that jumps costs a living holder nothing until somebody asks for the lease before its next sign of life. Whoever gets
//! it then is told that the one before may be at work still, and the row remembers it: whoever takes it from a taker that
//! died is told as well, until one of them gives the lease back.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use keywheel_core::{
    ErrorKind, Fence, Initiator, Result, SecretName,
    journal::{Acquired, Holder, Lease},
};
use rusqlite::{OptionalExtension, Row, params};

use crate::{
    fault::Fault,
    holder,
    scope::{Refused, Scope},
};

/// The row of one secret; it stays after a release, so that the fence never goes down.
struct Held {
    fence: Fence,
    holder: Option<String>,
    initiator: String,
    since: String,
    renewed_at: String,
    lifetime_ms: i64,
    /// Taken from a process that was alive, and not given back since.
    taken_over: bool,
}

impl Held {
    fn from_row(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            fence: Fence(row.get(0)?),
            holder: row.get(1)?,
            initiator: row.get(2)?,
            since: row.get(3)?,
            renewed_at: row.get(4)?,
            lifetime_ms: row.get(5)?,
            taken_over: row.get(6)?,
        })
    }

    fn expired(&self, now: Timestamp) -> Result<bool, Fault> {
        let lifetime = SignedDuration::from_millis(self.lifetime_ms);
        Ok(timestamp(&self.renewed_at)?.checked_add(lifetime).is_ok_and(|expires| expires <= now))
    }
}

/// Gives the lease of `secret` to this process, if nobody else has it.
pub(crate) fn acquire(
    scope: &mut Scope<'_>,
    secret: &SecretName,
    initiator: &Initiator,
    lifetime: Duration,
) -> Result<Result<Acquired, Refused>, Fault> {
    let held = find(scope, secret)?;
    let mut taken_over = held.as_ref().is_some_and(|held| held.taken_over);
    let fence = match &held {
        None => Fence(1),
        Some(Held { fence, holder: None, .. }) => Fence(fence.0 + 1),
        Some(Held { fence, holder: Some(owner), .. }) if owner == scope.holder => *fence,
        Some(held @ Held { fence, holder: Some(owner), .. }) => {
            let alive = holder::is_alive(scope.files, owner)?;
            if alive && !held.expired(scope.now)? {
                return Ok(Ok(Acquired::HeldBy(Holder {
                    initiator: Initiator::new(held.initiator.as_str()),
                    since: timestamp(&held.since)?,
                })));
            }
            taken_over |= alive;
            tracing::warn!(
                %secret,
                fence = fence.0 + 1,
                from = held.initiator,
                why = if alive { "it gave no sign of life for longer than its lease lives" } else { "its process died" },
                "a lease was taken over",
            );
            Fence(fence.0 + 1)
        }
    };
    let again = held.is_some_and(|held| held.fence == fence);
    let now = scope.now.to_string();
    let lifetime_ms = i64::try_from(lifetime.as_millis()).unwrap_or(i64::MAX);
    if again {
        scope
            .connection
            .prepare_cached("UPDATE leases SET renewed_at = ?2, lifetime_ms = ?3 WHERE secret = ?1")?
            .execute(params![secret.as_str(), now, lifetime_ms])?;
    } else {
        scope
            .connection
            .prepare_cached(
                "INSERT INTO leases (secret, fence, holder, pid, initiator, since, renewed_at, lifetime_ms, taken_over)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?6, ?7, ?8)
                 ON CONFLICT (secret) DO UPDATE SET fence = ?2, holder = ?3, pid = ?4, initiator = ?5, since = ?6,
                     renewed_at = ?6, lifetime_ms = ?7, taken_over = ?8",
            )?
            .execute(params![
                secret.as_str(),
                fence.0,
                scope.holder,
                std::process::id(),
                initiator.as_str(),
                now,
                lifetime_ms,
                taken_over,
            ])?;
    }
    scope.changed = true;
    scope.leases_changed = true;
    let lease = Lease { secret: secret.clone(), fence };
    Ok(Ok(if taken_over { Acquired::TakenOver(lease) } else { Acquired::Yes(lease) }))
}

/// Gives a lease back, if it is still this process's.
pub(crate) fn release(scope: &mut Scope<'_>, lease: &Lease) -> Result<Result<(), Refused>, Fault> {
    let released = scope
        .connection
        .prepare_cached(
            "UPDATE leases SET holder = NULL, pid = NULL, taken_over = 0 WHERE secret = ?1 AND fence = ?2 AND holder = ?3",
        )?
        .execute(params![lease.secret.as_str(), lease.fence.0, scope.holder])?;
    scope.changed |= released > 0;
    scope.leases_changed |= released > 0;
    Ok(Ok(()))
}

/// Gives up everything that this process holds: it is closing the journal. It may not have come to wait for whoever had
/// it before, so the next one is told of that.
pub(crate) fn release_all(scope: &mut Scope<'_>) -> Result<Result<(), Refused>, Fault> {
    let released = scope
        .connection
        .prepare_cached("UPDATE leases SET holder = NULL, pid = NULL WHERE holder = ?1")?
        .execute(params![scope.holder])?;
    scope.changed |= released > 0;
    scope.leases_changed |= released > 0;
    Ok(Ok(()))
}

/// This process's sign of life, for all of its leases.
pub(crate) fn renew(scope: &mut Scope<'_>) -> Result<Result<(), Refused>, Fault> {
    let renewed = scope
        .connection
        .prepare_cached("UPDATE leases SET renewed_at = ?2 WHERE holder = ?1")?
        .execute(params![scope.holder, scope.now.to_string()])?;
    scope.changed |= renewed > 0;
    // Some may have been taken over meanwhile, and with them the reason to hurry.
    scope.leases_changed = true;
    Ok(Ok(()))
}

/// How often this process has to give a sign of life: a third of its shortest lease; `None` while it holds none.
pub(crate) fn heartbeat(scope: &Scope<'_>) -> Result<Option<Duration>, Fault> {
    let shortest: Option<i64> = scope
        .connection
        .prepare_cached("SELECT min(lifetime_ms) FROM leases WHERE holder = ?1")?
        .query_row(params![scope.holder], |row| row.get(0))?;
    Ok(shortest
        .map(|milliseconds| Duration::from_millis(milliseconds.unsigned_abs() / 3).max(SHORTEST_HEARTBEAT)))
}

/// More often would be a commit every few milliseconds for a lease that nobody means to hold.
const SHORTEST_HEARTBEAT: Duration = Duration::from_millis(20);

/// Whether `lease` is this process's still. Asked in the transaction that writes under it, so the answer cannot age.
pub(crate) fn check(scope: &Scope<'_>, lease: &Lease) -> Result<Result<(), Refused>, Fault> {
    let fenced = |why: String| {
        Ok(Err(Refused::new(
            ErrorKind::Fenced,
            format!("{why}; nothing was written, and this process must not touch {} any more", lease.secret),
        )))
    };
    let Some(held) = find(scope, &lease.secret)? else {
        return fenced(format!("{} has no lease", lease.secret));
    };
    match held.holder {
        Some(holder) if holder == scope.holder && held.fence == lease.fence => Ok(Ok(())),
        Some(_) => fenced(format!(
            "the lease of {} (fence {}) was taken over by {} (fence {}) at {}",
            lease.secret, lease.fence.0, held.initiator, held.fence.0, held.since
        )),
        None => fenced(format!("the lease of {} (fence {}) was given back", lease.secret, lease.fence.0)),
    }
}

fn find(scope: &Scope<'_>, secret: &SecretName) -> Result<Option<Held>, Fault> {
    let held = scope
        .connection
        .prepare_cached(
            "SELECT fence, holder, initiator, since, renewed_at, lifetime_ms, taken_over FROM leases WHERE secret = ?1",
        )?
        .query_row(params![secret.as_str()], Held::from_row)
        .optional()?;
    Ok(held)
}

fn timestamp(text: &str) -> Result<Timestamp, Fault> {
    text.parse().map_err(|_| Fault::corrupt("the journal is damaged: a lease holds a time that is none"))
}
