//! One declared server.

use std::sync::Arc;

use keywheel_core::{
    Clock, Error, ErrorKind, Identity, Result,
    provider::{Connection, Target},
    rotator::{Rotator, Strategy},
};
use tokio::sync::Mutex;

use crate::{
    changes::Changes,
    rotator::RedisRotator,
    server::{Address, Login, Session, as_administrator},
};

/// Whom a password is for that is for nobody in particular: also what `requirepass` protects.
pub(crate) const DEFAULT_USER: &str = "default";

/// A declared target of kind `redis`.
pub struct RedisTarget(Arc<Shared>);

/// What the rotators of one target share.
pub(crate) struct Shared {
    pub(crate) address: Address,
    pub(crate) login: Option<Login>,
    pub(crate) strategy: Strategy,
    pub(crate) flush_sessions: bool,
    pub(crate) persists: bool,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) session: Mutex<Option<Session>>,
    pub(crate) changes: Changes,
}

impl RedisTarget {
    pub(crate) fn new(shared: Shared) -> Self {
        Self(Arc::new(shared))
    }
}

impl Shared {
    /// The administrator's connection: the one that is open, or a new one.
    pub(crate) async fn session(&self, operation: &'static str, login: &Login) -> Result<Session> {
        let mut kept = self.session.lock().await;
        if let Some(session) = kept.as_ref().filter(|session| !session.link.is_closed()) {
            return Ok(session.clone());
        }
        let link = as_administrator(&self.address, login).await?;
        let session = Session::begin(operation, link, self.persists).await?;
        Ok(kept.insert(session).clone())
    }

    /// Has the next call connect anew: what was found out about the server may be wrong by now.
    pub(crate) async fn forget(&self, session: &Session) {
        let mut kept = self.session.lock().await;
        if kept.as_ref().is_some_and(|kept| kept.link.is(&session.link)) {
            *kept = None;
        }
    }

    /// Whether there is time left to begin something.
    pub(crate) fn check_time(&self, operation: &'static str, deadline: std::time::Duration) -> Result<()> {
        if self.clock.running() < deadline {
            return Ok(());
        }
        Err(Error::not_applied(ErrorKind::TimedOut, operation, "there was no time left to begin it"))
    }
}

impl Target for RedisTarget {
    fn describe(&self) -> String {
        let Address { host, port, tls } = &self.0.address;
        let how = if tls.is_some() { " with TLS" } else { "" };
        format!("Redis at {host}:{port}{how}")
    }

    fn strategy(&self) -> Strategy {
        self.0.strategy
    }

    fn connection(&self) -> Option<Connection> {
        let Address { host, port, .. } = &self.0.address;
        Some(Connection { engine: "redis", host: host.clone(), port: *port, database: None })
    }

    fn rotator(&self, identity: Option<&Identity>) -> Arc<dyn Rotator> {
        Arc::new(RedisRotator::new(Arc::clone(&self.0), identity.cloned()))
    }
}
