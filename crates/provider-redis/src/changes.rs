//! Changes of users and the saves that let them survive a restart, several at a time.
//!
//! A save writes every user of the server, so changes that wait at the same time share one: whoever's turn it is sends
//! all that is waiting as one transaction that ends in the save. A connection that is cut half way through sending changes
//! nothing, and no restart can fall between a change and its save.

use std::{
    collections::VecDeque,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use keywheel_core::{CallContext, Clock, Effect, Error, ErrorKind, Result};
use redis::{Cmd, Pipeline, RedisError, RedisResult, Value, cmd, pipe};
use tokio::sync::oneshot::{self, error::TryRecvError};

use crate::server::{Hash, Session, classify};

/// The server does nothing else while it runs a transaction.
const MOST_AT_ONCE: usize = 128;

/// What is to become of one user. Without `add` and `remove` it is only saved as it is.
pub(crate) struct Change {
    pub(crate) operation: &'static str,
    pub(crate) user: String,
    pub(crate) add: Option<Hash>,
    pub(crate) remove: Option<Hash>,
    /// Whether it is taken back when it could not be saved.
    pub(crate) undo: bool,
}

impl Change {
    fn request(&self) -> Option<Cmd> {
        Self::rules(&self.user, self.add.as_ref(), self.remove.as_ref())
    }

    fn reverse(&self) -> Option<Cmd> {
        if self.undo { Self::rules(&self.user, self.remove.as_ref(), self.add.as_ref()) } else { None }
    }

    /// All of it or, if one rule is refused, none.
    fn rules(user: &str, add: Option<&Hash>, remove: Option<&Hash>) -> Option<Cmd> {
        if add.is_none() && remove.is_none() {
            return None;
        }
        let mut change = cmd("ACL");
        change.arg("SETUSER").arg(user).arg(add.map(Hash::add)).arg(remove.map(Hash::remove));
        Some(change)
    }
}

/// The changes of one server.
#[derive(Default)]
pub(crate) struct Changes {
    waiting: Mutex<VecDeque<Waiting>>,
    turn: tokio::sync::Mutex<()>,
}

struct Waiting {
    change: Change,
    deadline: Duration,
    answer: oneshot::Sender<Result<()>>,
}

impl Changes {
    /// Makes `change` and saves it, with whatever else waits.
    pub(crate) async fn make(
        &self,
        session: &Session,
        context: &CallContext,
        clock: &dyn Clock,
        change: Change,
    ) -> Result<()> {
        let operation = change.operation;
        let (answer, mut outcome) = oneshot::channel();
        self.queue().push_back(Waiting { change, deadline: context.deadline, answer });
        let _turn = self.turn.lock().await;
        loop {
            match outcome.try_recv() {
                Ok(result) => return result,
                Err(TryRecvError::Empty) => self.send_some(session, clock).await,
                Err(TryRecvError::Closed) => {
                    let message = "the change went out together with others, and whoever sent them gave up";
                    return Err(Error::maybe_applied(ErrorKind::TimedOut, operation, message));
                }
            }
        }
    }

    async fn send_some(&self, session: &Session, clock: &dyn Clock) {
        let (changes, answers): (Vec<_>, Vec<_>) = self.take(clock.running()).into_iter().unzip();
        let outcomes = send(session, &changes).await;
        for (answer, outcome) in answers.into_iter().zip(outcomes) {
            let _given_up = answer.send(outcome);
        }
    }

    /// What has waited longest, without what its caller no longer waits for.
    fn take(&self, now: Duration) -> Vec<(Change, oneshot::Sender<Result<()>>)> {
        let mut waiting = self.queue();
        let mut taken = Vec::new();
        while taken.len() < MOST_AT_ONCE
            && let Some(Waiting { change, deadline, answer }) = waiting.pop_front()
        {
            if now >= deadline {
                let message = "there was no time left to send it";
                let late = Error::not_applied(ErrorKind::TimedOut, change.operation, message);
                let _given_up = answer.send(Err(late));
            } else if !answer.is_closed() {
                taken.push((change, answer));
            }
        }
        taken
    }

    fn queue(&self) -> MutexGuard<'_, VecDeque<Waiting>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One outcome for each change.
async fn send(session: &Session, changes: &[Change]) -> Vec<Result<()>> {
    let requests: Vec<_> = changes.iter().map(Change::request).collect();
    let save = session.persistence.save();
    let mut transaction = pipe();
    for request in requests.iter().flatten().chain(&save) {
        transaction.add_command(request.clone());
    }
    if transaction.is_empty() {
        return changes.iter().map(|_| Ok(())).collect();
    }
    let mut replies = match run(session, &mut transaction).await {
        Ok(replies) => replies.into_iter(),
        Err(error) => {
            return changes.iter().map(|change| Err(unanswered(change.operation, &error))).collect();
        }
    };
    let mut outcomes: Vec<_> = changes
        .iter()
        .zip(&requests)
        .map(|(change, request)| match request.as_ref().and_then(|_| replies.next()) {
            Some(Err(error)) => Err(not_taken(change.operation, &error)),
            Some(Ok(_)) | None => Ok(()),
        })
        .collect();
    if save.is_some()
        && let Some(Err(error)) = replies.next()
    {
        take_back(session, changes, &outcomes).await;
        for (outcome, change) in outcomes.iter_mut().zip(changes) {
            if outcome.is_ok() {
                *outcome = Err(not_saved(change, &error));
            }
        }
    }
    outcomes
}

async fn run(session: &Session, transaction: &mut Pipeline) -> RedisResult<Vec<RedisResult<Value>>> {
    let mut connection = session.link.connection.clone();
    let given_up = session.link.unless_answered();
    let request = transaction.atomic().ignore_errors().query_async(&mut connection);
    let replies = session.link.reply(request).await;
    given_up.answered();
    replies
}

/// A new credential that a restart would end must not be taken for one that is applied, not by a later probe either.
async fn take_back(session: &Session, changes: &[Change], outcomes: &[Result<()>]) {
    let mut transaction = pipe();
    for (change, outcome) in changes.iter().zip(outcomes) {
        if let (Some(request), true) = (change.reverse(), outcome.is_ok()) {
            transaction.add_command(request);
        }
    }
    if !transaction.is_empty() {
        // What becomes of it a probe will tell.
        let _outcome = run(session, &mut transaction).await;
    }
}

fn unanswered(operation: &'static str, error: &RedisError) -> Error {
    // The server says which request of a transaction it does not take; the others were not done either.
    if let Some(refusals) = error.clone().into_server_errors()
        && let Some((_, refusal)) = refusals.first()
    {
        return classify(operation, Effect::NotApplied, &refusal.clone().into());
    }
    classify(operation, Effect::MaybeApplied, error)
}

fn not_taken(operation: &'static str, error: &RedisError) -> Error {
    if error.code() == Some("ERR") {
        let message = "the server refused the change of the user; another tool may have changed it just now";
        return Error::not_applied(ErrorKind::Conflict, operation, message).with("code", "ERR");
    }
    classify(operation, Effect::NotApplied, error)
}

fn not_saved(change: &Change, error: &RedisError) -> Error {
    let kind = if error.code() == Some("NOPERM") {
        ErrorKind::PermissionDenied
    } else {
        // A full disk, a file that it may not write: the server's log says which.
        ErrorKind::Unavailable
    };
    let message = if change.undo {
        "the server could not save its users, so the change was to be taken back; its log says why"
    } else {
        "the old credential is refused, but the server could not save that: a restart would bring it back; its log \
         says why"
    };
    Error::maybe_applied(kind, change.operation, message).with("code", error.code().unwrap_or("none"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wait(changes: &Changes, user: &str, deadline: u64) -> oneshot::Receiver<Result<()>> {
        let (answer, outcome) = oneshot::channel();
        let change =
            Change { operation: "apply", user: user.to_owned(), add: None, remove: None, undo: true };
        changes.queue().push_back(Waiting { change, deadline: Duration::from_secs(deadline), answer });
        outcome
    }

    #[test]
    fn what_is_late_or_given_up_is_not_sent() {
        let changes = Changes::default();
        let mut late = wait(&changes, "late", 5);
        drop(wait(&changes, "given-up", 60));
        let _waits = wait(&changes, "waiting", 60);
        let taken = changes.take(Duration::from_secs(5));
        let users: Vec<_> = taken.iter().map(|(change, _)| change.user.as_str()).collect();
        assert_eq!(users, ["waiting"]);
        let error = late.try_recv().expect("an answer").expect_err("it was late");
        assert_eq!((error.kind, error.effect), (ErrorKind::TimedOut, Effect::NotApplied));
    }

    #[test]
    fn no_more_are_taken_than_a_transaction_has() {
        let changes = Changes::default();
        let waiting: Vec<_> =
            (0..=MOST_AT_ONCE).map(|number| wait(&changes, &number.to_string(), 60)).collect();
        assert_eq!(changes.take(Duration::ZERO).len(), MOST_AT_ONCE);
        assert_eq!(changes.take(Duration::ZERO).len(), waiting.len() - MOST_AT_ONCE);
    }
}
