//! The settings of a store of kind `vault`.

use std::{net::IpAddr, sync::Arc};

use keywheel_core::{
    inventory::CredentialRef,
    provider::{Mistake, Surroundings},
};
use reqwest::{Url, header::HeaderValue};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::{api::Shared, auth::settings::AuthSettings, place::check_path, store::VaultStore, tls::Tls};

/// The KV engine, version 2, of a Vault or `OpenBao` server.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct VaultSettings {
    /// Where the server is: `https://vault.example.org:8200`.
    pub address: String,
    /// Where the KV engine is mounted. Default: `secret`.
    #[serde(default = "mount")]
    pub mount: String,
    /// The namespace that the mount and the login are in, where the server has namespaces. Default: none.
    pub namespace: Option<String>,
    /// The path in the mount below which keywheel keeps what is pending, and whose it is. Whoever reads secrets must not be
    /// allowed to read there. Several installations that rotate the same secrets must name the same. Default: `keywheel`.
    #[serde(default = "staging")]
    pub staging: String,
    /// The certificates on both sides. Default: the system's authorities, and no certificate of our own.
    pub tls: Option<TlsSettings>,
    /// How to log in: one of `token`, `app-role`, `kubernetes` and `userpass`.
    pub auth: AuthSettings,
}

/// How server and client prove who they are.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct TlsSettings {
    /// The file with the certificates (PEM) of the authorities that may have signed the server's. Relative paths start at
    /// the inventory's directory. Default: those of the system.
    pub ca_file: Option<String>,
    /// The file with the client's certificate (PEM), where the server wants one. Default: none.
    pub client_certificate: Option<String>,
    /// The private key of that certificate (PEM). Default: none.
    pub client_key: Option<CredentialRef>,
}

fn mount() -> String {
    "secret".to_owned()
}

fn staging() -> String {
    "keywheel".to_owned()
}

impl VaultSettings {
    /// Checks the settings, without looking at the network or the files.
    ///
    /// # Errors
    /// Every mistake, not only the first.
    pub fn resolve(self, surroundings: &Surroundings) -> Result<VaultStore, Vec<Mistake>> {
        let Self { address, mount, namespace, staging, tls, auth } = self;
        let mut mistakes = Vec::new();
        for (field, path) in [("mount", &mount), ("staging", &staging)] {
            mistakes.extend(no_path(field, path));
        }
        let server = ServerSettings { address, namespace, tls, auth };
        Ok(VaultStore::new(server.resolve(surroundings, mistakes)?, mount, staging))
    }
}

/// What the settings of every kind say of the server.
pub(crate) struct ServerSettings {
    pub(crate) address: String,
    pub(crate) namespace: Option<String>,
    pub(crate) tls: Option<TlsSettings>,
    pub(crate) auth: AuthSettings,
}

impl ServerSettings {
    /// The server, unless there are mistakes, in these settings or `elsewhere`.
    pub(crate) fn resolve(
        self,
        surroundings: &Surroundings,
        elsewhere: Vec<Mistake>,
    ) -> Result<Shared, Vec<Mistake>> {
        let mut mistakes = elsewhere;
        let address = kept(address(&self.address), &mut mistakes);
        let namespace = self.namespace.as_deref().and_then(|text| kept(namespace(text), &mut mistakes));
        let secure = address.as_ref().is_none_or(|address| address.scheme() == "https");
        let tls = kept(tls(self.tls, secure, surroundings), &mut mistakes);
        let auth = match self.auth.resolve(&surroundings.base) {
            Ok(auth) => Some(auth),
            Err(wrong) => {
                mistakes.extend(wrong);
                None
            }
        };
        let (Some(address), Some(tls), Some(auth), true) = (address, tls, auth, mistakes.is_empty()) else {
            return Err(mistakes);
        };
        Ok(Shared::new(address, namespace, tls, auth, Arc::clone(&surroundings.clock)))
    }
}

/// What is wrong with a path in `field`, if it is none.
pub(crate) fn no_path(field: &'static str, path: &str) -> Option<Mistake> {
    let why = check_path(path).err()?;
    let hint = "write it without slashes at its ends: `secret`, `teams/payments`";
    Some(Mistake::new(field, format!("this is no path: {why}"), hint))
}

fn kept<T>(outcome: Result<T, Mistake>, mistakes: &mut Vec<Mistake>) -> Option<T> {
    outcome.map_err(|mistake| mistakes.push(mistake)).ok()
}

fn address(text: &str) -> Result<Url, Mistake> {
    let hint = "write it like `https://vault.example.org:8200`; the login has settings of its own";
    // The text is not repeated: an address with `@` holds a password.
    let refuse = |why: &'static str| Mistake::new("address", why, hint);
    let url = Url::parse(text).map_err(|_| refuse("this is no address"))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(refuse("it does not begin with `https://`"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(refuse("a credential does not belong into an address"));
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(refuse("an address has no `?` and no `#`"));
    }
    if url.scheme() == "http" && !is_loopback(&url) {
        let hint = "write `https://`; only a server on this machine (an agent) may be spoken to without TLS";
        return Err(Mistake::new("address", "values would cross the network unencrypted", hint));
    }
    Ok(url)
}

/// Whether the server is on this machine.
pub(crate) fn is_loopback(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

fn namespace(text: &str) -> Result<HeaderValue, Mistake> {
    let trimmed = text.trim_matches('/');
    HeaderValue::from_str(trimmed).ok().filter(|_| !trimmed.is_empty()).ok_or_else(|| {
        Mistake::new("namespace", "this is no namespace", "write it like `admin/payments`, or leave it out")
    })
}

fn tls(settings: Option<TlsSettings>, secure: bool, surroundings: &Surroundings) -> Result<Tls, Mistake> {
    let Some(TlsSettings { ca_file, client_certificate, client_key }) = settings else {
        return Ok(Tls::default());
    };
    if !secure {
        let hint = "write `https://` in the address, or remove `tls`";
        return Err(Mistake::new("tls", "the address does without TLS", hint));
    }
    for (field, path) in [("tls.ca-file", &ca_file), ("tls.client-certificate", &client_certificate)] {
        if path.as_ref().is_some_and(String::is_empty) {
            return Err(Mistake::new(field, "no file is named", "write the path of a file in PEM"));
        }
    }
    let client = match (client_certificate, client_key) {
        (None, None) => None,
        (Some(certificate), Some(key)) => {
            Some((surroundings.base.join(certificate), key.beside(&surroundings.base)))
        }
        (Some(_), None) => {
            let hint = "add `client-key: file:PATH`";
            return Err(Mistake::new("tls.client-certificate", "its private key is not named", hint));
        }
        (None, Some(_)) => {
            let hint = "add `client-certificate: PATH`";
            return Err(Mistake::new("tls.client-key", "its certificate is not named", hint));
        }
    };
    Ok(Tls { ca_file: ca_file.map(|path| surroundings.base.join(path)), client })
}
