//! What all operations of one store have in common.

use std::{
    sync::{
        Arc, Mutex as Short, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use keywheel_core::{Clock, Error, ErrorKind, Result, SecretValue};
use reqwest::{Client, Url, header::HeaderValue, redirect::Policy};
use tokio::sync::Mutex;

use crate::{
    auth::{Auth, Held},
    settings::is_loopback,
    tls::{self, Tls},
};

/// How long a server may take to accept a connection, and to answer.
pub(super) const PATIENCE: Duration = Duration::from_secs(10);

/// How long a client is kept, with the system's authorities that it read, and a connection that nobody uses. No server and no
/// gateway closes idle connections as fast as that.
const KEPT: Duration = Duration::from_secs(5);

/// Who sends requests.
#[derive(Clone)]
pub(super) struct Clients {
    /// Over connections that are used again. One that died unnoticed leaves it open whether a request arrived, as a network may
    /// at any time: for looks, and for what does no harm a second time.
    pub(super) again: Client,
    /// Over a connection of its own.
    pub(super) once: Client,
}

/// Clients, when they were made, in running time of the clock, and what was in the files that the settings name.
struct Made {
    clients: Clients,
    at: Duration,
    files: Vec<SecretValue>,
}

impl Made {
    fn is_of(&self, files: &[SecretValue]) -> bool {
        self.files.len() == files.len() && self.files.iter().zip(files).all(|(ours, now)| ours.same_as(now))
    }
}

/// Where the server is, who we are, and the token that a login gave.
pub(crate) struct Shared {
    pub(crate) address: Url,
    pub(crate) namespace: Option<HeaderValue>,
    pub(crate) auth: Auth,
    pub(crate) clock: Arc<dyn Clock>,
    pub(super) held: Mutex<Option<Held>>,
    tls: Tls,
    made: Short<Option<Made>>,
    /// The mount was seen to be one that can be used.
    judged: AtomicBool,
}

impl Shared {
    pub(crate) fn new(
        address: Url,
        namespace: Option<HeaderValue>,
        tls: Tls,
        auth: Auth,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let (held, made, judged) = (Mutex::default(), Short::default(), AtomicBool::new(false));
        Self { address, namespace, auth, clock, held, tls, made, judged }
    }

    /// The clients of all operations that begin within a moment. Files are read anew each time: whoever renews a certificate need
    /// not restart anything.
    pub(super) fn clients(&self, operation: &'static str) -> Result<Clients> {
        let now = self.clock.running();
        let files = tls::files(&self.tls)?;
        // They are whole or not there.
        let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        let fresh = |made: &&Made| now.saturating_sub(made.at) < KEPT && made.is_of(&files);
        if let Some(made) = made.as_ref().filter(fresh) {
            return Ok(made.clients.clone());
        }
        let config = tls::config(&self.tls, self.address.scheme() == "http")?;
        let build = |connections_kept: usize| {
            let builder = Client::builder()
                .tls_backend_preconfigured(config.clone())
                .redirect(Policy::none())
                .connect_timeout(PATIENCE)
                .pool_idle_timeout(KEPT)
                .pool_max_idle_per_host(connections_kept)
                .user_agent(concat!("keywheel/", env!("CARGO_PKG_VERSION")));
            // The environment's proxy is for the network, not for this machine.
            let builder = if is_loopback(&self.address) { builder.no_proxy() } else { builder };
            builder.build().map_err(|_| {
                Error::not_applied(ErrorKind::Internal, operation, "the HTTP client cannot be made")
            })
        };
        let clients = Clients { again: build(usize::MAX)?, once: build(0)? };
        *made = Some(Made { clients: clients.clone(), at: now, files });
        Ok(clients)
    }

    pub(crate) fn is_judged(&self) -> bool {
        self.judged.load(Ordering::Relaxed)
    }

    pub(crate) fn judged(&self) {
        self.judged.store(true, Ordering::Relaxed);
    }
}
