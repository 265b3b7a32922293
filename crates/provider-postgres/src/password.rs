//! What a password becomes before it is sent.

use keywheel_core::{Error, ErrorKind, Result, SecretValue};
use postgres_protocol::password::scram_sha_256;
use tokio::task;

/// The SCRAM verifier of `value`: what the server keeps, and all that a statement or a log can show. It takes
/// milliseconds of a processor.
///
/// # Errors
/// `InvalidValue` when clients would not agree on which password it is: `PostgreSQL` asks for `SASLprep` (RFC 4013) before
/// hashing, and what that changes or refuses, some drivers send as it is.
pub(crate) async fn verifier(operation: &'static str, value: &SecretValue) -> Result<String> {
    check(operation, value)?;
    let value = value.duplicate();
    task::spawn_blocking(move || scram_sha_256(value.expose_secret()))
        .await
        .map_err(|_| Error::not_applied(ErrorKind::Internal, operation, "the password could not be hashed"))
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

    #[test]
    fn other_bytes_are_refused() {
        assert!(check("apply", &SecretValue::copy_from(b"caf\xe9")).is_err());
    }
}
