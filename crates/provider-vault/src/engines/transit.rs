//! Keys of the transit engine: they never leave the server, and have versions. Stores hold the number of one.
//! <https://developer.hashicorp.com/vault/api-docs/secret/transit>

use std::sync::Arc;

use async_trait::async_trait;
use keywheel_core::{
    CallContext, Error, ErrorKind, Generation, Identity, Result, SecretValue,
    provider::Finding,
    rotator::{Credential, Probe, Reissued, Rotator, Strategy},
};
use serde::Deserialize;
use serde_json::{Value, json};
use zeroize::Zeroizing;

use super::{
    examine,
    named::{Named, told},
    target::Engine,
};
use crate::api::{Said, Session};

pub(crate) struct TransitKey(Named);

/// A key, as the server shows it.
#[derive(Deserialize)]
#[expect(clippy::struct_excessive_bools, reason = "the server's own answer")]
struct Key {
    latest_version: u64,
    min_decryption_version: u64,
    #[serde(default)]
    min_encryption_version: u64,
    #[serde(default)]
    derived: bool,
    #[serde(default)]
    supports_encryption: bool,
    #[serde(default)]
    supports_decryption: bool,
    #[serde(default)]
    supports_signing: bool,
}

/// What is done with a key to see whether it works, and done back.
#[derive(Clone, Copy)]
struct Use {
    there: &'static str,
    back: &'static str,
    /// What goes in, what comes out, what says whether it was right.
    fields: [&'static str; 3],
}

/// The text that is encrypted or signed, in base64.
const SAMPLE: &str = "a2V5d2hlZWw=";

impl Key {
    fn way(&self) -> Use {
        if self.supports_encryption && self.supports_decryption {
            Use { there: "encrypt", back: "decrypt", fields: ["plaintext", "ciphertext", "plaintext"] }
        } else if self.supports_signing {
            Use { there: "sign", back: "verify", fields: ["input", "signature", "valid"] }
        } else {
            Use { there: "hmac", back: "verify", fields: ["input", "hmac", "valid"] }
        }
    }

    /// A request's body, with what a derived key wants besides.
    fn body(&self, fields: Value) -> Vec<u8> {
        let mut body = fields;
        if self.derived {
            body["context"] = json!(SAMPLE);
        }
        body.to_string().into_bytes()
    }
}

/// The number that a store holds; `None` if it holds something else.
fn number(value: &SecretValue) -> Option<u64> {
    std::str::from_utf8(value.expose_secret()).ok()?.trim().parse().ok()
}

impl Engine for TransitKey {
    const KIND: &'static str = "vault-transit-key";
    const MOUNT: &'static str = "transit";
    const NAMES: &'static str = "keys";
    const STRATEGY: Strategy = Strategy::Versioned;
    const CONFIRMS: bool = true;

    fn rotator(named: Named) -> Arc<dyn Rotator> {
        Arc::new(Self(named))
    }
}

impl TransitKey {
    async fn key(&self, session: &mut Session<'_>, name: &str) -> Result<Key> {
        self.0.read(session, "keys", name).await
    }

    async fn works(&self, operation: &'static str, value: &SecretValue) -> Result<bool> {
        let (mut session, name) = self.0.begin(operation, None)?;
        let key = self.key(&mut session, name).await?;
        let Some(version) = number(value).filter(|version| (1..=key.latest_version).contains(version)) else {
            return Ok(false);
        };
        if version == key.latest_version {
            self.there_and_back(&mut session, name, &key).await
        } else {
            self.still_reads(&mut session, name, &key, version).await
        }
    }

    /// Uses the newest version, and reads what it made.
    async fn there_and_back(&self, session: &mut Session<'_>, name: &str, key: &Key) -> Result<bool> {
        let way = key.way();
        let [input, output, answer] = way.fields;
        let made = session
            .ask(
                &[&self.0.mount, way.there, name],
                key.body(json!({ input: SAMPLE, "key_version": key.latest_version })),
            )
            .await?;
        let made: Value = made.json(session.operation())?;
        let Some(made) = made["data"][output].as_str() else {
            let message = format!("`{}` gives no {output}", way.there);
            return Err(session.error(ErrorKind::Unsupported, message));
        };
        let mut back = json!({ output: made });
        if input == "input" {
            back[input] = json!(SAMPLE);
        }
        let read = session.ask(&[&self.0.mount, way.back, name], key.body(back)).await?;
        let read: Value = read.json(session.operation())?;
        Ok(read["data"][answer] == json!(SAMPLE) || read["data"][answer] == json!(true))
    }

    /// Whether something that an older version made would be read. It refuses a version before it looks at what was made.
    async fn still_reads(
        &self,
        session: &mut Session<'_>,
        name: &str,
        key: &Key,
        version: u64,
    ) -> Result<bool> {
        let way = key.way();
        let [input, output, _] = way.fields;
        let mut forged = json!({ output: format!("vault:v{version}:{SAMPLE}") });
        if input == "input" {
            forged[input] = json!(SAMPLE);
        }
        let reply = session.try_out(&[&self.0.mount, way.back, name], key.body(forged)).await?;
        Ok(reply.said() != Said::TooOld)
    }
}

#[async_trait]
impl Rotator for TransitKey {
    fn strategy(&self) -> Strategy {
        Self::STRATEGY
    }

    fn next_identity(&self, current: Option<&Identity>) -> Result<Option<Identity>> {
        Ok(current.cloned())
    }

    async fn probe(&self, credential: Credential<'_>) -> Result<Probe> {
        let works = self.works("probe", credential.value).await?;
        Ok(if works { Probe::Accepted } else { Probe::Rejected })
    }

    async fn apply(
        &self,
        _context: &CallContext,
        new: Credential<'_>,
        _current: Option<Credential<'_>>,
    ) -> Result<()> {
        if self.works("apply", new.value).await? { Ok(()) } else { Err(told("apply")) }
    }

    /// From now on nothing is read that a version before the remaining one made. `vault write …/config` can take that back
    /// until the old versions are trimmed.
    async fn revoke(
        &self,
        context: &CallContext,
        old: Credential<'_>,
        remaining: Option<Credential<'_>>,
    ) -> Result<()> {
        let (mut session, name) = self.0.begin("end old versions", Some(context))?;
        let key = self.key(&mut session, name).await?;
        let Some(old) = number(old.value).filter(|old| *old >= key.min_decryption_version.max(1)) else {
            return Ok(());
        };
        let remaining = remaining.and_then(|remaining| number(remaining.value)).unwrap_or(old + 1);
        if remaining <= old || remaining > key.latest_version {
            let message =
                "a version is ended with all that came before it, and this one is the newest that is left";
            return Err(session.error(ErrorKind::Conflict, message).with("version", old));
        }
        let mut body = json!({ "min_decryption_version": remaining });
        // It may not be above this one, where there is one.
        if key.min_encryption_version != 0 && key.min_encryption_version < remaining {
            body["min_encryption_version"] = json!(remaining);
        }
        let body = Zeroizing::new(body.to_string().into_bytes());
        session.post(&[&self.0.mount, "keys", name, "config"], body).await.map(drop)
    }

    async fn generation(&self) -> Result<Option<Generation>> {
        let (mut session, name) = self.0.begin("look at the key", None)?;
        Ok(Some(Generation::new(self.key(&mut session, name).await?.latest_version.to_string())))
    }

    async fn reissue(&self, context: &CallContext, seen: Option<&Generation>) -> Result<Reissued> {
        let (mut session, name) = self.0.begin("rotate key", Some(context))?;
        let before = self.key(&mut session, name).await?.latest_version;
        let mut latest = before;
        if seen.is_none_or(|seen| seen.as_str() == before.to_string()) {
            session.post_once(&[&self.0.mount, "keys", name, "rotate"]).await?;
            latest = self.key(&mut session, name).await?.latest_version;
            if latest <= before {
                let message = "Vault said yes, and the key has no version more than before";
                return Err(Error::maybe_applied(ErrorKind::Unavailable, session.operation(), message));
            }
        }
        Ok(Reissued { identity: None, value: SecretValue::from_vec(latest.to_string().into_bytes()) })
    }

    async fn examine(&self) -> Vec<Finding> {
        let mount = &self.0.mount;
        let key = match self.0.begin(examine::EXAMINE, None) {
            Ok((mut session, name)) => self.key(&mut session, name).await.ok(),
            Err(_) => None,
        };
        let needed = |name: &str| {
            let mut needed = vec![
                (format!("{mount}/keys/{name}"), &["read"] as &[_]),
                (format!("{mount}/keys/{name}/rotate"), &["update"]),
                (format!("{mount}/keys/{name}/config"), &["update"]),
            ];
            // Which of them depends on the key.
            if let Some(way) = key.as_ref().map(Key::way) {
                needed.push((format!("{mount}/{}/{name}", way.there), &["update"]));
                needed.push((format!("{mount}/{}/{name}", way.back), &["update"]));
            }
            needed
        };
        let look = async {
            let (mut session, name) = self.0.begin(examine::EXAMINE, None)?;
            self.key(&mut session, name).await?;
            Ok(None)
        };
        examine::rotator(&self.0, needed, look).await
    }
}
