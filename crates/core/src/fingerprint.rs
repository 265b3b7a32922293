//! Fingerprints: how two versions are told apart in every place that must not hold a value.

use std::{fmt, str::FromStr, sync::Arc};

use hkdf::Hkdf;
use hmac::{Hmac, KeyInit, Mac};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use crate::value::SecretValue;

/// Sixteen lower-case hex digits that stand for a value.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fingerprint([u8; 8]);

/// The text is not a fingerprint.
#[derive(Debug, thiserror::Error)]
#[error("a fingerprint is 16 hex digits")]
pub struct InvalidFingerprint;

/// How a value becomes a [`Fingerprint`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum FingerprintMode {
    /// SHA-256 of the bytes. For values that a generator made: they cannot be guessed.
    #[default]
    Plain,
    /// HMAC-SHA-256 under a key of this installation. For values that a person may have chosen.
    Keyed,
    /// SHA-256 of the 64 bytes that the `cookie` crate's `Key::derive_from` makes of the value's bytes, so that the
    /// figure equals what a server logs that prints the fingerprint of its cookie key.
    ///
    /// `derive_from` panics below 32 bytes, so no such server runs with a shorter value and there is no figure to
    /// equal. A shorter value gets one that tells versions apart and matches nothing else.
    CookieKey,
}

/// The `info` of `cookie::Key::derive_from`: <https://docs.rs/cookie/latest/cookie/struct.Key.html#method.derive_from>.
const COOKIE_INFO: &[u8] = b"COOKIE;SIGNED:HMAC-SHA256;PRIVATE:AEAD-AES-256-GCM";

/// Computes fingerprints in one mode.
#[derive(Clone)]
pub struct Fingerprinter(Kind);

#[derive(Clone)]
enum Kind {
    Plain,
    Keyed(Arc<Zeroizing<[u8; 32]>>),
    CookieKey,
}

impl Fingerprinter {
    /// SHA-256 cut to 8 bytes.
    pub fn plain() -> Self {
        Self(Kind::Plain)
    }

    /// HMAC-SHA-256 under `key`, cut to 8 bytes.
    pub fn keyed(key: Arc<Zeroizing<[u8; 32]>>) -> Self {
        Self(Kind::Keyed(key))
    }

    /// The cookie-key variant.
    pub fn cookie_key() -> Self {
        Self(Kind::CookieKey)
    }

    /// The fingerprint of `value`.
    pub fn of(&self, value: &SecretValue) -> Fingerprint {
        match &self.0 {
            Kind::Plain => Fingerprint::cut(&Sha256::digest(value.expose_secret())),
            Kind::Keyed(key) => {
                let mut mac =
                    Hmac::<Sha256>::new_from_slice(key.as_slice()).expect("HMAC takes a key of any length");
                mac.update(value.expose_secret());
                Fingerprint::cut(&mac.finalize().into_bytes())
            }
            Kind::CookieKey => {
                let mut derived = Zeroizing::new([0; 64]);
                // `derive_from` takes the value for HKDF's pseudorandom key and only expands it (RFC 5869 §3.3).
                // Below 32 bytes that is not defined; the extract step makes a key of any length.
                Hkdf::<Sha256>::from_prk(value.expose_secret())
                    .unwrap_or_else(|_too_short| Hkdf::new(None, value.expose_secret()))
                    .expand(COOKIE_INFO, derived.as_mut_slice())
                    .expect("64 bytes are within HKDF's limit of 255 blocks");
                Fingerprint::cut(&Sha256::digest(derived.as_slice()))
            }
        }
    }
}

impl fmt::Debug for Fingerprinter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            Kind::Plain => "Fingerprinter(plain)",
            Kind::Keyed(_) => "Fingerprinter(keyed)",
            Kind::CookieKey => "Fingerprinter(cookie-key)",
        })
    }
}

impl Fingerprint {
    fn cut(digest: &[u8]) -> Self {
        let mut bytes = [0; 8];
        bytes.copy_from_slice(&digest[..8]);
        Self(bytes)
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("{:016x}", u64::from_be_bytes(self.0)))
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Fingerprint {
    type Err = InvalidFingerprint;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.len() != 16 || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(InvalidFingerprint);
        }
        u64::from_str_radix(text, 16).map(|bits| Self(bits.to_be_bytes())).map_err(|_| InvalidFingerprint)
    }
}

impl Serialize for Fingerprint {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Fingerprint {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn value(bytes: &[u8]) -> SecretValue {
        SecretValue::copy_from(bytes)
    }

    #[test]
    fn plain_is_sha256_cut_to_sixteen_digits() {
        // `printf abc | sha256sum`
        assert_eq!(Fingerprinter::plain().of(&value(b"abc")).to_string(), "ba7816bf8f01cfea");
    }

    #[test]
    fn keyed_differs_from_plain_and_between_keys() {
        let one = Fingerprinter::keyed(Arc::new(Zeroizing::new([1; 32]))).of(&value(b"abc"));
        let two = Fingerprinter::keyed(Arc::new(Zeroizing::new([2; 32]))).of(&value(b"abc"));
        assert_ne!(one, two);
        assert_ne!(one, Fingerprinter::plain().of(&value(b"abc")));
    }

    #[rstest]
    #[case::least(32)]
    #[case::one_block(64)]
    #[case::longer_than_a_block(88)]
    fn cookie_key_is_what_a_server_computes_from_its_derived_key(#[case] len: u8) {
        let bytes: Vec<u8> = (0..len).collect();
        let expected = Fingerprint::cut(&Sha256::digest(cookie::Key::derive_from(&bytes).master()));
        assert_eq!(Fingerprinter::cookie_key().of(&value(&bytes)), expected);
    }

    #[test]
    fn cookie_key_of_a_value_that_no_server_takes_still_tells_versions_apart() {
        let of = |bytes: &[u8]| Fingerprinter::cookie_key().of(&value(bytes));
        assert_ne!(of(&[1; 31]), of(&[2; 31]));
        assert_ne!(of(b""), of(b"a"));
        assert_ne!(of(&[1; 31]), Fingerprinter::plain().of(&value(&[1; 31])));
    }

    #[test]
    fn text_round_trips_and_refuses_other_lengths() {
        let fingerprint = Fingerprinter::plain().of(&value(b"abc"));
        assert_eq!(fingerprint.to_string().parse::<Fingerprint>().unwrap(), fingerprint);
        assert!("ba7816bf8f01cfe".parse::<Fingerprint>().is_err());
        assert!("+a7816bf8f01cfea".parse::<Fingerprint>().is_err());
    }
}
