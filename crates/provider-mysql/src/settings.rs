//! The settings of a target of kind `mysql`.

use keywheel_core::{
    inventory::CredentialRef,
    provider::{Administrator, Mistake, PasswordSource, Surroundings},
    rotator::Strategy,
};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::{
    admin::{Admin, Login},
    flavour::Flavour,
    place::{Place, Tls},
    target::{MysqlTarget, Rules},
};

/// Accounts of one `MySQL` or `MariaDB` server, whose passwords are rotated.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct MysqlSettings {
    /// The server's name or address. It is reached over TCP, also on this machine.
    pub host: String,
    /// The port.
    #[serde(default = "default_port")]
    #[schemars(range(min = 1))]
    pub port: u16,
    /// How the connection is kept from others.
    #[serde(default)]
    pub tls: TlsSettings,
    /// The administrator that changes the accounts. Without it the account's own credential is used, which works with
    /// `in-place` and `overlap` only.
    pub login: Option<LoginSettings>,
    /// How old and new live side by side.
    #[serde(default)]
    pub strategy: StrategySetting,
    /// The host part of the accounts, where a secret's `identity` says none. Without it: `%`, and an account that exists
    /// with several hosts is refused until it is said which one is meant.
    pub account_host: Option<String>,
    /// What the server is, for consumers that want to know and for the length of names: 80 characters with `mariadb`, 32 with
    /// `mysql` or when nothing is said.
    pub server: Option<ServerSetting>,
    /// Whether a password may stand in a statement where `MariaDB` takes no hash, because a plugin checks passwords and
    /// `strict_password_validation` is on. The server's general log and binary log would then show it.
    #[serde(default)]
    pub clear_statements: bool,
}

/// How the connection is kept from others.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct TlsSettings {
    /// Whether there is TLS, and how the server shows who it is.
    #[serde(default)]
    pub mode: TlsMode,
    /// A file with the certificates, in PEM, of those who sign the server's. Without it: Mozilla's list, which is built in.
    /// Relative paths start at the inventory's directory.
    pub root_certificate: Option<String>,
    /// The name that the server's certificate must have. Without it: `host`.
    pub server_name: Option<String>,
}

/// Whether there is TLS, and how the server shows who it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum TlsMode {
    /// No TLS: for this machine, or a network that is protected in another way.
    Disable,
    /// TLS with whoever answers: nobody can listen in, somebody in between could.
    Require,
    /// TLS, with a certificate that was signed by one of the roots and has the right name.
    #[default]
    VerifyFull,
}

/// The administrator that changes the accounts.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct LoginSettings {
    /// Its name.
    pub user: String,
    /// Its password: `${env:NAME}` or `file:PATH`, read anew for each connection.
    pub password: CredentialRef,
}

/// How old and new live side by side.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum StrategySetting {
    /// One password: between the change and the promotion the current value is refused.
    #[default]
    InPlace,
    /// Two passwords at once for one account: `MySQL` 8.0.14 or newer, not `MariaDB`.
    Overlap,
    /// Two accounts that take turns: `app` and `app_clone`.
    Alternating,
}

/// What the server is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ServerSetting {
    /// `MySQL`.
    Mysql,
    /// `MariaDB`.
    Mariadb,
}

impl MysqlSettings {
    /// The target that these settings declare. An `administrator` whose password the caller holds makes the changes in
    /// place of `login`. Does not look at the server.
    ///
    /// # Errors
    /// Every mistake, not only the first.
    pub fn resolve(
        self,
        surroundings: &Surroundings,
        administrator: Option<Administrator>,
    ) -> Result<MysqlTarget, Vec<Mistake>> {
        let mut mistakes = Vec::new();
        for (field, text) in [
            ("host", Some(&self.host)),
            ("account-host", self.account_host.as_ref()),
            ("login.user", administrator.as_ref().map(|held| &held.user)),
            ("login.user", self.login.as_ref().map(|login| &login.user)),
            ("tls.server-name", self.tls.server_name.as_ref()),
            ("tls.root-certificate", self.tls.root_certificate.as_ref()),
        ] {
            if text.is_some_and(|text| text.trim().is_empty()) {
                mistakes.push(Mistake::new(
                    field,
                    format!("`{field}` is empty"),
                    "write it, or leave it out",
                ));
            }
        }
        if self.host.contains('/') {
            mistakes.push(Mistake::new(
                "host",
                "a server is named by its host, not by a socket or a URL",
                "write the name or the address, `127.0.0.1`, and the port in `port`",
            ));
        }
        if self.port == 0 {
            mistakes.push(Mistake::new("port", "no server has the port 0", "leave it out for 3306"));
        }
        if self.strategy == StrategySetting::Alternating && self.login.is_none() && administrator.is_none() {
            mistakes.push(Mistake::new(
                "strategy",
                "accounts that take turns need an administrator that creates, unlocks and locks them",
                "write `login: { user: keywheel, password: file:./mysql-admin }`, or `strategy: in-place`",
            ));
        }
        if self.strategy == StrategySetting::Overlap && self.server == Some(ServerSetting::Mariadb) {
            mistakes.push(Mistake::new(
                "strategy",
                "MariaDB accounts cannot have an old and a new password",
                "write `strategy: alternating`",
            ));
        }
        let tls = self.tls.resolve(surroundings, &mut mistakes);
        if !mistakes.is_empty() {
            return Err(mistakes);
        }
        let login = match (administrator, self.login) {
            (Some(Administrator { user, password }), _) => {
                Some(Login { user, password: PasswordSource::Held(password) })
            }
            (None, Some(LoginSettings { user, password })) => {
                let password = PasswordSource::Named(password.beside(&surroundings.base));
                Some(Login { user, password })
            }
            (None, None) => None,
        };
        let flavour = self.server.map(|server| match server {
            ServerSetting::Mysql => Flavour::MySql,
            ServerSetting::Mariadb => Flavour::MariaDb,
        });
        let rules = Rules {
            strategy: match self.strategy {
                StrategySetting::InPlace => Strategy::InPlace,
                StrategySetting::Overlap => Strategy::Overlap,
                StrategySetting::Alternating => Strategy::Alternating,
            },
            account_host: self.account_host,
            flavour,
            clear_statements: self.clear_statements,
        };
        let place = Place { host: self.host, port: self.port, tls };
        Ok(MysqlTarget::new(Admin::new(place, login, surroundings.clock.clone()), rules))
    }
}

impl TlsSettings {
    fn resolve(self, surroundings: &Surroundings, mistakes: &mut Vec<Mistake>) -> Option<Tls> {
        let given =
            [("tls.root-certificate", &self.root_certificate), ("tls.server-name", &self.server_name)];
        if self.mode != TlsMode::VerifyFull {
            for (field, _) in given.into_iter().filter(|(_, text)| text.is_some()) {
                mistakes.push(Mistake::new(
                    field,
                    "it counts only where the server's certificate is looked at",
                    "leave it out, or write `mode: verify-full`",
                ));
            }
        }
        (self.mode != TlsMode::Disable).then(|| Tls {
            verified: self.mode == TlsMode::VerifyFull,
            roots: self.root_certificate.map(|path| surroundings.base.join(path)),
            server_name: self.server_name,
        })
    }
}

fn default_port() -> u16 {
    3306
}
