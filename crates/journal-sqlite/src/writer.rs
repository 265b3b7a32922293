//! The one thread that writes: it takes everything that waits, commits it as one transaction, and answers everybody.
//!
//! While one group is being synced the next one gathers by itself, so a lone caller waits for nobody and sixty-four
//! callers share two syncs: `SQLite`'s and the head's. Callers that were answered together ask again together, one after
//! the other: without a moment's patience the first of them would get a commit of its own, and the rest would wait for
//! it. So a group that had company waits for as many again, for as long as they keep coming.

use std::{
    sync::{
        Arc,
        mpsc::{Receiver, RecvTimeoutError},
    },
    time::{Duration, Instant},
};

use keywheel_core::{Clock, Effect, ErrorKind, Result};
use rusqlite::{Connection, ffi};

use crate::{
    checkpoint::{self, Mode},
    fault::{Fault, primary_code},
    files::Files,
    head::{Found, Head, HeadFile, Locked},
    holder::Holder,
    lease,
    scope::{Change, Lost, Scope, Settle, change},
    state::State,
};

/// Bounds the memory and the log of one transaction.
const LARGEST_GROUP: usize = 512;

/// How long after one caller the next one may come and still belong to the group: far below the cost of a sync.
const COMPANY: Duration = Duration::from_micros(100);

/// About 8 MiB of log.
const FRAMES_BEFORE_CHECKPOINT: i64 = 2000;

/// What the thread owns.
pub(crate) struct Writer {
    pub(crate) connection: Connection,
    pub(crate) files: Files,
    pub(crate) head: HeadFile,
    pub(crate) holder: Holder,
    pub(crate) clock: Arc<dyn Clock>,
}

impl Writer {
    /// Works until nobody can ask any more, and closes the journal.
    pub(crate) fn run(self, inbox: &Receiver<Change>) {
        Worker { writer: self, state: Standing::default() }.run(inbox);
    }
}

/// What the thread remembers from one group to the next.
#[derive(Default)]
struct Standing {
    /// Set when nobody knows whether a commit happened: this process writes nothing more.
    failed: Option<Fault>,
    heartbeat: Option<Heartbeat>,
    /// How many were in the last group.
    company: usize,
}

impl Standing {
    /// Leases came or went.
    fn beat(&mut self, every: Option<Duration>) {
        self.heartbeat = every.map(|every| Heartbeat {
            every,
            last: self.heartbeat.as_ref().map_or_else(monotonic_now, |heartbeat| heartbeat.last),
        });
    }
}

/// When the next sign of life is due, by a clock that no one sets: a wall clock that jumps must not cost a lease.
struct Heartbeat {
    every: Duration,
    last: Instant,
}

impl Heartbeat {
    fn left(&self) -> Duration {
        self.every.saturating_sub(self.last.elapsed())
    }
}

struct Worker {
    writer: Writer,
    state: Standing,
}

impl Worker {
    fn run(mut self, inbox: &Receiver<Change>) {
        let mut group = Vec::new();
        loop {
            match self.wait(inbox) {
                Ok(first) => {
                    group.push(first);
                    self.gather(inbox, &mut group);
                    self.serve(&mut group);
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return self.close(),
            }
            self.give_sign_of_life();
        }
    }

    fn wait(&self, inbox: &Receiver<Change>) -> Result<Change, RecvTimeoutError> {
        match &self.state.heartbeat {
            Some(heartbeat) => inbox.recv_timeout(heartbeat.left()),
            None => inbox.recv().map_err(|_| RecvTimeoutError::Disconnected),
        }
    }

    fn gather(&mut self, inbox: &Receiver<Change>, group: &mut Vec<Change>) {
        group.extend(inbox.try_iter().take(LARGEST_GROUP - 1));
        while group.len() < self.state.company {
            let Ok(next) = inbox.recv_timeout(COMPANY) else { break };
            group.push(next);
        }
        self.state.company = group.len();
    }

    fn give_sign_of_life(&mut self) {
        let Some(heartbeat) = self.state.heartbeat.as_mut().filter(|heartbeat| heartbeat.left().is_zero())
        else {
            return;
        };
        // Before the attempt: one that fails is tried again a heartbeat later, not in a tight loop.
        heartbeat.last = monotonic_now();
        let (renewal, mut answer) = change("renew leases", self.writer.files.database(), lease::renew);
        self.serve(&mut vec![renewal]);
        if let Ok(Some(Err(error))) = answer.try_recv() {
            tracing::warn!(%error, "the leases of this process could not be renewed");
        }
    }

    /// Commits a group and answers all of it.
    fn serve(&mut self, group: &mut Vec<Change>) {
        let mut settles = Vec::with_capacity(group.len());
        let outcome = self.commit(group, &mut settles);
        if let Err(Lost { fault, effect: Effect::MaybeApplied }) = &outcome {
            self.state.failed = Some(fault.clone());
        }
        for settle in settles {
            settle(outcome.clone());
        }
        // Whatever did not reach the transaction is answered outside of one.
        for change in group.drain(..) {
            self.refuse(change, &outcome);
        }
    }

    fn commit(&mut self, group: &mut Vec<Change>, settles: &mut Vec<Settle>) -> Result<(), Lost> {
        if let Some(failed) = &self.state.failed {
            return Err(Lost::not_applied(still_failed(failed)));
        }
        let locked = self.writer.head.lock().map_err(Lost::not_applied)?;
        let mut head = current_head(&locked).map_err(Lost::not_applied)?;
        let connection = &self.writer.connection;
        begin(connection).map_err(Lost::not_applied)?;
        let mut scope = match scope(&self.writer, &head) {
            Ok(scope) => scope,
            Err(fault) => {
                roll_back(connection);
                return Err(Lost::not_applied(fault));
            }
        };
        settles.extend(group.drain(..).map(|change| change(&mut scope)));
        let every = self.state.heartbeat.as_ref().map(|heartbeat| heartbeat.every);
        let every = match finish(&mut scope, every) {
            Ok(every) => every,
            Err(fault) => {
                roll_back(connection);
                return Err(Lost::not_applied(fault));
            }
        };
        let Scope { state, changed, .. } = scope;
        self.state.beat(every);
        if !changed {
            roll_back(connection);
            return Ok(());
        }
        commit(connection)?;
        advance(&locked, &mut head, connection, &state).map_err(Lost::maybe_applied)?;
        tracing::trace!(
            seq = state.seq,
            generation = state.generation,
            changes = self.state.company,
            "committed"
        );
        self.relieve(&locked, &mut head);
        Ok(())
    }

    /// Keeps the log short. What fails here fails nobody: everything is durable already.
    fn relieve(&self, locked: &Locked<'_>, head: &mut Head) {
        let Writer { connection, files, .. } = &self.writer;
        let relieved = checkpoint::frames(connection).and_then(|frames| {
            if frames < FRAMES_BEFORE_CHECKPOINT {
                return Ok(());
            }
            checkpoint::checkpoint(connection, files, locked, head, Mode::Passive)
        });
        if let Err(fault) = relieved {
            tracing::warn!(
                ?fault,
                "the journal's log could not be moved into the database; it keeps growing"
            );
        }
    }

    /// Answers a change that no transaction took.
    fn refuse(&self, change: Change, outcome: &Result<(), Lost>) {
        let fault = outcome.as_ref().err().map_or_else(Fault::locked, |lost| lost.fault.clone());
        let mut scope = Scope {
            connection: &self.writer.connection,
            files: &self.writer.files,
            holder: self.writer.holder.id(),
            now: self.writer.clock.now(),
            state: State::default(),
            changed: false,
            leases_changed: false,
            broken: Some(fault.clone()),
        };
        change(&mut scope)(Err(Lost::not_applied(fault)));
    }

    /// Gives back what this process holds and empties the log, so that the database alone is the journal.
    fn close(mut self) {
        if self.state.heartbeat.is_some() {
            let (release, _) = change("close the journal", self.writer.files.database(), lease::release_all);
            self.serve(&mut vec![release]);
        }
        if self.state.failed.is_some() {
            return;
        }
        let Writer { connection, files, head, .. } = &self.writer;
        let closed = (|| {
            // Whoever is at work meanwhile will do it when he closes.
            connection.busy_timeout(Duration::ZERO)?;
            let Some(locked) = head.try_lock()? else { return Ok(()) };
            let mut head = current_head(&locked)?;
            checkpoint::checkpoint(connection, files, &locked, &mut head, Mode::Truncate)
        })();
        if let Err(fault) = closed {
            tracing::debug!(?fault, "the journal's log was left for the next process");
        }
    }
}

fn current_head(locked: &Locked<'_>) -> Result<Head, Fault> {
    match locked.read()? {
        Found::Head(head) => Ok(head),
        Found::Missing | Found::Blank => {
            Err(Fault::corrupt("the journal's .head file was emptied while it was in use"))
        }
    }
}

fn scope<'a>(writer: &'a Writer, head: &Head) -> Result<Scope<'a>, Fault> {
    let state = State::read(&writer.connection)?;
    if state.journal != head.journal || state.generation < head.generation {
        return Err(Fault::corrupt("the journal's files were replaced while it was in use"));
    }
    Ok(Scope {
        connection: &writer.connection,
        files: &writer.files,
        holder: writer.holder.id(),
        now: writer.clock.now(),
        state,
        changed: false,
        leases_changed: false,
        broken: None,
    })
}

/// Everything that belongs into the transaction after the changes. Says how often to give a sign of life from now on;
/// `every` is how often it was so far.
fn finish(scope: &mut Scope<'_>, every: Option<Duration>) -> Result<Option<Duration>, Fault> {
    if let Some(fault) = scope.broken.take() {
        return Err(fault);
    }
    if scope.changed {
        scope.state.generation += 1;
        scope.state.write(scope.connection)?;
    }
    if scope.leases_changed { lease::heartbeat(scope) } else { Ok(every) }
}

fn advance(
    locked: &Locked<'_>,
    head: &mut Head,
    connection: &Connection,
    state: &State,
) -> Result<(), Fault> {
    head.generation = state.generation;
    if head.seq != state.seq {
        head.seq = state.seq;
        head.digest = state.newest_digest(connection)?;
    }
    locked.write(head)
}

fn begin(connection: &Connection) -> Result<(), Fault> {
    Ok(connection.prepare_cached("BEGIN IMMEDIATE")?.execute([]).map(drop)?)
}

/// Commits. A failure after which `SQLite` may have written everything and only failed to sync it is not a rollback:
/// the records may come back with the next process.
fn commit(connection: &Connection) -> Result<(), Lost> {
    let Err(error) = connection.prepare_cached("COMMIT").and_then(|mut commit| commit.execute([])) else {
        return Ok(());
    };
    roll_back(connection);
    let certain = matches!(
        primary_code(&error),
        Some(
            ffi::SQLITE_FULL | ffi::SQLITE_READONLY | ffi::SQLITE_BUSY | ffi::SQLITE_NOMEM | ffi::SQLITE_PERM
        )
    );
    let fault = Fault::from(error);
    Err(if certain { Lost::not_applied(fault) } else { Lost::maybe_applied(fault) })
}

fn roll_back(connection: &Connection) {
    if connection.is_autocommit() {
        return;
    }
    if let Err(error) = connection.execute_batch("ROLLBACK") {
        tracing::warn!(%error, "a transaction of the journal could not be rolled back");
    }
}

fn still_failed(failed: &Fault) -> Fault {
    Fault::new(
        ErrorKind::Unavailable,
        format!(
            "an earlier write failed in a way that leaves its outcome unknown ({failed}); this process writes nothing more. \
             Start keywheel again: it then reads what the disk really holds"
        ),
    )
}

#[expect(
    clippy::disallowed_methods,
    reason = "a sign of life is due after running time, which no wall clock measures"
)]
fn monotonic_now() -> Instant {
    Instant::now()
}
