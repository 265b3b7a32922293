//! The sessions in which changes are made: kept between calls, so that many roles can be changed over few logins.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use keywheel_core::{CallContext, Clock, Effect, Error, ErrorKind, Result, provider::PasswordSource};
use tokio::sync::{Semaphore, SemaphorePermit};

use crate::{
    failure,
    server::{Address, NoLogin, Session},
};

/// As many as work side by side on one server; more wait.
const MOST: usize = 4;

/// A session that rested for longer is asked whether it still lives.
const FRESH: Duration = Duration::from_secs(5);

/// A limit for calls without a deadline. The server's settings hold at most 24 days.
const LONGEST: Duration = Duration::from_mins(10);

/// A server that answers before a change is on its disk may forget it: after a crash nobody could log in with the value that has
/// become current meanwhile. <https://www.postgresql.org/docs/current/wal-async-commit.html>
const DURABLE: &str =
    "SELECT set_config('synchronous_commit', 'on', true) WHERE current_setting('synchronous_commit') = 'off'";

/// Who may change roles.
pub(crate) struct Login {
    pub(crate) user: String,
    pub(crate) password: PasswordSource,
}

/// The sessions of one login.
pub(crate) struct Admin {
    pub(crate) address: Arc<Address>,
    pub(crate) login: Login,
    clock: Arc<dyn Clock>,
    resting: Mutex<Vec<Resting>>,
    places: Semaphore,
}

struct Resting {
    session: Session,
    since: Duration,
}

/// One of the sessions, for one call. Dropped without [`Borrowed::give_back`] it is cut: nobody knows what it was doing.
pub(crate) struct Borrowed<'a> {
    admin: &'a Admin,
    session: Session,
    _place: SemaphorePermit<'a>,
}

impl Admin {
    pub(crate) fn new(address: Arc<Address>, login: Login, clock: Arc<dyn Clock>) -> Self {
        Self { address, login, clock, resting: Mutex::default(), places: Semaphore::new(MOST) }
    }

    /// A session in which nothing has been done yet.
    ///
    /// # Errors
    /// Whatever keeps keywheel out. Nothing was changed.
    pub(crate) async fn borrow(&self, operation: &'static str) -> Result<Borrowed<'_>> {
        let place = self
            .places
            .acquire()
            .await
            .map_err(|_| Error::not_applied(ErrorKind::Internal, operation, "the sessions are closed"))?;
        let session = match self.rested().await {
            Some(session) => session,
            None => self.enter(operation).await?,
        };
        Ok(Borrowed { admin: self, session, _place: place })
    }

    async fn rested(&self) -> Option<Session> {
        loop {
            let resting = self.resting.lock().unwrap_or_else(PoisonError::into_inner).pop()?;
            if resting.session.is_closed() {
                continue;
            }
            let rested = self.clock.running().saturating_sub(resting.since);
            if rested < FRESH || resting.session.client().check_connection().await.is_ok() {
                return Some(resting.session);
            }
        }
    }

    /// Logs in with the password as it is now, and once more if it was replaced meanwhile.
    async fn enter(&self, operation: &'static str) -> Result<Session> {
        let user = &self.login.user;
        let password = self.login.password.read()?;
        let refused = match self.address.login(operation, user, &password).await {
            Ok(session) => return Ok(session),
            Err(refused @ NoLogin::Refused) => refused,
            Err(failed @ NoLogin::Failed(_)) => {
                return Err(failed.into_error(operation, &self.address, user));
            }
        };
        let again = self.login.password.read()?;
        if again.same_as(&password) {
            return Err(refused.into_error(operation, &self.address, user));
        }
        let session = self.address.login(operation, user, &again).await;
        session.map_err(|failed| failed.into_error(operation, &self.address, user))
    }
}

impl Borrowed<'_> {
    pub(crate) fn session(&self) -> &Session {
        &self.session
    }

    /// For the next call. Only after the last statement was answered.
    pub(crate) fn give_back(self) {
        let Self { admin, session, _place } = self;
        let resting = Resting { session, since: admin.clock.running() };
        admin.resting.lock().unwrap_or_else(PoisonError::into_inner).push(resting);
    }
}

/// How long statements of a call may take, as the server is told.
#[derive(Clone, Copy)]
pub(crate) struct Limits {
    left: Duration,
}

impl Limits {
    /// What is left until the deadline.
    ///
    /// # Errors
    /// `TimedOut` when it has passed.
    pub(crate) fn until(context: &CallContext, clock: &dyn Clock, operation: &'static str) -> Result<Self> {
        let left = context.deadline.saturating_sub(clock.running()).min(LONGEST);
        if left.is_zero() {
            return Err(too_late(operation));
        }
        Ok(Self { left })
    }

    /// `statements` in one transaction that keeps to the limits, and is answered when it is durable. Sent as one message, it
    /// is one transaction to the server:
    /// <https://www.postgresql.org/docs/current/protocol-flow.html#PROTOCOL-FLOW-MULTI-STATEMENT>.
    ///
    /// # Errors
    /// The server's answer, or that there was none: then the change may have been made.
    pub(crate) async fn run(
        self,
        session: &Session,
        operation: &'static str,
        statements: &[String],
    ) -> Result<()> {
        // The server has all of them at once and counts for each by itself; a part is kept for its answer.
        let each = self.left / u32::try_from(statements.len().max(1)).unwrap_or(u32::MAX);
        let (statement, lock) = ((each * 9 / 10).as_millis(), (each * 8 / 10).as_millis());
        if lock == 0 {
            // It would mean "without a limit".
            return Err(too_late(operation));
        }
        let all = format!(
            "SET LOCAL statement_timeout = {statement}; SET LOCAL lock_timeout = {lock}; {DURABLE}; {}",
            statements.join("; ")
        );
        let done = session.client().batch_execute(&all).await;
        done.map_err(|error| failure::of_statement(&error, operation, Effect::MaybeApplied))
    }
}

fn too_late(operation: &'static str) -> Error {
    let message = "the time for this call was over before anything was changed";
    Error::not_applied(ErrorKind::TimedOut, operation, message)
}
