//! Sessions in which accounts are looked at and changed.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use keywheel_core::{
    CallContext, Clock, Effect, Error, ErrorKind, Result, SecretValue, provider::PasswordSource,
};
use mysql_async::{
    Conn,
    prelude::{FromRow, Queryable},
};
use tokio::sync::{Semaphore, SemaphorePermit};

use crate::{
    failure::{REFUSED, failed},
    flavour::{Flavour, Server},
    place::{Place, text},
    sql::SETUP,
};

/// How many sessions of the administrator there are at once, and how many wait for work.
const MOST_SESSIONS: usize = 4;
const MOST_IDLE: usize = 2;

/// The administrator.
pub(crate) struct Login {
    pub(crate) user: String,
    pub(crate) password: PasswordSource,
}

/// The sessions of one target, shared by its rotators.
pub(crate) struct Admin {
    pub(crate) place: Place,
    pub(crate) login: Option<Login>,
    clock: Arc<dyn Clock>,
    idle: Mutex<Vec<Conn>>,
    turns: Semaphore,
}

/// One session.
pub(crate) struct Session<'a> {
    conn: Option<Conn>,
    operation: &'static str,
    clock: &'a dyn Clock,
    deadline: Duration,
    /// Something may have been changed by this call.
    changed: bool,
    /// Where the connection goes afterwards.
    home: Option<&'a Mutex<Vec<Conn>>>,
    turn: Option<SemaphorePermit<'a>>,
}

impl Admin {
    pub(crate) fn new(place: Place, login: Option<Login>, clock: Arc<dyn Clock>) -> Self {
        Self { place, login, clock, idle: Mutex::default(), turns: Semaphore::new(MOST_SESSIONS) }
    }

    /// A session of the administrator `login`.
    pub(crate) async fn session<'a>(
        &'a self,
        login: &Login,
        operation: &'static str,
        context: Option<&CallContext>,
    ) -> Result<Session<'a>> {
        let mut session = self.without_conn(operation, context);
        session.home = Some(&self.idle);
        session.turn = self.turns.acquire().await.ok();
        while let Some(mut conn) = self.next_idle() {
            // It may have broken while it waited.
            if conn.ping().await.is_ok() {
                session.conn = Some(conn);
                return Ok(session);
            }
        }
        let password = login.password.read()?;
        session.check_deadline()?;
        let conn = self.place.login(&login.user, text(operation, &password)?, Some(SETUP)).await;
        let conn = conn.map_err(|error| {
            failed(operation, Effect::NotApplied, &error)
                .with("login", &login.user)
                .with("credential", &login.password)
        })?;
        session.conn = Some(conn);
        Ok(session)
    }

    /// A session of the account `user` itself.
    pub(crate) async fn own_session<'a>(
        &'a self,
        user: &str,
        value: &SecretValue,
        operation: &'static str,
        context: Option<&CallContext>,
    ) -> Result<Session<'a>, (Option<u16>, Error)> {
        let mut session = self.without_conn(operation, context);
        session.check_deadline().map_err(|error| (None, error))?;
        let password = text(operation, value).map_err(|error| (None, error))?;
        match self.place.login(user, password, Some(SETUP)).await {
            Ok(conn) => session.conn = Some(conn),
            Err(error) => {
                let code =
                    if let mysql_async::Error::Server(refusal) = &error { Some(refusal.code) } else { None };
                return Err((code, failed(operation, Effect::NotApplied, &error)));
            }
        }
        Ok(session)
    }

    fn without_conn(&self, operation: &'static str, context: Option<&CallContext>) -> Session<'_> {
        Session {
            conn: None,
            operation,
            clock: self.clock.as_ref(),
            deadline: context.map_or(Duration::MAX, |context| context.deadline),
            changed: false,
            home: None,
            turn: None,
        }
    }

    fn next_idle(&self) -> Option<Conn> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop()
    }
}

impl Session<'_> {
    /// What the server is.
    pub(crate) async fn server(&mut self) -> Result<Server> {
        let about: Option<(String, bool)> = self.first("SELECT VERSION(), @@global.read_only").await?;
        let (version, read_only) = about.ok_or_else(|| self.strange())?;
        let mut server = Server { read_only, ..Server::of(&version) };
        server.check_age(self.operation)?;
        if server.flavour == Flavour::MariaDb {
            let asked = "SELECT @@global.strict_password_validation AND EXISTS (SELECT 1 FROM information_schema.PLUGINS \
                 WHERE PLUGIN_TYPE = 'PASSWORD VALIDATION' AND PLUGIN_STATUS = 'ACTIVE')";
            server.wants_clear = self.first(asked).await?.unwrap_or_default();
        }
        Ok(server)
    }

    /// The first row of an answer.
    pub(crate) async fn first<T: FromRow + Send + 'static>(&mut self, sql: &str) -> Result<Option<T>> {
        let (effect, operation) = (self.effect(), self.operation);
        let answer = self.conn()?.query_first(sql).await;
        answer.map_err(|error| self.after(failed(operation, effect, &error)))
    }

    /// All rows of an answer.
    pub(crate) async fn all<T: FromRow + Send + 'static>(&mut self, sql: &str) -> Result<Vec<T>> {
        let (effect, operation) = (self.effect(), self.operation);
        let answer = self.conn()?.query(sql).await;
        answer.map_err(|error| self.after(failed(operation, effect, &error)))
    }

    /// Changes something.
    pub(crate) async fn change(&mut self, sql: &str) -> Result<()> {
        self.check_deadline()?;
        let operation = self.operation;
        let answer = self.conn()?.query_drop(sql).await;
        match answer {
            Ok(()) => {
                self.changed = true;
                Ok(())
            }
            Err(error) => {
                let error = self.reason(error).await;
                Err(self.after(failed(operation, Effect::MaybeApplied, &error)))
            }
        }
    }

    /// `MariaDB` ends a refused change with one number for all reasons, and lists the reasons.
    async fn reason(&mut self, error: mysql_async::Error) -> mysql_async::Error {
        let mysql_async::Error::Server(mut refusal) = error else { return error };
        if refusal.code == REFUSED
            && let Ok(conn) = self.conn()
            && let Ok(reasons) = conn.query::<(String, u16, String), _>("SHOW WARNINGS").await
            && let Some((_, code, _)) = reasons.into_iter().find(|(_, code, _)| *code != REFUSED)
        {
            refusal.code = code;
        }
        mysql_async::Error::Server(refusal)
    }

    /// An error of this call: what was certain about its last request is not about those before.
    pub(crate) fn after(&self, error: Error) -> Error {
        if self.changed { Error { effect: Effect::MaybeApplied, ..error } } else { error }
    }

    pub(crate) fn operation(&self) -> &'static str {
        self.operation
    }

    fn effect(&self) -> Effect {
        if self.changed { Effect::MaybeApplied } else { Effect::NotApplied }
    }

    fn conn(&mut self) -> Result<&mut Conn> {
        let operation = self.operation;
        self.conn.as_mut().ok_or_else(|| {
            Error::not_applied(ErrorKind::Internal, operation, "the session has no connection")
        })
    }

    fn check_deadline(&self) -> Result<()> {
        if self.clock.running() < self.deadline {
            return Ok(());
        }
        let error = Error::not_applied(ErrorKind::TimedOut, self.operation, "the time for this call is over");
        Err(self.after(error))
    }

    fn strange(&self) -> Error {
        let message = "the server answered something that is not understood";
        self.after(Error::not_applied(ErrorKind::Internal, self.operation, message))
    }
}

impl Drop for Session<'_> {
    fn drop(&mut self) {
        let (Some(conn), Some(home)) = (self.conn.take(), self.home) else { return };
        let mut idle = home.lock().unwrap_or_else(PoisonError::into_inner);
        // One that was given up in the middle of a request is closed.
        if !conn.is_disconnected() && idle.len() < MOST_IDLE {
            idle.push(conn);
        }
    }
}
