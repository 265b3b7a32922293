//! What the inventory says about a `PostgreSQL` server.

use keywheel_core::provider::Mistake;
use std::path::Path;

use keywheel_core::inventory::CredentialRef;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::{
    server::{Address, is_local},
    tls::{ClientCertificate, Tls, TlsSource},
};

/// Passwords of login roles of one server.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct PostgresSettings {
    /// The server's name or address, or the directory of its socket, which begins with a slash. 127.0.0.1 if left out.
    #[serde(default = "default_host")]
    pub host: String,
    /// The port. 5432 if left out.
    #[serde(default = "default_port")]
    pub port: u16,
    /// The database that is logged in to, by keywheel and by its probes. `postgres` if left out.
    #[serde(default = "default_database")]
    pub database: String,
    /// Whether the connection is encrypted and the server's certificate checked. `verify-full` if left out, and `prefer`
    /// for a server on this machine.
    pub sslmode: Option<SslMode>,
    /// A PEM file with the authorities that may vouch for the server; relative paths start at the inventory's directory.
    /// The system's if left out.
    pub root_certificate: Option<String>,
    /// With what keywheel shows the server who it is, besides the password.
    pub client_certificate: Option<ClientCertificateSettings>,
    /// Two roles that take turns, or one whose password changes at once. `alternating` if left out.
    #[serde(default)]
    pub strategy: TurnsSettings,
    /// The role that may change the others. With `in-place` it may be left out: then the role changes its own password.
    pub login: Option<LoginSettings>,
}

/// Sessions of one server, as evidence of who still uses an old password.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct SessionsSettings {
    /// The server's name or address, or the directory of its socket, which begins with a slash. 127.0.0.1 if left out.
    #[serde(default = "default_host")]
    pub host: String,
    /// The port. 5432 if left out.
    #[serde(default = "default_port")]
    pub port: u16,
    /// The database that keywheel logs in to; sessions are seen in all of them. `postgres` if left out.
    #[serde(default = "default_database")]
    pub database: String,
    /// Whether the connection is encrypted and the server's certificate checked. `verify-full` if left out, and `prefer`
    /// for a server on this machine.
    pub sslmode: Option<SslMode>,
    /// A PEM file with the authorities that may vouch for the server; relative paths start at the inventory's directory.
    /// The system's if left out.
    pub root_certificate: Option<String>,
    /// With what keywheel shows the server who it is, besides the password.
    pub client_certificate: Option<ClientCertificateSettings>,
    /// The role that looks at sessions: a member of `pg_read_all_stats`.
    pub login: LoginSettings,
    /// Only sessions that call themselves this (`application_name`) are the consumer's: for several consumers of one role.
    /// All sessions of the role if left out.
    pub application_name: Option<String>,
    /// How many sessions with the new credential must be seen. 1 if left out. 0 takes the absence of old sessions for
    /// enough: for a consumer that connects now and then, and that reads its credential each time.
    #[serde(default = "default_at_least")]
    pub at_least: u32,
}

/// Whether a connection is encrypted and the server's certificate checked; the words are those of libpq.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum SslMode {
    /// Not encrypted.
    Disable,
    /// Encrypted if the server can; its certificate is not checked.
    Prefer,
    /// Encrypted. The certificate is checked only if `root-certificate` is given, and then as by `verify-ca`.
    Require,
    /// Encrypted, and an authority vouches for the certificate, whatever name is in it.
    VerifyCa,
    /// Encrypted, and an authority vouches for the certificate and for the server's name in it.
    VerifyFull,
}

/// How old and new credentials live side by side.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum TurnsSettings {
    /// One role; its old password is refused from the moment on in which the new one is accepted.
    InPlace,
    /// The role and its clone take turns.
    #[default]
    Alternating,
}

/// A role and its password.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct LoginSettings {
    /// The role.
    pub user: String,
    /// Where its password is: `${env:NAME}` or `file:PATH`.
    pub password: CredentialRef,
}

/// A certificate and its key.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct ClientCertificateSettings {
    /// A PEM file with the certificate and those between it and the authority.
    pub certificate: String,
    /// Where its private key is, in PEM: `${env:NAME}` or `file:PATH`.
    pub key: CredentialRef,
}

fn default_host() -> String {
    "127.0.0.1".to_owned()
}

fn default_port() -> u16 {
    5432
}

fn default_database() -> String {
    "postgres".to_owned()
}

fn default_at_least() -> u32 {
    1
}

/// How a server is reached, as it was written.
pub(crate) struct Written {
    pub(crate) host: String,
    pub(crate) port: u16,
    pub(crate) database: String,
    pub(crate) sslmode: Option<SslMode>,
    pub(crate) root_certificate: Option<String>,
    pub(crate) client_certificate: Option<ClientCertificateSettings>,
}

impl Written {
    /// Checks it, without looking for files or servers.
    pub(crate) fn resolve(self, base: &Path, mistakes: &mut Vec<Mistake>) -> Address {
        let Self { host, port, database, sslmode, root_certificate, client_certificate } = self;
        for (field, text) in [("host", &host), ("database", &database)] {
            if text.is_empty() || text.contains('\0') {
                mistakes.push(Mistake::new(field, "it is empty, or has a zero byte", "write its name"));
            }
        }
        if host.contains("://") || host.contains('@') || host.contains(',') {
            mistakes.push(Mistake::new(
                "host",
                "this is not the name of one server",
                "write the name alone; port, database and login have settings of their own",
            ));
        }
        if port == 0 {
            mistakes.push(Mistake::new("port", "no server listens on port 0", "write 5432, or leave it out"));
        }
        let mode = sslmode.unwrap_or(if is_local(&host) { SslMode::Prefer } else { SslMode::VerifyFull });
        if mode == SslMode::Disable && (root_certificate.is_some() || client_certificate.is_some()) {
            mistakes.push(Mistake::new(
                "sslmode",
                "certificates mean nothing on a connection that is not encrypted",
                "write `sslmode: verify-full`, or leave the certificates out",
            ));
        }
        let tls = Tls::new(TlsSource {
            mode,
            roots: root_certificate.map(|path| base.join(path)),
            client: client_certificate.map(|written| ClientCertificate {
                certificate: base.join(written.certificate),
                key: written.key.beside(base),
            }),
        });
        Address { host, port, database, tls }
    }
}
