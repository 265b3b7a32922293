//! What keywheel calls a plain fingerprint, computed here once more.

use std::fmt::Write;

use sha2::{Digest, Sha256};

/// SHA-256 of `value`, cut to 16 hex digits.
pub fn fingerprint(value: &[u8]) -> String {
    Sha256::digest(value)[..8].iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
