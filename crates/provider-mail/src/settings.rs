//! The settings of a notice of kind `smtp`.

use std::{net::IpAddr, path::PathBuf, sync::Arc};

use keywheel_core::{
    inventory::CredentialRef,
    message::Messenger,
    provider::{Channel, Mistake, Surroundings},
};
use lettre::message::Mailbox;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::messenger::SmtpMessenger;

/// A server that takes mail, and whom it is for.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct SmtpSettings {
    /// The server's name, which its certificate has to bear, or its address.
    pub server: String,
    /// The port. Default: 587, with `tls: implicit` 465, with `tls: none` 25.
    pub port: Option<u16>,
    /// How the connection is encrypted. Default: starttls.
    #[serde(default)]
    pub tls: Tls,
    /// A PEM file with the certificate authorities to believe, and no others. Default: those of the system.
    pub ca_file: Option<String>,
    /// The user to log in as. Default: no login.
    pub username: Option<String>,
    /// The user's password.
    pub password: Option<CredentialRef>,
    /// Whom the mail is from: `keywheel <keywheel@example.org>`.
    pub from: String,
    /// Whom it is for.
    pub to: Vec<String>,
}

/// How a connection is encrypted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Tls {
    /// After a greeting in the clear; no mail and no password is sent if the server does not offer it.
    #[default]
    Starttls,
    /// From the first byte.
    Implicit,
    /// Not at all: for a server on this machine.
    None,
}

/// A declared channel of kind `smtp`.
pub struct SmtpChannel {
    description: String,
    messenger: Arc<SmtpMessenger>,
}

/// Where the server is, and how it is spoken to.
pub(crate) struct Server {
    pub(crate) name: String,
    pub(crate) port: u16,
    pub(crate) tls: Tls,
    pub(crate) ca_file: Option<PathBuf>,
    pub(crate) login: Option<(String, CredentialRef)>,
}

impl SmtpSettings {
    /// Checks the settings, without looking at the network.
    ///
    /// # Errors
    /// Every mistake, not only the first.
    pub fn resolve(self, surroundings: &Surroundings) -> Result<SmtpChannel, Vec<Mistake>> {
        const LIKE: &str = "write it like `keywheel <keywheel@example.org>`";
        let mut mistakes = Vec::new();
        let mut mistake = |field, message: String, hint| mistakes.push(Mistake::new(field, message, hint));
        if self.server.is_empty()
            || self.server.contains(|letter: char| letter == '/' || letter.is_whitespace())
        {
            mistake(
                "server",
                "this is not the name of a server".to_owned(),
                "write it like `mail.example.org`",
            );
        }
        if self.tls == Tls::None && !is_loopback(&self.server) {
            let message = "the mail, and a password, would cross the network unencrypted".to_owned();
            mistake("tls", message, "leave `tls` out, or write `tls: implicit`; `none` is for this machine");
        }
        let login = match (self.username, self.password) {
            (Some(user), Some(password)) => Some((user, password.beside(&surroundings.base))),
            (None, None) => None,
            (Some(_), None) => {
                mistake(
                    "username",
                    "a user without a password".to_owned(),
                    "add `password: ${env:SMTP_PASSWORD}`",
                );
                None
            }
            (None, Some(_)) => {
                mistake("password", "a password without a user".to_owned(), "add `username`");
                None
            }
        };
        let from: Option<Mailbox> = self.from.parse().ok();
        if from.is_none() {
            mistake("from", "this is not a mail address".to_owned(), LIKE);
        }
        if self.to.is_empty() {
            mistake("to", "nobody gets the mail".to_owned(), LIKE);
        }
        let to: Vec<Mailbox> = self.to.iter().filter_map(|address| address.parse().ok()).collect();
        if to.len() < self.to.len() {
            mistake("to", "one of these is not a mail address".to_owned(), LIKE);
        }
        let Some(from) = from.filter(|_| mistakes.is_empty()) else { return Err(mistakes) };
        let server = Server {
            port: self.port.unwrap_or(match self.tls {
                Tls::Starttls => 587,
                Tls::Implicit => 465,
                Tls::None => 25,
            }),
            name: self.server,
            tls: self.tls,
            ca_file: self.ca_file.map(|path| surroundings.base.join(path)),
            login,
        };
        let recipients: Vec<String> = to.iter().map(|mailbox| mailbox.email.to_string()).collect();
        Ok(SmtpChannel {
            description: format!("mail to {} through {}:{}", recipients.join(", "), server.name, server.port),
            messenger: Arc::new(SmtpMessenger::new(server, from, to)),
        })
    }
}

fn is_loopback(server: &str) -> bool {
    server == "localhost" || server.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

impl Channel for SmtpChannel {
    fn describe(&self) -> String {
        self.description.clone()
    }

    fn messenger(&self) -> Arc<dyn Messenger> {
        Arc::clone(&self.messenger) as _
    }
}
