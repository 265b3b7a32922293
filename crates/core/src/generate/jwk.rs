//! JSON Web Keys of public halves, and the name that a key has wherever it goes.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};
use serde_json::json;
use sha2::{Digest, Sha256};

/// The parameters of a public key: RFC 7518 §6 for RSA and EC, RFC 8037 §2 for Ed25519. Every text is base64url
/// without padding.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kty")]
pub enum JwkKey {
    /// An RSA key.
    #[serde(rename = "RSA")]
    Rsa {
        /// The modulus, big-endian without leading zeros.
        n: String,
        /// The exponent, likewise.
        e: String,
    },
    /// A point on a NIST curve.
    #[serde(rename = "EC")]
    Ec {
        /// `P-256` or `P-384`.
        crv: String,
        /// The first coordinate, as long as the curve's field.
        x: String,
        /// The second coordinate, likewise.
        y: String,
    },
    /// An octet key pair.
    #[serde(rename = "OKP")]
    Okp {
        /// `Ed25519`.
        crv: String,
        /// The public key: 32 bytes.
        x: String,
    },
}

/// What a published key is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum JwkUse {
    /// Checking signatures.
    #[serde(rename = "sig")]
    Signature,
}

/// The signature algorithm that a key is used with: RFC 7518 §3.1, RFC 8037 §3.1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum JwsAlgorithm {
    /// RSASSA-PKCS1-v1_5 with SHA-256.
    #[serde(rename = "RS256")]
    Rs256,
    /// ECDSA on P-256 with SHA-256.
    #[serde(rename = "ES256")]
    Es256,
    /// ECDSA on P-384 with SHA-384.
    #[serde(rename = "ES384")]
    Es384,
    /// Ed25519.
    #[serde(rename = "EdDSA")]
    EdDsa,
}

/// A public key as RFC 7517 writes it. Nothing in it is secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Jwk {
    /// The key itself, in line with the other members.
    #[serde(flatten)]
    pub key: JwkKey,
    /// What the key is for.
    #[serde(rename = "use")]
    pub usage: JwkUse,
    /// Which signatures it checks.
    pub alg: JwsAlgorithm,
    /// The key's name: its thumbprint, so that one key has one name in every process that reads it.
    pub kid: String,
}

/// The document that verifiers fetch: RFC 7517 §5.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct JwkSet {
    /// The keys, each `kid` once.
    pub keys: Vec<Jwk>,
}

impl JwkKey {
    /// The SHA-256 thumbprint of RFC 7638 in base64url without padding: 43 characters that depend on the key alone.
    pub fn thumbprint(&self) -> String {
        // The required members only, in the order of their names, without white space: RFC 7638 §3.
        let canonical = match self {
            Self::Rsa { n, e } => format!(r#"{{"e":{},"kty":"RSA","n":{}}}"#, json!(e), json!(n)),
            Self::Ec { crv, x, y } => {
                format!(r#"{{"crv":{},"kty":"EC","x":{},"y":{}}}"#, json!(crv), json!(x), json!(y))
            }
            Self::Okp { crv, x } => format!(r#"{{"crv":{},"kty":"OKP","x":{}}}"#, json!(crv), json!(x)),
        };
        URL_SAFE_NO_PAD.encode(Sha256::digest(canonical))
    }
}

impl Jwk {
    /// A key for checking signatures, named by its thumbprint.
    pub fn new(key: JwkKey, alg: JwsAlgorithm) -> Self {
        let kid = key.thumbprint();
        Self { key, usage: JwkUse::Signature, alg, kid }
    }
}

impl FromIterator<Jwk> for JwkSet {
    /// Keeps the first key of each `kid`: right after a promotion, one key can be both next and current.
    fn from_iter<I: IntoIterator<Item = Jwk>>(keys: I) -> Self {
        let mut set = Self::default();
        for key in keys {
            if set.keys.iter().all(|known| known.kid != key.kid) {
                set.keys.push(key);
            }
        }
        set
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    // RFC 7638 §3.1
    const RSA: &str = r#"{"kty": "RSA", "n": "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw", "e": "AQAB", "alg": "RS256", "kid": "2011-04-29"}"#;
    // RFC 8037 appendix A.2 and A.3
    const OKP: &str = r#"{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#;

    #[rstest]
    #[case(RSA, "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs")]
    #[case(OKP, "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k")]
    fn the_thumbprint_is_that_of_the_rfc(#[case] key: &str, #[case] thumbprint: &str) {
        assert_eq!(serde_json::from_str::<JwkKey>(key).unwrap().thumbprint(), thumbprint);
    }

    #[test]
    fn a_key_is_written_flat() {
        let jwk = Jwk::new(serde_json::from_str(OKP).unwrap(), JwsAlgorithm::EdDsa);
        let written = serde_json::to_value(&jwk).unwrap();
        assert_eq!(
            written,
            json!({"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo", "use": "sig",
                   "alg": "EdDSA", "kid": "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"})
        );
        assert_eq!(serde_json::from_value::<Jwk>(written).unwrap(), jwk);
    }

    #[test]
    fn a_set_holds_each_key_once() {
        let one = Jwk::new(serde_json::from_str(OKP).unwrap(), JwsAlgorithm::EdDsa);
        let other = Jwk::new(serde_json::from_str(RSA).unwrap(), JwsAlgorithm::Rs256);
        let set: JwkSet = [one.clone(), other.clone(), one.clone()].into_iter().collect();
        assert_eq!(set.keys, [one, other]);
    }
}
