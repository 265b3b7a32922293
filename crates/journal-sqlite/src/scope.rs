//! What one change sees of the transaction that it shares with others, and how its caller hears of the outcome.

use std::path::Path;

use futures::channel::oneshot;
use jiff::Timestamp;
use keywheel_core::{Effect, Error, ErrorKind, Result};
use rusqlite::Connection;

use crate::{fault::Fault, files::Files, state::State};

/// A transaction under way.
pub(crate) struct Scope<'a> {
    pub(crate) connection: &'a Connection,
    pub(crate) files: &'a Files,
    /// This process's holder id.
    pub(crate) holder: &'a str,
    pub(crate) now: Timestamp,
    /// The counters, to be written before the commit.
    pub(crate) state: State,
    /// Whether there is anything to commit.
    pub(crate) changed: bool,
    /// Whether the leases of this process changed.
    pub(crate) leases_changed: bool,
    /// Set by the first change that failed half way: nothing of the transaction may be committed any more.
    pub(crate) broken: Option<Fault>,
}

/// A change that was judged before it wrote anything, and refused: the others in the transaction do not mind.
pub(crate) type Refused = Fault;

/// Why a whole transaction was not acknowledged.
#[derive(Clone, Debug)]
pub(crate) struct Lost {
    pub(crate) fault: Fault,
    pub(crate) effect: Effect,
}

impl Lost {
    pub(crate) fn not_applied(fault: Fault) -> Self {
        Self { fault, effect: Effect::NotApplied }
    }

    pub(crate) fn maybe_applied(fault: Fault) -> Self {
        Self { fault, effect: Effect::MaybeApplied }
    }
}

/// One change, waiting for the writer. It answers its caller through what it gives back, once the commit is known.
pub(crate) type Change = Box<dyn FnOnce(&mut Scope<'_>) -> Settle + Send>;

/// Tells the caller how it ended.
pub(crate) type Settle = Box<dyn FnOnce(Result<(), Lost>) + Send>;

/// Makes a change of `work` and the place where its caller waits.
pub(crate) fn change<T: Send + 'static>(
    operation: &'static str,
    journal: &Path,
    work: impl FnOnce(&mut Scope<'_>) -> Result<Result<T, Refused>, Fault> + Send + 'static,
) -> (Change, oneshot::Receiver<Result<T>>) {
    let (reply, answer) = oneshot::channel();
    let journal = journal.to_owned();
    let change = move |scope: &mut Scope<'_>| -> Settle {
        let outcome = run(scope, work);
        Box::new(move |committed| {
            let answer = match (outcome, committed) {
                (Some(Err(refused)), _) => Err(refused.error(operation, Effect::NotApplied, &journal)),
                (Some(Ok(value)), Ok(())) => Ok(value),
                (_, Err(lost)) => Err(lost.fault.error(operation, lost.effect, &journal)),
                (None, Ok(())) => Err(Error::maybe_applied(
                    ErrorKind::Internal,
                    operation,
                    "a transaction was committed without one of its changes",
                )),
            };
            // A caller that stopped waiting is answered by the journal itself, when it asks again.
            drop(reply.send(answer));
        })
    };
    (Box::new(change), answer)
}

/// `None` when the change did not take place because the transaction cannot be committed.
fn run<T>(
    scope: &mut Scope<'_>,
    work: impl FnOnce(&mut Scope<'_>) -> Result<Result<T, Refused>, Fault>,
) -> Option<Result<T, Refused>> {
    if scope.broken.is_some() {
        return None;
    }
    match work(scope) {
        Ok(outcome) => Some(outcome),
        Err(fault) => {
            scope.broken = Some(fault);
            None
        }
    }
}
