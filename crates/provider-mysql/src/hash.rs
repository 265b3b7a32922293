//! What `MariaDB` keeps instead of a password, made here so that no statement holds the password.

use std::fmt::Write as _;

use aws_lc_rs::digest;
use base64::{Engine as _, engine::general_purpose::STANDARD_NO_PAD};
use curve25519_dalek::EdwardsPoint;
use keywheel_core::{Entropy as _, Error, ErrorKind, OsEntropy, Result, SecretValue};
use zeroize::{Zeroize, Zeroizing};

/// The ways of checking a password that are known here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scheme {
    /// `mysql_native_password`: `*` and the SHA-1 of the SHA-1 in hex digits.
    Native,
    /// `ed25519` of `MariaDB`: the public key to the secret key that the SHA-512 of the password is, in base64.
    /// <https://mariadb.com/kb/en/authentication-plugin-ed25519/>
    Ed25519,
}

impl Scheme {
    /// The scheme of a plugin; an account without one has the native one.
    pub(crate) fn of(plugin: &str) -> Option<Self> {
        match plugin {
            "" | "mysql_native_password" => Some(Self::Native),
            "ed25519" => Some(Self::Ed25519),
            _ => None,
        }
    }

    pub(crate) fn plugin(self) -> &'static str {
        match self {
            Self::Native => "mysql_native_password",
            Self::Ed25519 => "ed25519",
        }
    }

    /// What the server keeps of `value`. Good for a login only after it was inverted, but whoever has the native one can
    /// log in when they have also listened to a login: it is treated as a secret.
    pub(crate) fn hash(self, value: &SecretValue) -> Zeroizing<String> {
        let value = value.expose_secret();
        match self {
            Self::Native => {
                let once = digest::digest(&digest::SHA1_FOR_LEGACY_USE_ONLY, value);
                let twice = digest::digest(&digest::SHA1_FOR_LEGACY_USE_ONLY, once.as_ref());
                let mut text = Zeroizing::new(String::with_capacity(41));
                text.push('*');
                for byte in twice.as_ref() {
                    let _infallible = write!(text, "{byte:02X}");
                }
                text
            }
            Self::Ed25519 => {
                let expanded = digest::digest(&digest::SHA512, value);
                let mut scalar = [0; 32];
                scalar.copy_from_slice(&expanded.as_ref()[..32]);
                let public = EdwardsPoint::mul_base_clamped(scalar).compress();
                scalar.zeroize();
                Zeroizing::new(STANDARD_NO_PAD.encode(public.as_bytes()))
            }
        }
    }
}

/// A password that nobody knows and nobody keeps. It has a character of each class, for servers that ask for them.
pub(crate) fn unknown(operation: &'static str) -> Result<SecretValue> {
    let mut random = Zeroizing::new([0; 24]);
    OsEntropy
        .fill(&mut *random)
        .map_err(|_| Error::not_applied(ErrorKind::Internal, operation, "no randomness could be had"))?;
    let mut text = Zeroizing::new(String::with_capacity(64));
    text.push_str("aA1-");
    STANDARD_NO_PAD.encode_string(*random, &mut text);
    Ok(SecretValue::copy_from(text.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_are_those_that_the_server_makes() {
        // `SELECT PASSWORD('foo')`, and the `authentication_string` after `IDENTIFIED VIA ed25519 USING PASSWORD('x')`.
        let value = |text: &str| SecretValue::copy_from(text.as_bytes());
        assert_eq!(*Scheme::Native.hash(&value("foo")), "*F3A2A51A9B0F2BE2468926B4132313728C250DBF");
        assert_eq!(*Scheme::Ed25519.hash(&value("x")), "Gv2JI8Env2fd5YGonZ082tX3UAW+yJYldOlj4R1bfK4");
    }

    #[test]
    fn nobody_gets_the_same_unknown_password_twice() {
        assert!(!unknown("revoke").unwrap().same_as(&unknown("revoke").unwrap()));
    }
}
