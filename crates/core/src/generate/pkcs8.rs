//! Private keys in PKCS#8 (RFC 5958) and PEM (RFC 7468), through aws-lc-rs.

use aws_lc_rs::{
    encoding::AsDer,
    error::Unspecified,
    rsa::{self, KeySize},
    signature::{
        ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair,
        EcdsaSigningAlgorithm, Ed25519KeyPair,
    },
};
use pem_rfc7468::LineEnding;

use super::{KeyAlgorithm, PublicKeyError};
use crate::value::SecretValue;

/// The label of an unencrypted PKCS#8 key in PEM.
const PRIVATE_KEY: &str = "PRIVATE KEY";

/// The library said no; it never says why.
pub(super) struct Refused;

impl From<Unspecified> for Refused {
    fn from(_: Unspecified) -> Self {
        Self
    }
}

impl From<pem_rfc7468::Error> for Refused {
    fn from(_: pem_rfc7468::Error) -> Self {
        Self
    }
}

/// A private key of a kind that [`KeyAlgorithm`] names.
pub(super) enum PrivateKey {
    Rsa(rsa::KeyPair),
    EcP256(EcdsaKeyPair),
    EcP384(EcdsaKeyPair),
    Ed25519(Ed25519KeyPair),
}

/// A fresh key as PEM. PKCS#8 version 1: for Ed25519 the library would write version 2, and its documentation names
/// version 1 as the one for the OpenSSL command line.
///
/// The library wipes the DER that it hands out when that is dropped.
pub(super) fn fresh(algorithm: KeyAlgorithm) -> Result<SecretValue, Refused> {
    match algorithm {
        KeyAlgorithm::Rsa2048 => fresh_rsa(KeySize::Rsa2048),
        KeyAlgorithm::Rsa3072 => fresh_rsa(KeySize::Rsa3072),
        KeyAlgorithm::Rsa4096 => fresh_rsa(KeySize::Rsa4096),
        KeyAlgorithm::EcP256 => fresh_ec(&ECDSA_P256_SHA256_FIXED_SIGNING),
        KeyAlgorithm::EcP384 => fresh_ec(&ECDSA_P384_SHA384_FIXED_SIGNING),
        KeyAlgorithm::Ed25519 => to_pem(Ed25519KeyPair::generate()?.to_pkcs8v1()?.as_ref()),
    }
}

fn fresh_rsa(size: KeySize) -> Result<SecretValue, Refused> {
    to_pem(rsa::KeyPair::generate(size)?.as_der()?.as_ref())
}

fn fresh_ec(curve: &'static EcdsaSigningAlgorithm) -> Result<SecretValue, Refused> {
    to_pem(EcdsaKeyPair::generate(curve)?.to_pkcs8v1()?.as_ref())
}

fn to_pem(der: &[u8]) -> Result<SecretValue, Refused> {
    let len = pem_rfc7468::encoded_len(PRIVATE_KEY, LineEnding::LF, der)?;
    SecretValue::build(len, |pem| {
        let written = pem_rfc7468::encode(PRIVATE_KEY, LineEnding::LF, der, pem)?.len();
        if written == len { Ok(()) } else { Err(Refused) }
    })
}

impl PrivateKey {
    /// Reads `pem`, whose file may have other line ends and text before the first dashes.
    pub(super) fn from_pem(pem: &SecretValue) -> Result<Self, PublicKeyError> {
        let mut decoder =
            pem_rfc7468::Decoder::new(pem.expose_secret()).map_err(|_| PublicKeyError::NotPem)?;
        match decoder.type_label() {
            PRIVATE_KEY => {}
            "ENCRYPTED PRIVATE KEY" => return Err(PublicKeyError::Encrypted),
            "RSA PRIVATE KEY" | "EC PRIVATE KEY" => return Err(PublicKeyError::NotPkcs8),
            _ => return Err(PublicKeyError::NotPrivate),
        }
        let der = SecretValue::build(decoder.remaining_len(), |der| decoder.decode(der).map(|_| ()))
            .map_err(|_| PublicKeyError::NotPem)?;
        Self::from_der(der.expose_secret()).ok_or(PublicKeyError::Unsupported)
    }

    /// Tries each kind in turn: every parser refuses the algorithm identifiers of the others.
    fn from_der(der: &[u8]) -> Option<Self> {
        if let Ok(key) = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, der) {
            return Some(Self::EcP256(key));
        }
        if let Ok(key) = EcdsaKeyPair::from_pkcs8(&ECDSA_P384_SHA384_FIXED_SIGNING, der) {
            return Some(Self::EcP384(key));
        }
        if let Ok(key) = Ed25519KeyPair::from_pkcs8(der) {
            return Some(Self::Ed25519(key));
        }
        rsa::KeyPair::from_pkcs8(der).ok().map(Self::Rsa)
    }
}
