//! The settings of a rotator of kind `rabbitmq`.

use std::{net::IpAddr, sync::Arc};

use keywheel_core::{
    inventory::CredentialRef,
    provider::{Mistake, Surroundings},
    rotator::Strategy,
};
use reqwest::Url;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::target::{Login, RabbitmqTarget, Shared};

/// A `RabbitMQ` server whose users' passwords are rotated.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct RabbitmqSettings {
    /// The host's name or address.
    pub host: String,
    /// The port of the management plugin's HTTP API: 15672 unless it is given, 15671 with `tls`.
    pub port: Option<u16>,
    /// The port for AMQP logins that prove a password: 5672 unless it is given, 5671 with `tls`.
    pub amqp_port: Option<u16>,
    /// Speaks TLS, with both ports. Without it nothing is encrypted.
    pub tls: Option<TlsSettings>,
    /// The administrator who changes users.
    pub login: LoginSettings,
    /// Who has the new password: the other one of two users, unless it is given.
    #[serde(default)]
    pub strategy: RabbitmqStrategy,
}

/// How the server proves who it is.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct TlsSettings {
    /// The file with the certificates (PEM) of the authorities that may have signed the server's. Relative paths start at
    /// the inventory's directory.
    pub root_certificate: String,
}

/// Who changes users.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct LoginSettings {
    /// The administrator's user. It needs the tag `administrator`.
    pub user: String,
    /// The administrator's password.
    pub password: CredentialRef,
}

/// Who has the new password.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum RabbitmqStrategy {
    /// The user and a second one, `<name>_clone`, take turns.
    #[default]
    Alternating,
    /// The same user: the new password takes the old one's place at once.
    InPlace,
}

impl RabbitmqSettings {
    /// Checks the settings, without looking at the network or the files.
    ///
    /// # Errors
    /// Every mistake, not only the first.
    pub fn resolve(self, surroundings: &Surroundings) -> Result<RabbitmqTarget, Vec<Mistake>> {
        let mut mistakes = Vec::new();
        let secure = self.tls.is_some();
        let port = self.port.unwrap_or(if secure { 15671 } else { 15672 });
        let amqp_port = self.amqp_port.unwrap_or(if secure { 5671 } else { 5672 });
        let management = management(&self.host, port, secure);
        if let Err(mistake) = &management {
            mistakes.push(mistake.clone());
        }
        for (field, port, usual) in [("port", port, 15672), ("amqp-port", amqp_port, 5672)] {
            if port == 0 {
                let hint = format!("write its port: {usual} is usual");
                mistakes.push(Mistake::new(field, "no server listens on port 0", hint));
            }
        }
        if self.tls.as_ref().is_some_and(|tls| tls.root_certificate.is_empty()) {
            let hint = "write the path of the authority's certificate, or of the system's list of them";
            mistakes.push(Mistake::new("tls.root-certificate", "no file is named", hint));
        }
        if self.login.user.is_empty() || self.login.user.contains(':') {
            let hint = "write the name of a user with the tag `administrator`, without a colon";
            mistakes.push(Mistake::new("login.user", "nobody can log in with this name", hint));
        }
        let management = match management {
            Ok(management) if mistakes.is_empty() => management,
            Ok(_) | Err(_) => return Err(mistakes),
        };
        Ok(RabbitmqTarget::new(Shared {
            loopback: is_loopback(&self.host),
            host: self.host,
            amqp_port,
            management,
            root_certificate: self.tls.map(|tls| surroundings.base.join(tls.root_certificate)),
            login: Login { user: self.login.user, password: self.login.password.beside(&surroundings.base) },
            strategy: match self.strategy {
                RabbitmqStrategy::Alternating => Strategy::Alternating,
                RabbitmqStrategy::InPlace => Strategy::InPlace,
            },
            clock: Arc::clone(&surroundings.clock),
        }))
    }
}

fn is_loopback(host: &str) -> bool {
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

fn management(host: &str, port: u16, secure: bool) -> Result<Url, Mistake> {
    let hint =
        "write the server's name or address alone: ports, TLS and the login have settings of their own";
    // The text is not repeated: an address with `@` holds a password.
    let unusable = || Mistake::new("host", "this is no host's name or address", hint);
    if host.is_empty() || host.contains(['/', '@', '?', '#', '\\']) || host.contains(char::is_whitespace) {
        return Err(unusable());
    }
    let scheme = if secure { "https" } else { "http" };
    let mut url = Url::parse(&format!("{scheme}://localhost/")).map_err(|_| unusable())?;
    match host.parse::<IpAddr>() {
        Ok(address) => url.set_ip_host(address).map_err(|()| unusable())?,
        Err(_) if host.contains(':') => return Err(unusable()),
        Err(_) => url.set_host(Some(host)).map_err(|_| unusable())?,
    }
    url.set_port(Some(port)).map_err(|()| unusable())?;
    Ok(url)
}
