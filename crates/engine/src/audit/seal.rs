//! Signs one JSON object on one line, and checks that it is still what was signed.

use hmac::{Hmac, KeyInit, Mac};
use serde::Serialize;
use sha2::Sha256;

use super::digest::Digest;

/// What stands between the signed bytes and the 64 digits of the signature.
const BEFORE: &[u8] = br#","mac":""#;
/// What ends the line.
const AFTER: &[u8] = br#""}"#;
/// The length of all that is not signed.
const TAIL: usize = BEFORE.len() + 64 + AFTER.len();

/// The audit key, ready to sign.
pub(super) struct Seal(Hmac<Sha256>);

/// Why a line is not one that was signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Broken {
    /// It does not end in a signature.
    Shape,
    /// The signature is of other bytes, or by another key.
    Signature,
}

impl Seal {
    pub(super) fn new(key: &[u8; 32]) -> Self {
        Self(Hmac::new_from_slice(key).expect("HMAC takes a key of any length"))
    }

    /// Appends `object` to `out` as one signed line without its newline; gives its signature. `object` must write at
    /// least one key, and no `mac`.
    pub(super) fn close(&self, object: &impl Serialize, out: &mut Vec<u8>) -> serde_json::Result<Digest> {
        let start = out.len();
        serde_json::to_writer(&mut *out, object)?;
        out.pop();
        let mac = self.sign(&out[start..]);
        out.extend_from_slice(BEFORE);
        out.extend_from_slice(&mac.hex());
        out.extend_from_slice(AFTER);
        Ok(mac)
    }

    /// Checks `line`, which has no newline; gives its signature.
    pub(super) fn open(&self, line: &[u8]) -> Result<Digest, Broken> {
        let signed_len = line.len().checked_sub(TAIL).ok_or(Broken::Shape)?;
        let (signed, tail) = line.split_at(signed_len);
        let digits =
            tail.strip_prefix(BEFORE).and_then(|tail| tail.strip_suffix(AFTER)).ok_or(Broken::Shape)?;
        let mac = Digest::from_hex(digits).map_err(|_| Broken::Shape)?;
        let mut hmac = self.0.clone();
        hmac.update(signed);
        hmac.verify_slice(mac.as_bytes()).map_err(|_| Broken::Signature)?;
        Ok(mac)
    }

    fn sign(&self, bytes: &[u8]) -> Digest {
        let mut hmac = self.0.clone();
        hmac.update(bytes);
        Digest::new(hmac.finalize().into_bytes().into())
    }
}
