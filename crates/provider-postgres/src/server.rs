//! Logging in to a server.

use std::{
    collections::HashMap,
    fmt,
    net::IpAddr,
    sync::{Mutex, PoisonError},
};

use keywheel_core::{Error, ErrorKind, Result, SecretValue};
use tokio::task::JoinHandle;
use tokio_postgres::{
    Client, Config, Row, Statement,
    types::{ToSql, Type},
};

use crate::{failure, tls::Tls};

/// What keywheel calls itself in `pg_stat_activity`.
pub(crate) const APPLICATION: &str = "keywheel";

/// Where a server is and how it is reached.
pub(crate) struct Address {
    pub(crate) host: String,
    pub(crate) port: u16,
    pub(crate) database: String,
    pub(crate) tls: Tls,
}

/// Why nobody was let in.
pub(crate) enum NoLogin {
    /// The server refuses this role with this password.
    Refused,
    /// Anything else.
    Failed(Error),
}

/// A connection. Dropped, it is cut at once: what was not sent yet stays unsent.
pub(crate) struct Session {
    client: Client,
    prepared: Mutex<HashMap<&'static str, Statement>>,
    driver: Driver,
}

/// What carries statements and answers. It ends with its session.
struct Driver(JoinHandle<()>);

impl Address {
    /// Whether what is sent stays on this machine.
    pub(crate) fn is_local(&self) -> bool {
        is_local(&self.host)
    }

    /// Logs in. The library keeps a copy of the password that is not wiped when it is freed.
    pub(crate) async fn login(
        &self,
        operation: &'static str,
        role: &str,
        password: &SecretValue,
    ) -> Result<Session, NoLogin> {
        let connector = self.tls.connector().map_err(NoLogin::Failed)?;
        let mut config = Config::new();
        config
            .host(&self.host)
            .port(self.port)
            .dbname(&self.database)
            .user(role)
            .password(password.expose_secret())
            .application_name(APPLICATION)
            .ssl_mode(self.tls.wire());
        match config.connect(connector).await {
            Ok((client, connection)) => {
                let driver = tokio::spawn(async move {
                    // How it ended is seen by whoever waits for an answer.
                    let _ended = connection.await;
                });
                Ok(Session { client, prepared: Mutex::default(), driver: Driver(driver) })
            }
            Err(error) => {
                if failure::is_handshake(&error) {
                    self.tls.forget();
                }
                Err(failure::of_login(&error, operation, self, role))
            }
        }
    }
}

/// Whether what is sent to `host` stays on this machine.
pub(crate) fn is_local(host: &str) -> bool {
    host.starts_with('/')
        || host.eq_ignore_ascii_case("localhost")
        || host.parse().is_ok_and(|address: IpAddr| address.is_loopback())
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}/{}", self.host, self.port, self.database)
    }
}

impl NoLogin {
    /// The error of an operation that needs the login of `role`: it did not begin.
    pub(crate) fn into_error(self, operation: &'static str, address: &Address, role: &str) -> Error {
        match self {
            Self::Failed(error) => error,
            Self::Refused => Error::not_applied(
                ErrorKind::Unauthenticated,
                operation,
                "the server refuses the role and password with which keywheel logs in to make changes: the password \
                 is wrong or expired, or the role may not log in",
            )
            .with("server", address)
            .with("login", role),
        }
    }
}

impl Session {
    /// What sends statements.
    pub(crate) fn client(&self) -> &Client {
        &self.client
    }

    /// Asks something. A question that comes again was prepared by then.
    pub(crate) async fn ask(
        &self,
        question: &'static str,
        parameters: &[&str],
    ) -> Result<Vec<Row>, tokio_postgres::Error> {
        let known = self.prepared.lock().unwrap_or_else(PoisonError::into_inner).get(question).cloned();
        let statement = if let Some(known) = known {
            known
        } else {
            let texts = vec![Type::TEXT; parameters.len()];
            let fresh = self.client.prepare_typed(question, &texts).await?;
            let mut prepared = self.prepared.lock().unwrap_or_else(PoisonError::into_inner);
            prepared.insert(question, fresh.clone());
            fresh
        };
        let parameters: Vec<_> = parameters.iter().map(|text| text as &(dyn ToSql + Sync)).collect();
        self.client.query(&statement, &parameters).await
    }

    /// Whether it has come to an end already.
    pub(crate) fn is_closed(&self) -> bool {
        self.client.is_closed()
    }

    /// Says goodbye, and waits until that is sent.
    pub(crate) async fn close(self) {
        let Self { client, mut driver, .. } = self;
        drop(client);
        let _ended = (&mut driver.0).await;
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        self.0.abort();
    }
}
