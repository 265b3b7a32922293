//! A credential as the stores hold it.

use std::{fs, io, path::Path};

use serde_json::Value;
use sha2::{Digest, Sha256};

/// Where to connect to, and as whom.
#[derive(Clone)]
pub(crate) struct Document {
    pub(crate) engine: String,
    pub(crate) host: String,
    pub(crate) port: u16,
    pub(crate) username: String,
    pub(crate) password: String,
    /// Of the document: the first 16 hex digits of its SHA-256.
    pub(crate) fingerprint: String,
}

impl Document {
    pub(crate) fn read(path: &Path) -> io::Result<Self> {
        let bytes = fs::read(path)?;
        let fields: Value = serde_json::from_slice(&bytes)?;
        let text = |name: &str| {
            let missing = || io::Error::other(format!("the document has no text `{name}`"));
            fields[name].as_str().map(str::to_owned).ok_or_else(missing)
        };
        let port = fields["port"].as_u64().and_then(|port| u16::try_from(port).ok());
        Ok(Self {
            engine: text("engine")?,
            host: text("host")?,
            port: port.ok_or_else(|| io::Error::other("the document has no `port`"))?,
            username: text("username")?,
            password: text("password")?,
            fingerprint: fingerprint(&bytes),
        })
    }
}

fn fingerprint(bytes: &[u8]) -> String {
    let digest = Sha256::digest(bytes);
    let first = digest[..8].iter().fold(0_u64, |number, byte| number << 8 | u64::from(*byte));
    format!("{first:016x}")
}
