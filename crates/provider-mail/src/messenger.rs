//! Sends mail through one server.

use std::{path::Path, time::Duration};

use async_trait::async_trait;
use keywheel_core::{
    Effect, Error, ErrorKind, Result,
    inventory::CredentialRef,
    message::{Message, Messenger},
    provider::Finding,
};
use lettre::{
    AsyncSmtpTransport, AsyncTransport, Tokio1Executor,
    message::Mailbox,
    transport::smtp::{
        authentication::Credentials,
        client::{Certificate, CertificateStore, Tls as Encryption, TlsParameters},
    },
};
use tokio::{task::spawn_blocking, time::timeout};

use crate::{
    failure::failed,
    mail::mail,
    settings::{Server, Tls},
};

pub(crate) const OPERATION: &str = "send mail";

/// How long `doctor` waits for a server.
const LOOK_TIME: Duration = Duration::from_secs(10);

type Transport = AsyncSmtpTransport<Tokio1Executor>;

/// Sends each message as a mail of its own, over a connection of its own.
pub struct SmtpMessenger {
    server: Server,
    from: Mailbox,
    to: Vec<Mailbox>,
}

impl SmtpMessenger {
    pub(crate) fn new(server: Server, from: Mailbox, to: Vec<Mailbox>) -> Self {
        Self { server, from, to }
    }

    fn name(&self) -> String {
        format!("{}:{}", self.server.name, self.server.port)
    }

    /// Made anew for each mail: whoever changes the password or the authorities need not restart keywheel.
    async fn transport(&self, limit: Duration) -> Result<Transport> {
        let mut builder = Transport::builder_dangerous(&self.server.name)
            .port(self.server.port)
            .timeout(Some(limit))
            .tls(self.encryption().await?);
        if let Some((user, password)) = &self.server.login {
            builder = builder.credentials(credentials(user, password)?);
        }
        Ok(builder.build())
    }

    async fn encryption(&self) -> Result<Encryption> {
        let wrap: fn(TlsParameters) -> Encryption = match self.server.tls {
            Tls::None => return Ok(Encryption::None),
            Tls::Starttls => Encryption::Required,
            Tls::Implicit => Encryption::Wrapper,
        };
        let (name, file) = (self.server.name.clone(), self.server.ca_file.clone());
        // It reads certificates.
        let parameters = spawn_blocking(move || parameters(name, file.as_deref())).await;
        let panicked =
            |_| Error::not_applied(ErrorKind::Internal, OPERATION, "reading certificates panicked");
        parameters.map_err(panicked)?.map(wrap)
    }
}

fn parameters(name: String, file: Option<&Path>) -> Result<TlsParameters> {
    let unusable = |why: &str| Error::not_applied(ErrorKind::InvalidConfig, OPERATION, why.to_owned());
    let mut builder = TlsParameters::builder(name);
    if let Some(path) = file {
        let text = std::fs::read(path).map_err(|error| {
            Error::from_io(OPERATION, Effect::NotApplied, error).with("ca-file", path.display())
        })?;
        let certificate = Certificate::from_pem(&text)
            .map_err(|_| unusable("there is no certificate in it").with("ca-file", path.display()))?;
        builder = builder.certificate_store(CertificateStore::None).add_root_certificate(certificate);
    }
    builder
        .build_rustls()
        .map_err(|_| unusable("TLS cannot be set up: look at `ca-file`, or install ca-certificates"))
}

fn credentials(user: &str, password: &CredentialRef) -> Result<Credentials> {
    let value = password.read()?;
    let text = std::str::from_utf8(value.expose_secret()).map_err(|_| {
        Error::not_applied(ErrorKind::InvalidConfig, OPERATION, "the password is not UTF-8")
            .with("credential", password)
    })?;
    // The library keeps its own copy while the connection lives.
    Ok(Credentials::new(user.to_owned(), text.to_owned()))
}

#[async_trait]
impl Messenger for SmtpMessenger {
    async fn send(&self, message: &Message, limit: Duration) -> Result<()> {
        let mail = mail(message, &self.from, &self.to)?;
        let transport = self.transport(limit).await?;
        match timeout(limit, transport.send(mail)).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(error)) => Err(failed(&self.name(), &error)),
            Err(_) => {
                let words = format!("{} gave no answer in time", self.name());
                Err(Error::maybe_applied(ErrorKind::TimedOut, OPERATION, words))
            }
        }
    }

    /// Logs in and sends nothing.
    async fn examine(&self) -> Vec<Finding> {
        let trouble = match self.transport(LOOK_TIME).await {
            Err(error) => Some(error),
            Ok(transport) => match timeout(LOOK_TIME, transport.test_connection()).await {
                Ok(Ok(true)) => None,
                Ok(Ok(false)) | Err(_) => {
                    let words = format!("{} gave no answer in time", self.name());
                    Some(Error::not_applied(ErrorKind::TimedOut, OPERATION, words))
                }
                Ok(Err(error)) => Some(failed(&self.name(), &error)),
            },
        };
        let finding = trouble.map(|error| {
            let hint = "correct the settings of the notice, or look after the mail server";
            if error.kind.is_transient() {
                Finding::warning(error.to_string(), hint)
            } else {
                Finding::error(error.to_string(), hint)
            }
        });
        finding.into_iter().collect()
    }
}
