//! The settings of a rotator of kind `redis`.

use std::sync::Arc;

use keywheel_core::{
    inventory::CredentialRef,
    provider::{Mistake, Surroundings},
    rotator::Strategy,
};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::{
    changes::Changes,
    server::{Address, Login, TlsFiles},
    target::{RedisTarget, Shared},
};

/// A Redis server whose ACL users' passwords are rotated.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct RedisSettings {
    /// The host's name or address.
    pub host: String,
    /// The port.
    #[serde(default = "default_port")]
    pub port: u16,
    /// Speaks TLS. Without it the connection is not encrypted.
    pub tls: Option<TlsSettings>,
    /// The administrator who changes users. Without it each user changes its own password, with its current one.
    pub login: Option<LoginSettings>,
    /// Whether the old password lives beside the new one.
    #[serde(default)]
    pub strategy: RedisStrategy,
    /// Whether the user's open connections are closed once the old password is revoked, those with the new one too: Redis
    /// does not know which password a connection was opened with.
    #[serde(default)]
    pub flush_sessions: bool,
    /// That changes need not survive a restart of the server. Without it they are written to the server's ACL file, or to
    /// its configuration file where it has none.
    pub persist: Option<PersistSettings>,
}

/// How the server proves who it is, and how keywheel does.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct TlsSettings {
    /// The file with the certificates (PEM) of the authorities that may have signed the server's. Relative paths start at
    /// the inventory's directory.
    pub root_certificate: String,
    /// The file with the certificate (PEM) that keywheel shows, where the server asks for one.
    pub client_certificate: Option<String>,
    /// The private key (PEM) of that certificate.
    pub client_key: Option<CredentialRef>,
    /// The name in the server's certificate, where it is not the host's.
    pub server_name: Option<String>,
}

/// Who changes users.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct LoginSettings {
    /// The administrator's user.
    #[serde(default = "default_user")]
    pub user: String,
    /// The administrator's password.
    pub password: CredentialRef,
}

/// Whether the old password lives beside the new one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum RedisStrategy {
    /// Both are accepted until the old one is revoked.
    #[default]
    Overlap,
    /// The new one takes the old one's place at once.
    InPlace,
}

/// Accepts that changes are lost when the server restarts.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub enum PersistSettings {
    /// Why that is fine, in words: another tool writes the server's users, for example.
    None(String),
}

fn default_port() -> u16 {
    6379
}

fn default_user() -> String {
    crate::target::DEFAULT_USER.to_owned()
}

impl RedisSettings {
    /// Checks the settings, without looking at the network or the files.
    ///
    /// # Errors
    /// Every mistake, not only the first.
    pub fn resolve(self, surroundings: &Surroundings) -> Result<RedisTarget, Vec<Mistake>> {
        let mut mistakes = Vec::new();
        check_host(&self.host, self.port, &mut mistakes);
        if let Some(tls) = &self.tls {
            tls.check(&mut mistakes);
        }
        if self.login.as_ref().is_some_and(|login| login.user.is_empty()) {
            let hint = "write the user's name, or leave `user` out for `default`";
            mistakes.push(Mistake::new("login.user", "no user is named", hint));
        }
        if let Some(PersistSettings::None(reason)) = &self.persist
            && reason.trim().is_empty()
        {
            let hint =
                "write why changes may be lost: `persist: { none: \"the operator writes the users\" }`";
            mistakes.push(Mistake::new("persist.none", "no reason is given", hint));
        }
        if !mistakes.is_empty() {
            return Err(mistakes);
        }
        Ok(RedisTarget::new(Shared {
            address: Address {
                tls: self.tls.map(|tls| tls.resolve(&self.host, surroundings)),
                host: self.host,
                port: self.port,
            },
            login: self
                .login
                .map(|login| Login { user: login.user, password: login.password.beside(&surroundings.base) }),
            strategy: match self.strategy {
                RedisStrategy::Overlap => Strategy::Overlap,
                RedisStrategy::InPlace => Strategy::InPlace,
            },
            flush_sessions: self.flush_sessions,
            persists: self.persist.is_none(),
            clock: Arc::clone(&surroundings.clock),
            session: tokio::sync::Mutex::default(),
            changes: Changes::default(),
        }))
    }
}

fn check_host(host: &str, port: u16, mistakes: &mut Vec<Mistake>) {
    if host.trim().is_empty() {
        mistakes.push(Mistake::new("host", "no host is named", "write the server's name or address"));
    } else if host.contains(['/', '@']) || host.contains(char::is_whitespace) {
        // The text is not repeated: an address with `@` holds a password.
        let hint = "write the host alone: the port, TLS and the login have settings of their own";
        mistakes.push(Mistake::new("host", "a host is named without scheme, login or path", hint));
    }
    if port == 0 {
        mistakes.push(Mistake::new("port", "no server listens on port 0", "write its port: 6379 is usual"));
    }
}

impl TlsSettings {
    fn check(&self, mistakes: &mut Vec<Mistake>) {
        if self.root_certificate.is_empty() {
            let hint = "write the path of the authority's certificate, or of the system's list of them";
            mistakes.push(Mistake::new("tls.root-certificate", "no file is named", hint));
        }
        if self.client_certificate.as_deref() == Some("") {
            let hint = "write the path, or leave the setting out";
            mistakes.push(Mistake::new("tls.client-certificate", "no file is named", hint));
        }
        match (&self.client_certificate, &self.client_key) {
            (Some(_), None) => mistakes.push(Mistake::new(
                "tls.client-certificate",
                "a certificate is of no use without its key",
                "write `client-key: file:PATH` beside it",
            )),
            (None, Some(_)) => mistakes.push(Mistake::new(
                "tls.client-key",
                "a key is of no use without its certificate",
                "write `client-certificate: PATH` beside it",
            )),
            (Some(_), Some(_)) | (None, None) => {}
        }
        if self.server_name.as_deref().is_some_and(|name| !TlsFiles::is_name(name)) {
            let hint = "write the name as it stands in the server's certificate: `redis.example.org`";
            mistakes.push(Mistake::new("tls.server-name", "this is no name of a server", hint));
        }
    }

    fn resolve(self, host: &str, surroundings: &Surroundings) -> TlsFiles {
        let base = &surroundings.base;
        TlsFiles {
            root_certificate: base.join(self.root_certificate),
            client: self
                .client_certificate
                .zip(self.client_key)
                .map(|(certificate, key)| (base.join(certificate), key.beside(base))),
            server_name: self.server_name.unwrap_or_else(|| host.to_owned()),
        }
    }
}
