//! How `RabbitMQ` keeps passwords: <https://www.rabbitmq.com/docs/passwords#computing-password-hash>.

use base64::{Engine, engine::general_purpose::STANDARD};
use keywheel_core::{Entropy as _, Error, ErrorKind, OsEntropy, Result, SecretValue};
use sha2::{Digest, Sha256};

/// The algorithm that is asked for, whatever the server's default is.
pub(crate) const ALGORITHM: &str = "rabbit_password_hashing_sha256";

const SALT_BYTES: usize = 4;

/// The salted hash of a password, with a new salt.
pub(crate) fn of(operation: &'static str, password: &SecretValue) -> Result<String> {
    let mut salt = [0; SALT_BYTES];
    OsEntropy.fill(&mut salt).map_err(|error| {
        Error::not_applied(ErrorKind::Unavailable, operation, "the system gives no random bytes")
            .caused_by(error)
    })?;
    Ok(salted(salt, password))
}

fn salted(salt: [u8; SALT_BYTES], password: &SecretValue) -> String {
    let digest = Sha256::new().chain_update(salt).chain_update(password.expose_secret()).finalize();
    let mut bytes = salt.to_vec();
    bytes.extend_from_slice(&digest);
    STANDARD.encode(bytes)
}

/// Whether `stored` is the hash of `password`; `None` if it was made in a way that is not known here.
pub(crate) fn matches(stored: &str, algorithm: &str, password: &SecretValue) -> Option<bool> {
    if stored.is_empty() {
        return Some(false);
    }
    if algorithm != ALGORITHM {
        return None;
    }
    let bytes = STANDARD.decode(stored).ok()?;
    let (salt, _) = bytes.split_first_chunk::<SALT_BYTES>()?;
    Some(salted(*salt, password) == stored)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(text: &str) -> SecretValue {
        SecretValue::copy_from(text.as_bytes())
    }

    #[test]
    fn it_is_the_example_of_the_documentation() {
        let hash = salted([0x90, 0x8d, 0xc6, 0x0a], &value("test12"));
        assert_eq!(hash, "kI3GCqW5JLMJa4iX1lo7X4D6XbYqlLgxIs30+P6tENUV2POR");
        assert_eq!(matches(&hash, ALGORITHM, &value("test12")), Some(true));
        assert_eq!(matches(&hash, ALGORITHM, &value("test13")), Some(false));
    }

    #[test]
    fn nobody_logs_in_with_an_empty_hash_and_of_other_algorithms_nothing_is_said() {
        assert_eq!(matches("", ALGORITHM, &value("")), Some(false));
        assert_eq!(matches("a", ALGORITHM, &value("")), None);
        assert_eq!(matches("abcd", "rabbit_password_hashing_sha512", &value("")), None);
    }
}
