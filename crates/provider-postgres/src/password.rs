//! What a password becomes before it is sent.

use std::num::NonZeroU32;

use aws_lc_rs::{digest, hmac, pbkdf2};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use keywheel_core::{Entropy as _, Error, ErrorKind, OsEntropy, Result, SecretValue};
use tokio::task;
use zeroize::Zeroizing;

/// As many as the server itself takes, unless it is told otherwise.
/// <https://www.postgresql.org/docs/current/runtime-config-connection.html#GUC-SCRAM-ITERATIONS>
const ITERATIONS: NonZeroU32 = NonZeroU32::new(4096).unwrap();

/// The SCRAM verifier of `value`: what the server keeps, and all that a statement or a log can show. It takes
/// the better part of a millisecond of a processor.
///
/// # Errors
/// `Internal` when there is no randomness; `InvalidValue` when clients would not agree on which password it is: `PostgreSQL` asks for `SASLprep` (RFC 4013) before
/// hashing, and what that changes or refuses, some drivers send as it is.
pub(crate) async fn verifier(operation: &'static str, value: &SecretValue) -> Result<String> {
    check(operation, value)?;
    let internal = |why: String| Error::not_applied(ErrorKind::Internal, operation, why);
    let mut salt = [0; 16];
    OsEntropy.fill(&mut salt).map_err(|error| internal(error.to_string()))?;
    let value = value.duplicate();
    task::spawn_blocking(move || scram(value.expose_secret(), &salt))
        .await
        .map_err(|_| internal("the password could not be hashed".to_owned()))
}

/// Two keys made from the password (RFC 5802, section 3), in the form in which the server keeps them
/// (<https://www.postgresql.org/docs/current/catalog-pg-authid.html>). `postgres_protocol` makes them too; it leaves copies
/// of the password in memory that nobody wipes, and hashes each block of it twice as often.
fn scram(password: &[u8], salt: &[u8]) -> String {
    let mut salted = Zeroizing::new([0; digest::SHA256_OUTPUT_LEN]);
    pbkdf2::derive(pbkdf2::PBKDF2_HMAC_SHA256, ITERATIONS, salt, password, &mut *salted);
    let salted = hmac::Key::new(hmac::HMAC_SHA256, &*salted);
    let client_key = hmac::sign(&salted, b"Client Key");
    let stored_key = digest::digest(&digest::SHA256, client_key.as_ref());
    let server_key = hmac::sign(&salted, b"Server Key");
    format!(
        "SCRAM-SHA-256${ITERATIONS}:{}${}:{}",
        STANDARD.encode(salt),
        STANDARD.encode(stored_key),
        STANDARD.encode(server_key)
    )
}

fn check(operation: &'static str, value: &SecretValue) -> Result<()> {
    let refused = |why: &str| Err(Error::not_applied(ErrorKind::InvalidValue, operation, why));
    let Ok(text) = std::str::from_utf8(value.expose_secret()) else {
        return refused("the value is not text in UTF-8, which a password of PostgreSQL has to be");
    };
    if text.is_empty() {
        return refused("the value is empty: PostgreSQL refuses every login with an empty password");
    }
    match stringprep::saslprep(text) {
        Ok(prepared) if prepared == text => Ok(()),
        Ok(_) => refused(
            "the value has characters that SASLprep replaces (such as compatibility forms or soft hyphens): not every \
             driver does that, so that some would be refused",
        ),
        Err(_) => refused(
            "the value has characters that SASLprep forbids (such as line ends and other control characters): drivers \
             disagree on what to do with them",
        ),
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::ascii("correct horse battery staple' \"\\", true)]
    #[case::composed("p\u{e4}ssword", true)]
    #[case::empty("", false)]
    #[case::line_end("password\n", false)]
    #[case::zero("pass\0word", false)]
    #[case::soft_hyphen("pass\u{ad}word", false)]
    #[case::compatibility("\u{fb01}sh", false)]
    fn only_what_every_driver_takes_for_the_same_password_is_taken(#[case] value: &str, #[case] taken: bool) {
        let checked = check("apply", &SecretValue::copy_from(value.as_bytes()));
        assert_eq!(
            checked.map_err(|error| error.kind),
            if taken { Ok(()) } else { Err(ErrorKind::InvalidValue) }
        );
    }

    /// The password, salt and iterations of the example in RFC 7677, section 3.
    #[test]
    fn the_keys_are_those_of_the_standard() {
        let salt = STANDARD.decode("W22ZaJ0SNY7soEsUEjb6gQ==").expect("base64");
        assert_eq!(
            scram(b"pencil", &salt),
            "SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==$WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=:\
             wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU="
        );
    }

    #[test]
    fn other_bytes_are_refused() {
        assert!(check("apply", &SecretValue::copy_from(b"caf\xe9")).is_err());
    }
}
