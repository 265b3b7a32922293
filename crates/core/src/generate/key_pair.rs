//! Key pairs: the private half as the value, PKCS#8 in PEM.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::GenerateError;
use crate::value::SecretValue;

/// What kind of key pair.
///
/// aws-lc-rs makes them from its own generator, which the operating system seeds; it takes no other source. So a key
/// pair does not come out of [`crate::Entropy`], and a simulation with a seed gets a different one each time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[schemars(description = "The kind of key and its size.")]
pub enum KeyAlgorithm {
    /// RSA with a modulus of 2048 bits: the least that is still accepted, for consumers that take no more.
    #[serde(rename = "rsa-2048")]
    Rsa2048,
    /// RSA with a modulus of 3072 bits.
    #[serde(rename = "rsa-3072")]
    Rsa3072,
    /// RSA with a modulus of 4096 bits. Takes seconds to make.
    #[serde(rename = "rsa-4096")]
    Rsa4096,
    /// ECDSA on NIST P-256.
    #[serde(rename = "ec-p256")]
    EcP256,
    /// ECDSA on NIST P-384.
    #[serde(rename = "ec-p384")]
    EcP384,
    /// Ed25519 (RFC 8032).
    #[serde(rename = "ed25519")]
    Ed25519,
}

/// Which key pair to make. There is no default: the consumers decide what they understand.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct KeyPairRecipe {
    /// The kind of key and its size.
    pub algorithm: KeyAlgorithm,
}

impl KeyAlgorithm {
    /// Every algorithm, in the order in which they are shown.
    pub const ALL: [Self; 6] =
        [Self::Rsa2048, Self::Rsa3072, Self::Rsa4096, Self::EcP256, Self::EcP384, Self::Ed25519];

    /// The name that operators write.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Rsa2048 => "rsa-2048",
            Self::Rsa3072 => "rsa-3072",
            Self::Rsa4096 => "rsa-4096",
            Self::EcP256 => "ec-p256",
            Self::EcP384 => "ec-p384",
            Self::Ed25519 => "ed25519",
        }
    }

    #[cfg(feature = "key-pairs")]
    pub(super) fn generate(self) -> Result<SecretValue, GenerateError> {
        super::pkcs8::fresh(self).map_err(|super::pkcs8::Refused| GenerateError::KeyPair(self))
    }

    #[cfg(not(feature = "key-pairs"))]
    pub(super) fn generate(self) -> Result<SecretValue, GenerateError> {
        Err(GenerateError::WithoutKeyPairs(self))
    }
}

impl fmt::Display for KeyAlgorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

#[cfg(all(test, not(feature = "key-pairs")))]
mod tests {
    use super::*;

    #[test]
    fn a_build_without_key_pairs_names_the_feature() {
        let error = KeyAlgorithm::Ed25519.generate().unwrap_err();
        assert!(error.to_string().contains("feature `key-pairs`"), "{error}");
    }
}
