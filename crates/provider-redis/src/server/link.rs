//! One connection.

use std::{io, sync::Arc};

use keywheel_core::{Effect, Result};
use redis::{AsyncConnectionConfig, RedisConnectionInfo, RedisResult, aio::MultiplexedConnection};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
    sync::watch,
    task::AbortHandle,
};
use tokio_rustls::TlsConnector;

use super::{
    failure::{classify, from_io},
    tls::TlsFiles,
};

const CONNECT: &str = "connect";

/// Where a server is, and how it is spoken to.
pub(crate) struct Address {
    pub(crate) host: String,
    pub(crate) port: u16,
    pub(crate) tls: Option<TlsFiles>,
}

/// A connection. It is closed when its last clone is dropped, whatever has not been sent by then.
#[derive(Clone)]
pub(crate) struct Link {
    pub(crate) connection: MultiplexedConnection,
    driver: Arc<Driver>,
    /// Closed as soon as nobody carries replies any more.
    ended: watch::Receiver<()>,
}

/// The task that carries requests and replies.
struct Driver(AbortHandle);

impl Drop for Driver {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Closes the connection unless it is told that the request was answered: a request that its caller has given up must not
/// be sent any more.
pub(crate) struct GivenUp<'a>(Option<&'a Driver>);

impl GivenUp<'_> {
    pub(crate) fn answered(mut self) {
        self.0 = None;
    }
}

impl Drop for GivenUp<'_> {
    fn drop(&mut self) {
        if let Some(driver) = self.0 {
            driver.0.abort();
        }
    }
}

impl Link {
    /// Connects, without logging in.
    pub(crate) async fn open(address: &Address) -> Result<Self> {
        let failed = |error| from_io(CONNECT, Effect::NotApplied, &error);
        // Before anything is sent: a missing file is the operator's affair, not the network's.
        let tls = match &address.tls {
            Some(files) => Some((files.server_name()?, TlsConnector::from(files.config()?))),
            None => None,
        };
        let stream = TcpStream::connect((address.host.as_str(), address.port)).await.map_err(failed)?;
        stream.set_nodelay(true).map_err(failed)?;
        match tls {
            Some((name, connector)) => {
                Self::over(connector.connect(name, stream).await.map_err(failed)?).await
            }
            None => Self::over(stream).await,
        }
    }

    async fn over(stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static) -> Result<Self> {
        // The login is a request of our own, for the server's exact answer; the engine bounds every call in time.
        let silent = RedisConnectionInfo::default().set_skip_set_lib_name();
        let config = AsyncConnectionConfig::new().set_response_timeout(None);
        let (connection, driver) = MultiplexedConnection::new_with_config(&silent, stream, config)
            .await
            .map_err(|error| classify(CONNECT, Effect::NotApplied, &error))?;
        let (carries, ended) = watch::channel(());
        let carrying = tokio::spawn(async move {
            driver.await;
            drop(carries);
        });
        Ok(Self { connection, driver: Arc::new(Driver(carrying.abort_handle())), ended })
    }

    /// Waits for the reply, or for the end of the connection: a request that is handed over in the very moment in which the
    /// connection ends would wait for ever.
    pub(crate) async fn reply<T>(&self, request: impl Future<Output = RedisResult<T>>) -> RedisResult<T> {
        let mut ended = self.ended.clone();
        tokio::select! {
            biased;
            reply = request => reply,
            _ = ended.changed() => Err(io::Error::from(io::ErrorKind::ConnectionAborted).into()),
        }
    }

    /// Whether nothing can be sent any more.
    pub(crate) fn is_closed(&self) -> bool {
        self.driver.0.is_finished()
    }

    /// Whether both are the same connection.
    pub(crate) fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.driver, &other.driver)
    }

    /// Ends the connection when the caller is dropped before it says that it was answered.
    pub(crate) fn unless_answered(&self) -> GivenUp<'_> {
        GivenUp(Some(&self.driver))
    }
}
