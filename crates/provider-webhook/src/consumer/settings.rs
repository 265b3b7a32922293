//! The settings of a consumer of kind `http`.

use std::{collections::BTreeMap, sync::Arc};

use keywheel_core::{
    inventory::{CredentialRef, Period},
    notifier::Notifier,
    provider::{Consumer, Mistake, Surroundings},
};
use schemars::JsonSchema;
use serde::Deserialize;

use super::{HttpNotifier, notifier::Reload};
use crate::{evidence::EvidenceSettings, http::EndpointSettings};

/// A consumer told by an HTTP call.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct HttpSettings {
    /// The call that makes it reload.
    pub reload: ReloadSettings,
    /// How to see that the consumer uses the new value.
    #[schemars(required)]
    pub evidence: Option<EvidenceSettings>,
}

/// The call that makes a consumer reload. It may be made again for the same notice, with the same `Idempotency-Key`.
#[derive(Deserialize, JsonSchema)]
#[schemars(inline)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct ReloadSettings {
    /// The URL.
    pub url: String,
    /// The method. Default: POST.
    #[serde(default)]
    pub method: Method,
    /// What is sent: the notice as JSON, or nothing. Default: notice.
    #[serde(default)]
    pub body: Body,
    /// The statuses that mean that the consumer was told. Default: every 2xx.
    #[serde(default)]
    pub ok: Vec<u16>,
    /// A token, sent as `Authorization: Bearer …`.
    pub token: Option<CredentialRef>,
    /// Headers with credentials by name.
    #[serde(default)]
    pub headers: BTreeMap<String, CredentialRef>,
    /// A PEM file with the certificate authorities to believe, and no others. Default: those of the system.
    pub ca_file: Option<String>,
    /// How long an answer may take. Default: 10s.
    pub timeout: Option<Period>,
}

/// The method of a reload.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[schemars(inline)]
#[serde(rename_all = "UPPERCASE")]
pub enum Method {
    /// POST.
    #[default]
    Post,
    /// PUT.
    Put,
    /// GET, for consumers that reload on nothing else. Sends no body.
    Get,
}

/// What a reload sends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[schemars(inline)]
#[serde(rename_all = "kebab-case")]
pub enum Body {
    /// The notice as JSON: ids and fingerprints, never a value.
    #[default]
    Notice,
    /// Nothing: the consumer reads all its secrets again, and one call serves several rotations.
    None,
}

/// A declared consumer of kind `http`.
pub struct HttpConsumer {
    description: String,
    plain_fingerprints: bool,
    trusted: Option<String>,
    notifier: Arc<HttpNotifier>,
}

impl HttpSettings {
    /// Checks the settings, without looking at the network.
    ///
    /// # Errors
    /// Every mistake, not only the first.
    pub fn resolve(self, surroundings: &Surroundings) -> Result<HttpConsumer, Vec<Mistake>> {
        let reload = self.reload.resolve(surroundings);
        let evidence = EvidenceSettings::resolve(self.evidence, surroundings);
        let (reload, evidence) = match (reload, evidence) {
            (Ok(reload), Ok(evidence)) => (reload, evidence),
            (reload, evidence) => {
                return Err(reload.err().into_iter().chain(evidence.err()).flatten().collect());
            }
        };
        Ok(HttpConsumer {
            description: reload.describe(),
            plain_fingerprints: evidence.shows_plain_fingerprints(),
            trusted: evidence.trusted(),
            notifier: Arc::new(HttpNotifier::new(reload, evidence, Arc::clone(&surroundings.clock))),
        })
    }
}

impl ReloadSettings {
    fn resolve(self, surroundings: &Surroundings) -> Result<Reload, Vec<Mistake>> {
        let odd = self.ok.iter().find(|status| !(100..=599).contains(*status)).map(|status| {
            Mistake::new(
                "reload.ok",
                format!("{status} is no status of HTTP"),
                "write it like `ok: [200, 202]`",
            )
        });
        let endpoint = EndpointSettings {
            url: self.url,
            token: self.token,
            headers: self.headers,
            ca_file: self.ca_file,
            timeout: self.timeout,
        };
        match (endpoint.resolve("reload", surroundings), odd) {
            (Ok(endpoint), None) => {
                Ok(Reload { endpoint, method: self.method, body: self.body, ok: self.ok.into_boxed_slice() })
            }
            (endpoint, odd) => Err(endpoint.err().into_iter().flatten().chain(odd).collect()),
        }
    }
}

impl Consumer for HttpConsumer {
    fn describe(&self) -> String {
        self.description.clone()
    }

    fn shows_plain_fingerprints(&self) -> bool {
        self.plain_fingerprints
    }

    fn trusted(&self) -> Option<String> {
        self.trusted.clone()
    }

    fn notifier(&self) -> Arc<dyn Notifier> {
        Arc::clone(&self.notifier) as _
    }
}
