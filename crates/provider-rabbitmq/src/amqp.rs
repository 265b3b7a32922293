//! A login as an application makes it: the handshake of AMQP 0-9-1, up to the server's word on the credential.

use std::{io, sync::Arc, time::Duration};

use amq_protocol::{
    frame::{AMQPFrame, ProtocolVersion, WriteContext, gen_frame, parse_frame},
    protocol::{
        AMQPClass, AMQPSoftError,
        connection::{AMQPMethod, StartOk},
    },
    types::{AMQPValue, FieldTable, LongString, ShortString},
};
use keywheel_core::{Effect, Error, ErrorKind, Result, SecretValue, rotator::Probe};
use rustls::pki_types::ServerName;
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};
use tokio_rustls::TlsConnector;
use zeroize::Zeroizing;

use crate::{
    target::Shared,
    tls::{self, is_distrust},
};

const OPERATION: &str = "log in";

/// How long a login may take. The server hashes once and looks into a table.
const PATIENCE: Duration = Duration::from_secs(10);

/// More than any method of the handshake has.
const LARGEST_BYTES: usize = 128 * 1024;

const LOCALE: &str = "en_US";

trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// Whether the server takes this credential. It says so before a virtual host is opened: what the user may do there is of no
/// concern, and no connection of the user's number is used up.
pub(crate) async fn log_in(shared: &Shared, user: &str, password: &SecretValue) -> Result<Probe> {
    in_time(async {
        let mut conversation = Conversation::open(shared).await?;
        conversation.greeted().await?;
        conversation.stream.write_all(&start_ok(user, password)?).await.map_err(|error| broken(&error))?;
        let answer = conversation.method().await?;
        if let AMQPMethod::Close(close) = answer {
            if close.reply_code == AMQPSoftError::ACCESSREFUSED.get_id() {
                return Ok(Probe::Rejected);
            }
            let message = "the server ended the login for a reason of its own; its log says why";
            let error = Error::not_applied(ErrorKind::Unavailable, OPERATION, message);
            return Err(error.with("code", close.reply_code));
        }
        if matches!(answer, AMQPMethod::Secure(_)) {
            let message = "the server wants more than a name and a password";
            return Err(Error::not_applied(ErrorKind::Unsupported, OPERATION, message));
        }
        // It goes on to the numbers of the connection: the credential is good.
        if matches!(answer, AMQPMethod::Tune(_)) { Ok(Probe::Accepted) } else { Err(strange()) }
    })
    .await
}

/// Whether something there speaks AMQP and takes passwords.
pub(crate) async fn knock(shared: &Shared) -> Result<()> {
    in_time(async { Conversation::open(shared).await?.greeted().await }).await
}

async fn in_time<T>(login: impl Future<Output = Result<T>>) -> Result<T> {
    timeout(PATIENCE, login).await.unwrap_or_else(|_| {
        Err(Error::not_applied(ErrorKind::TimedOut, OPERATION, "the server gave no answer in time"))
    })
}

struct Conversation {
    stream: Box<dyn Stream>,
    received: Vec<u8>,
}

impl Conversation {
    async fn open(shared: &Shared) -> Result<Self> {
        let address = (shared.host.as_str(), shared.amqp_port);
        let stream: Box<dyn Stream> = if let Some(path) = &shared.root_certificate {
            let name = ServerName::try_from(shared.host.clone()).map_err(|_| {
                let message = "no certificate can be for this host";
                Error::not_applied(ErrorKind::InvalidConfig, OPERATION, message).with("host", &shared.host)
            })?;
            let connector = TlsConnector::from(Arc::new(tls::config(Some(path))?));
            let stream = TcpStream::connect(address).await.map_err(|error| broken(&error))?;
            Box::new(connector.connect(name, stream).await.map_err(|error| broken(&error))?)
        } else {
            Box::new(TcpStream::connect(address).await.map_err(|error| broken(&error))?)
        };
        Ok(Self { stream, received: Vec::new() })
    }

    /// Begins, and reads the server's greeting.
    async fn greeted(&mut self) -> Result<()> {
        let header = generated(&AMQPFrame::ProtocolHeader(ProtocolVersion::amqp_0_9_1()), 16)?;
        self.stream.write_all(&header).await.map_err(|error| broken(&error))?;
        let AMQPMethod::Start(start) = self.method().await? else { return Err(strange()) };
        if start.mechanisms.to_string().split_whitespace().any(|known| known == "PLAIN") {
            return Ok(());
        }
        let message = "the server takes no passwords over AMQP (`auth_mechanisms` lacks PLAIN)";
        Err(Error::not_applied(ErrorKind::Unsupported, OPERATION, message))
    }

    async fn method(&mut self) -> Result<AMQPMethod> {
        loop {
            let parsed = match parse_frame(self.received.as_slice()) {
                Ok((rest, frame)) => Some((rest.len(), frame)),
                Err(error) if error.is_incomplete() => None,
                Err(_) => return Err(strange()),
            };
            if let Some((rest, frame)) = parsed {
                self.received.drain(..self.received.len() - rest);
                let AMQPFrame::Method(0, AMQPClass::Connection(method)) = frame else {
                    return Err(strange());
                };
                return Ok(method);
            }
            if self.received.len() > LARGEST_BYTES {
                return Err(strange());
            }
            match self.stream.read_buf(&mut self.received).await {
                Ok(0) => {
                    let message = "the server closed the connection without an answer";
                    return Err(Error::not_applied(ErrorKind::Unavailable, OPERATION, message));
                }
                Ok(_) => {}
                Err(error) => return Err(broken(&error)),
            }
        }
    }
}

/// The frame with the credential (SASL PLAIN), wiped after use.
fn start_ok(user: &str, password: &SecretValue) -> Result<Zeroizing<Vec<u8>>> {
    let secret = password.expose_secret();
    let length = user.len() + secret.len() + 2;
    let mut capabilities = FieldTable::default();
    // Else it closes the connection without a word, as after any other trouble.
    capabilities.insert(ShortString::from("authentication_failure_close"), AMQPValue::Boolean(true));
    let mut properties = FieldTable::default();
    let text = |text: &str| AMQPValue::LongString(LongString::from(text));
    properties.insert(ShortString::from("product"), text("keywheel"));
    properties.insert(ShortString::from("version"), text(env!("CARGO_PKG_VERSION")));
    properties.insert(ShortString::from("capabilities"), AMQPValue::FieldTable(capabilities));
    let method = AMQPMethod::StartOk(StartOk {
        client_properties: properties,
        mechanism: ShortString::from("PLAIN"),
        // Nobody wipes what is kept here: it only has the length.
        response: LongString::from(vec![0; length]),
        locale: ShortString::from(LOCALE),
    });
    let mut frame = generated(&AMQPFrame::Method(0, AMQPClass::Connection(method)), 1024 + length)?;
    // After the response come the locale with its length, and the end of the frame.
    let end = frame.len() - (LOCALE.len() + 2);
    let response = &mut frame[end - length..end];
    response[1..=user.len()].copy_from_slice(user.as_bytes());
    response[user.len() + 2..].copy_from_slice(secret);
    Ok(frame)
}

fn generated(frame: &AMQPFrame, capacity: usize) -> Result<Zeroizing<Vec<u8>>> {
    let buffer = WriteContext::from(Vec::with_capacity(capacity));
    let written = gen_frame(frame)(buffer)
        .map_err(|_| Error::not_applied(ErrorKind::Internal, OPERATION, "the request cannot be written"))?;
    Ok(Zeroizing::new(written.into_inner().0))
}

fn broken(error: &io::Error) -> Error {
    if is_distrust(error) {
        let message = format!("TLS could not be agreed on: {error}");
        return Error::not_applied(ErrorKind::InvalidConfig, OPERATION, message);
    }
    let kind =
        if error.kind() == io::ErrorKind::TimedOut { ErrorKind::TimedOut } else { ErrorKind::Unavailable };
    Error {
        effect: Effect::NotApplied,
        ..Error::not_applied(kind, OPERATION, format!("no connection: {error}"))
    }
}

fn strange() -> Error {
    let message = "what answers does not speak AMQP 0-9-1: check `amqp-port` and `tls`";
    Error::not_applied(ErrorKind::Unsupported, OPERATION, message)
}
