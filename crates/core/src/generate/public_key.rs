//! The public half of a private key, in the forms that other systems read.

use aws_lc_rs::{encoding::AsDer, encoding::PublicKeyX509Der, error::Unspecified, signature::KeyPair};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use pem_rfc7468::LineEnding;

use super::{Jwk, JwkKey, JwsAlgorithm, KeyAlgorithm, pkcs8::PrivateKey};
use crate::value::SecretValue;

/// Why a value gives no public key. No message holds anything of the value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PublicKeyError {
    /// Not PEM at all, or damaged.
    #[error("the value is not a private key in PEM")]
    NotPem,
    /// PEM of something else: a certificate, a public key.
    #[error("the PEM holds something other than a private key")]
    NotPrivate,
    /// PKCS#1 or SEC 1.
    #[error("the private key is in an older form; `openssl pkcs8 -topk8 -nocrypt` turns it into PKCS#8")]
    NotPkcs8,
    /// A passphrase protects it.
    #[error("the private key is encrypted; keywheel takes no passphrase")]
    Encrypted,
    /// A damaged key or one of a kind that keywheel does not make.
    #[error("the private key is none of RSA 2048/3072/4096, EC P-256/P-384 and Ed25519, or it is damaged")]
    Unsupported,
}

/// A public key. Nothing in it is secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicKey {
    algorithm: KeyAlgorithm,
    spki: Vec<u8>,
    jwk: Jwk,
}

impl PublicKey {
    /// The public half of `private`: one PKCS#8 key in PEM, as [`super::Recipe::generate`] makes it or as a person
    /// brought it.
    ///
    /// # Errors
    /// [`PublicKeyError`], which says what the value is instead.
    pub fn of(private: &SecretValue) -> Result<Self, PublicKeyError> {
        match PrivateKey::from_pem(private)? {
            PrivateKey::Rsa(pair) => {
                let public = pair.public_key();
                let algorithm = match public.modulus_len() {
                    256 => KeyAlgorithm::Rsa2048,
                    384 => KeyAlgorithm::Rsa3072,
                    512 => KeyAlgorithm::Rsa4096,
                    _ => return Err(PublicKeyError::Unsupported),
                };
                let n = URL_SAFE_NO_PAD.encode(public.modulus().big_endian_without_leading_zero());
                let e = URL_SAFE_NO_PAD.encode(public.exponent().big_endian_without_leading_zero());
                Self::new(algorithm, public, JwkKey::Rsa { n, e }, JwsAlgorithm::Rs256)
            }
            PrivateKey::EcP256(pair) => {
                let public = pair.public_key();
                Self::new(KeyAlgorithm::EcP256, public, ec("P-256", public.as_ref()), JwsAlgorithm::Es256)
            }
            PrivateKey::EcP384(pair) => {
                let public = pair.public_key();
                Self::new(KeyAlgorithm::EcP384, public, ec("P-384", public.as_ref()), JwsAlgorithm::Es384)
            }
            PrivateKey::Ed25519(pair) => {
                let public = pair.public_key();
                let key = JwkKey::Okp { crv: "Ed25519".to_owned(), x: URL_SAFE_NO_PAD.encode(public) };
                Self::new(KeyAlgorithm::Ed25519, public, key, JwsAlgorithm::EdDsa)
            }
        }
    }

    fn new(
        algorithm: KeyAlgorithm,
        public: &impl AsDer<PublicKeyX509Der<'static>>,
        key: JwkKey,
        alg: JwsAlgorithm,
    ) -> Result<Self, PublicKeyError> {
        let spki = public.as_der().map_err(|Unspecified| PublicKeyError::Unsupported)?;
        Ok(Self { algorithm, spki: spki.as_ref().to_vec(), jwk: Jwk::new(key, alg) })
    }

    /// The kind of key and its size.
    pub fn algorithm(&self) -> KeyAlgorithm {
        self.algorithm
    }

    /// The `SubjectPublicKeyInfo` (RFC 5280 §4.1.2.7) in DER.
    pub fn spki_der(&self) -> &[u8] {
        &self.spki
    }

    /// The same in PEM: `-----BEGIN PUBLIC KEY-----`, ending with a line feed.
    pub fn spki_pem(&self) -> String {
        pem_rfc7468::encode_string("PUBLIC KEY", LineEnding::LF, &self.spki)
            .expect("a public key of a few hundred bytes has a PEM form")
    }

    /// The JSON Web Key. An RSA key says `RS256`; a consumer that checks `PS256` must ignore `alg`.
    pub fn jwk(&self) -> &Jwk {
        &self.jwk
    }

    /// The key's name: the RFC 7638 SHA-256 thumbprint in base64url. The same key has the same `kid` for ever.
    pub fn kid(&self) -> &str {
        &self.jwk.kid
    }
}

/// The two halves of an uncompressed point (SEC 1 §2.3.3): `04`, x, y, each as long as the field.
fn ec(curve: &str, point: &[u8]) -> JwkKey {
    let (x, y) = point[1..].split_at((point.len() - 1) / 2);
    JwkKey::Ec { crv: curve.to_owned(), x: URL_SAFE_NO_PAD.encode(x), y: URL_SAFE_NO_PAD.encode(y) }
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::{
        rand::SystemRandom,
        signature::{
            ECDSA_P256_SHA256_FIXED, ECDSA_P384_SHA384_FIXED, ED25519, RSA_PKCS1_2048_8192_SHA256,
            RSA_PKCS1_SHA256, RsaPublicKeyComponents, UnparsedPublicKey, VerificationAlgorithm,
        },
    };
    use rstest::rstest;

    use super::*;
    use crate::{
        entropy::OsEntropy,
        generate::{KeyPairRecipe, Recipe},
    };

    const MESSAGE: &[u8] = b"signed with the private half";

    fn generate(algorithm: KeyAlgorithm) -> SecretValue {
        Recipe::KeyPair(KeyPairRecipe { algorithm }).generate(&OsEntropy).unwrap()
    }

    fn sign(private: &SecretValue) -> Vec<u8> {
        match PrivateKey::from_pem(private).unwrap() {
            PrivateKey::Rsa(pair) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), MESSAGE, &mut signature).unwrap();
                signature
            }
            PrivateKey::EcP256(pair) | PrivateKey::EcP384(pair) => {
                pair.sign(&SystemRandom::new(), MESSAGE).unwrap().as_ref().to_vec()
            }
            PrivateKey::Ed25519(pair) => pair.sign(MESSAGE).as_ref().to_vec(),
        }
    }

    fn decode(text: &str) -> Vec<u8> {
        URL_SAFE_NO_PAD.decode(text).unwrap()
    }

    /// Checks with nothing but what the JSON says, as a verifier elsewhere would.
    fn verify_with_jwk(json: &str, signature: &[u8]) -> bool {
        match serde_json::from_str::<Jwk>(json).unwrap().key {
            JwkKey::Rsa { n, e } => RsaPublicKeyComponents { n: decode(&n), e: decode(&e) }
                .verify(&RSA_PKCS1_2048_8192_SHA256, MESSAGE, signature)
                .is_ok(),
            JwkKey::Ec { crv, x, y } => {
                let curve: &'static dyn VerificationAlgorithm = match crv.as_str() {
                    "P-256" => &ECDSA_P256_SHA256_FIXED,
                    "P-384" => &ECDSA_P384_SHA384_FIXED,
                    other => panic!("no such curve: {other}"),
                };
                let point = [vec![4], decode(&x), decode(&y)].concat();
                UnparsedPublicKey::new(curve, point).verify(MESSAGE, signature).is_ok()
            }
            JwkKey::Okp { x, .. } => {
                UnparsedPublicKey::new(&ED25519, decode(&x)).verify(MESSAGE, signature).is_ok()
            }
        }
    }

    fn verify_with_spki(algorithm: KeyAlgorithm, pem: &str, signature: &[u8]) -> bool {
        let (label, der) = pem_rfc7468::decode_vec(pem.as_bytes()).unwrap();
        assert_eq!(label, "PUBLIC KEY");
        let verification: &'static dyn VerificationAlgorithm = match algorithm {
            KeyAlgorithm::Rsa2048 | KeyAlgorithm::Rsa3072 | KeyAlgorithm::Rsa4096 => {
                &RSA_PKCS1_2048_8192_SHA256
            }
            KeyAlgorithm::EcP256 => &ECDSA_P256_SHA256_FIXED,
            KeyAlgorithm::EcP384 => &ECDSA_P384_SHA384_FIXED,
            KeyAlgorithm::Ed25519 => &ED25519,
        };
        UnparsedPublicKey::new(verification, der).verify(MESSAGE, signature).is_ok()
    }

    #[rstest]
    #[case(KeyAlgorithm::Rsa2048)]
    #[case(KeyAlgorithm::Rsa3072)]
    #[case(KeyAlgorithm::Rsa4096)]
    #[case(KeyAlgorithm::EcP256)]
    #[case(KeyAlgorithm::EcP384)]
    #[case(KeyAlgorithm::Ed25519)]
    fn what_the_private_half_signs_the_published_forms_verify(#[case] algorithm: KeyAlgorithm) {
        let private = generate(algorithm);
        let public = PublicKey::of(&private).unwrap();
        let json = serde_json::to_string(public.jwk()).unwrap();
        let mut signature = sign(&private);
        assert_eq!(public.algorithm(), algorithm);
        assert!(verify_with_jwk(&json, &signature));
        assert!(verify_with_spki(algorithm, &public.spki_pem(), &signature));
        signature[7] ^= 1;
        assert!(!verify_with_jwk(&json, &signature));
        assert!(!verify_with_spki(algorithm, &public.spki_pem(), &signature));
    }

    #[test]
    fn the_example_of_rfc_8410_has_the_public_key_of_the_rfc() {
        let private = "-----BEGIN PRIVATE KEY-----\n\
                       MC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC\n\
                       -----END PRIVATE KEY-----\n";
        let public = "-----BEGIN PUBLIC KEY-----\n\
                      MCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=\n\
                      -----END PUBLIC KEY-----\n";
        let value = SecretValue::copy_from(private.as_bytes());
        assert_eq!(PublicKey::of(&value).unwrap().spki_pem(), public);
    }

    #[test]
    fn a_key_keeps_its_kid_and_another_key_has_another() {
        let (one, other) = (generate(KeyAlgorithm::EcP256), generate(KeyAlgorithm::EcP256));
        let kid = PublicKey::of(&one).unwrap().kid().to_owned();
        assert_eq!(kid.len(), 43);
        assert_eq!(PublicKey::of(&one).unwrap().kid(), kid);
        assert_ne!(PublicKey::of(&other).unwrap().kid(), kid);
    }

    #[test]
    fn the_pem_is_wrapped_at_64_and_carriage_returns_are_read() {
        let pem = generate(KeyAlgorithm::Ed25519);
        let text = std::str::from_utf8(pem.expose_secret()).unwrap();
        assert!(
            text.starts_with("-----BEGIN PRIVATE KEY-----\n")
                && text.ends_with("-----END PRIVATE KEY-----\n")
        );
        assert!(text.lines().all(|line| line.len() <= 64));
        let with_returns = SecretValue::copy_from(text.replace('\n', "\r\n").as_bytes());
        assert_eq!(PublicKey::of(&with_returns), PublicKey::of(&pem));
    }

    fn labelled(label: &str) -> SecretValue {
        let pem = generate(KeyAlgorithm::Ed25519);
        let text = std::str::from_utf8(pem.expose_secret()).unwrap().replace("PRIVATE KEY", label);
        SecretValue::copy_from(text.as_bytes())
    }

    #[rstest]
    #[case(SecretValue::copy_from(b"hunter2"), PublicKeyError::NotPem)]
    #[case(SecretValue::copy_from(b""), PublicKeyError::NotPem)]
    #[case(labelled("CERTIFICATE"), PublicKeyError::NotPrivate)]
    #[case(labelled("ENCRYPTED PRIVATE KEY"), PublicKeyError::Encrypted)]
    #[case(labelled("RSA PRIVATE KEY"), PublicKeyError::NotPkcs8)]
    #[case(
        SecretValue::copy_from(b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"),
        PublicKeyError::Unsupported
    )]
    fn other_values_are_named_for_what_they_are(#[case] value: SecretValue, #[case] error: PublicKeyError) {
        assert_eq!(PublicKey::of(&value), Err(error));
    }
}
