//! How the inventory says where evidence is.

use std::collections::BTreeMap;

use keywheel_core::{
    evidence::Pointer,
    inventory::{CredentialRef, Period},
    provider::{Mistake, Surroundings},
};
use reqwest::header::HeaderName;
use schemars::JsonSchema;
use serde::Deserialize;

use super::{
    Evidence,
    health::Health,
    shown::{Place, Shown},
};
use crate::http::EndpointSettings;

const CHOICES: &str = "write one of: `evidence: {http: {url: https://web.internal/versions, pointer: '/secrets/{secret}'}}`, a URL \
                       that shows the fingerprint in use; `evidence: {health: {url: …, trust: \"why a healthy answer shows that \
                       the new value is used\"}}`; `evidence: {trust: \"why nothing needs to be seen\"}`";

/// How to see that a consumer uses the new value.
#[derive(Deserialize, JsonSchema)]
#[schemars(inline)]
#[serde(rename_all = "kebab-case")]
pub enum EvidenceSettings {
    /// A URL whose answer shows the fingerprint in use.
    Http(ShownSettings),
    /// A URL that answers well only while the consumer works, and why that says something about its credential.
    Health(HealthSettings),
    /// No evidence, and the reason why that is acceptable.
    Trust(String),
}

/// A URL whose answer shows the fingerprint in use. One of `pointer`, `header` and `text` says where in it.
#[derive(Deserialize, JsonSchema)]
#[schemars(inline)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct ShownSettings {
    /// The URL, asked with GET.
    pub url: String,
    /// The answer is JSON: an RFC 6901 pointer to the fingerprint, to a list of fingerprints (the first is in use), or
    /// to an object with `current` and `accepted`. `{secret}` stands for the secret's name.
    pub pointer: Option<String>,
    /// A header of the answer holds the fingerprint, or several with commas between them (the first is in use).
    pub header: Option<String>,
    /// The answer is text, in which every line that is a fingerprint counts (the first is in use). Default: false.
    #[serde(default)]
    pub text: bool,
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

/// A URL that answers well only while the consumer works. It names no version, so it is the operator's word that is
/// taken: `trust` says why a consumer that is healthy uses the new value.
#[derive(Deserialize, JsonSchema)]
#[schemars(inline)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct HealthSettings {
    /// The URL, asked with GET; an answer of 2xx is a healthy one.
    pub url: String,
    /// Why a healthy answer after a reload shows that the new value is used.
    pub trust: String,
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

impl EvidenceSettings {
    /// Checks the settings, without looking at the network. An entry without evidence is a mistake: nothing would ever
    /// allow its old value to be retired.
    ///
    /// # Errors
    /// Every mistake.
    pub fn resolve(settings: Option<Self>, surroundings: &Surroundings) -> Result<Evidence, Vec<Mistake>> {
        match settings {
            None => Err(vec![Mistake::new(
                "evidence",
                "nothing says how to see that the consumer moved",
                CHOICES,
            )]),
            Some(Self::Http(shown)) => shown.resolve(surroundings).map(Evidence::Shown),
            Some(Self::Health(health)) => health.resolve(surroundings).map(Evidence::Health),
            Some(Self::Trust(reason)) => reason_given("evidence.trust", reason).map(Evidence::Trust),
        }
    }
}

fn reason_given(field: &'static str, reason: String) -> Result<String, Vec<Mistake>> {
    if reason.trim().is_empty() {
        return Err(vec![Mistake::new(field, "the reason is empty", CHOICES)]);
    }
    Ok(reason)
}

impl ShownSettings {
    fn resolve(self, surroundings: &Surroundings) -> Result<Shown, Vec<Mistake>> {
        let place = place(self.pointer, self.header, self.text);
        let endpoint = EndpointSettings {
            url: self.url,
            token: self.token,
            headers: self.headers,
            ca_file: self.ca_file,
            timeout: self.timeout,
        };
        match (endpoint.resolve("evidence.http", surroundings), place) {
            (Ok(endpoint), Ok(place)) => Ok(Shown::new(endpoint, place)),
            (endpoint, place) => Err(endpoint.err().into_iter().flatten().chain(place.err()).collect()),
        }
    }
}

fn place(pointer: Option<String>, header: Option<String>, text: bool) -> Result<Place, Mistake> {
    match (pointer, header, text) {
        (Some(pointer), None, false) => Pointer::new(pointer).map(Place::Pointer).map_err(|message| {
            Mistake::new("evidence.http.pointer", message, "write it like `/secrets/{secret}`")
        }),
        (None, Some(header), false) => {
            HeaderName::from_bytes(header.as_bytes()).map(Place::Header).map_err(|_| {
                Mistake::new(
                    "evidence.http.header",
                    "this cannot be the name of a header",
                    "write it like `X-Key-Fingerprint`",
                )
            })
        }
        (None, None, true) => Ok(Place::Text),
        _ => Err(Mistake::new(
            "evidence.http",
            "one thing has to say where in the answer the fingerprint stands",
            "write `pointer: '/secrets/{secret}'` for JSON, `header: X-Key-Fingerprint`, or `text: true`",
        )),
    }
}

impl HealthSettings {
    fn resolve(self, surroundings: &Surroundings) -> Result<Health, Vec<Mistake>> {
        let endpoint = EndpointSettings {
            url: self.url,
            token: self.token,
            headers: self.headers,
            ca_file: self.ca_file,
            timeout: self.timeout,
        };
        let reason = reason_given("evidence.health.trust", self.trust);
        match (endpoint.resolve("evidence.health", surroundings), reason) {
            (Ok(endpoint), Ok(reason)) => Ok(Health::new(endpoint, reason)),
            (endpoint, reason) => {
                Err(endpoint.err().into_iter().flatten().chain(reason.err().into_iter().flatten()).collect())
            }
        }
    }
}
