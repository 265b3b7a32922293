//! Webhooks that the receiver can tell from anybody else's: signed, with a time.

use std::{collections::BTreeMap, fmt::Write as _, sync::Arc, time::Duration};

use async_trait::async_trait;
use hmac::{Hmac, KeyInit, Mac};
use keywheel_core::{
    Clock, Error, ErrorKind, Result, SecretValue,
    inventory::{CredentialRef, Period},
    message::{Message, Messenger},
    provider::{Channel, Finding, Mistake, Surroundings},
};
use reqwest::Method;
use schemars::JsonSchema;
use serde::Deserialize;
use sha2::Sha256;

use crate::http::{Call, Endpoint, EndpointSettings, refused};

const OPERATION: &str = "send message";

/// A key with fewer bytes than this could be guessed from one message.
const SHORTEST_KEY: usize = 16;

/// A URL that gets every message as JSON, signed.
///
/// The body is a [`Message`] as JSON. Headers:
///
/// | header | |
/// |---|---|
/// | `X-Keywheel-Notice` and `Idempotency-Key` | the message's id, the same for every repetition |
/// | `X-Keywheel-Timestamp` | when it was sent, in seconds since 1970 |
/// | `X-Keywheel-Signature` | `v1=` and 64 hex digits: HMAC-SHA256, under `key`, of the timestamp, a full stop and the body |
///
/// A receiver computes the signature over the body as it arrived, before it is parsed; compares in constant time; and
/// refuses a timestamp that is more than five minutes off, so that nobody can send an old message again later.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct SignedSettings {
    /// The URL.
    pub url: String,
    /// The key of the signature, known to the receiver: at least 16 bytes, best 32 random ones. The bytes are taken as
    /// they are.
    pub key: CredentialRef,
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

/// A declared channel of kind `webhook`.
pub struct SignedChannel(Arc<Signed>);

struct Signed {
    endpoint: Endpoint,
    key: CredentialRef,
    clock: Arc<dyn Clock>,
}

impl SignedSettings {
    /// Checks the settings, without looking at the network.
    ///
    /// # Errors
    /// Every mistake, not only the first.
    pub fn resolve(self, surroundings: &Surroundings) -> Result<SignedChannel, Vec<Mistake>> {
        let endpoint = EndpointSettings {
            url: self.url,
            token: self.token,
            headers: self.headers,
            ca_file: self.ca_file,
            timeout: self.timeout,
        };
        Ok(SignedChannel(Arc::new(Signed {
            endpoint: endpoint.resolve("", surroundings)?,
            key: self.key.beside(&surroundings.base),
            clock: Arc::clone(&surroundings.clock),
        })))
    }
}

impl Signed {
    fn key(&self) -> Result<SecretValue> {
        let key = self.key.read()?;
        if key.len() < SHORTEST_KEY {
            let message = format!("{} has fewer than {SHORTEST_KEY} bytes", self.key);
            return Err(Error::not_applied(ErrorKind::InvalidConfig, OPERATION, message));
        }
        Ok(key)
    }
}

/// The signature of `body` sent at `timestamp`.
fn signature(key: &SecretValue, timestamp: i64, body: &[u8]) -> Result<String> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key.expose_secret()).map_err(|_| {
        Error::not_applied(ErrorKind::Internal, OPERATION, "the key cannot be used for a signature")
    })?;
    mac.update(format!("{timestamp}.").as_bytes());
    mac.update(body);
    let mut text = "v1=".to_owned();
    for byte in mac.finalize().into_bytes() {
        let _ = write!(text, "{byte:02x}");
    }
    Ok(text)
}

#[async_trait]
impl Messenger for Signed {
    async fn send(&self, message: &Message, limit: Duration) -> Result<()> {
        let body = serde_json::to_vec(message).map_err(|error| {
            Error::not_applied(ErrorKind::Internal, OPERATION, "the message cannot be written as JSON")
                .caused_by(error)
        })?;
        // Of this try: a message that was held up for long is still one that was sent now.
        let timestamp = self.clock.now().as_second();
        let signature = signature(&self.key()?, timestamp, &body)?;
        let call = Call {
            operation: OPERATION,
            method: Method::POST,
            headers: vec![
                ("Idempotency-Key", message.id.clone()),
                ("X-Keywheel-Notice", message.id.clone()),
                ("X-Keywheel-Timestamp", timestamp.to_string()),
                ("X-Keywheel-Signature", signature),
            ],
            body: Some(body),
            limit,
        };
        let answer = self.endpoint.call(call).await?;
        if answer.status.is_success() {
            Ok(())
        } else {
            Err(refused(OPERATION, &self.endpoint.address, &answer))
        }
    }

    async fn examine(&self) -> Vec<Finding> {
        let mut findings = self.endpoint.examine().await;
        if let Err(error) = self.key() {
            findings.push(Finding::error(
                error.to_string(),
                "let `key` name a variable or file with at least 16 bytes",
            ));
        }
        findings
    }
}

impl Channel for SignedChannel {
    fn describe(&self) -> String {
        self.0.endpoint.address.to_string()
    }

    fn messenger(&self) -> Arc<dyn Messenger> {
        Arc::clone(&self.0) as _
    }
}
