//! What keywheel calls a fingerprint, computed here once more.

use std::fmt::Write;

use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};

/// SHA-256 of `value`, cut to 16 hex digits: of values that a generator made.
pub fn fingerprint(value: &[u8]) -> String {
    cut(&Sha256::digest(value))
}

/// HMAC-SHA-256 of `value` under an installation's `key`: of values that a person chose.
pub fn keyed_fingerprint(value: &[u8], key: &[u8]) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).unwrap();
    mac.update(value);
    cut(&mac.finalize().into_bytes())
}

fn cut(digest: &[u8]) -> String {
    digest[..8].iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
