//! Telling from its key or its look that a value is probably a credential, so that no message repeats it.

use super::document::{Document, Shape};

/// Words that, at the end of a key, say that the value is a credential.
const WORDS: [&str; 24] = [
    "apikey",
    "auth",
    "authorization",
    "bearer",
    "cookie",
    "credential",
    "credentials",
    "dsn",
    "key",
    "passphrase",
    "passwd",
    "password",
    "passwords",
    "pat",
    "pin",
    "private",
    "pwd",
    "salt",
    "secret",
    "seed",
    "signature",
    "token",
    "tokens",
    "value",
];

/// What issued tokens begin with.
const PREFIXES: [&str; 15] = [
    "-----BEGIN",
    "AKIA",
    "ASIA",
    "AIza",
    "SG.",
    "eyJ",
    "ghp_",
    "gho_",
    "ghs_",
    "github_pat_",
    "glpat-",
    "hvs.",
    "https://hooks.slack.com/",
    "sk-",
    "xox",
];

/// Whether the scalar at `at`, which stands under `key`, is to be kept out of messages. A file that is a single
/// scalar is no inventory, and may well be a secret's own file.
pub(super) fn is_concealed(document: &Document, at: u32, key: Option<u32>) -> bool {
    let shape = document.cell(at).shape;
    matches!(shape, Shape::Plain | Shape::Text)
        && (at == 0
            || key.is_some_and(|key| is_credential_key(document.text(key)))
            || is_credential_value(document.text(at)))
}

/// Whether the value under `key` is to be kept out of messages. The last word decides (`db_password`, `apiKey`,
/// `token`, but not `token_ttl`); a misspelt word counts too, since a misspelt key is just what gets reported.
pub(super) fn is_credential_key(key: &str) -> bool {
    let boundary = key
        .char_indices()
        .rev()
        .find(|&(at, letter)| {
            let after_lower = key[..at].ends_with(|before: char| before.is_lowercase());
            matches!(letter, '_' | '-' | '.' | ' ') || (letter.is_uppercase() && after_lower)
        })
        .map_or(0, |(at, _)| at);
    let word = key[boundary..].trim_matches(['_', '-', '.', ' ']).to_lowercase();
    WORDS.iter().any(|&known| {
        let slips = known.len() / 4;
        word == known
            || word.ends_with(known) && known.len() > 4
            || slips > 0 && strsim::osa_distance(&word, known) <= slips.min(2) && known.len() >= 5
    })
}

/// Whether `value` looks like a credential whatever its key is: an address with a password in it, a PEM block, the
/// prefix of an issued token, or a long run of letters and digits that nobody would type.
pub(super) fn is_credential_value(value: &str) -> bool {
    let value = value.trim();
    has_user_info(value) || has_issued_prefix(value) || is_random(value)
}

fn has_user_info(value: &str) -> bool {
    let Some((_, rest)) = value.split_once("://") else { return false };
    rest.rfind('@').is_some_and(|at| rest[..at].contains(':'))
}

fn has_issued_prefix(value: &str) -> bool {
    PREFIXES.iter().any(|prefix| value.starts_with(prefix) && value.len() >= prefix.len() + 8)
}

fn is_random(value: &str) -> bool {
    let token = |byte: u8| byte.is_ascii_alphanumeric() || b"+/=_-.".contains(&byte);
    let has = |class: fn(&u8) -> bool| value.as_bytes().iter().any(class);
    let mixed = has(u8::is_ascii_uppercase) && has(u8::is_ascii_lowercase) && has(u8::is_ascii_digit);
    let hexadecimal = value.bytes().all(|byte| byte.is_ascii_hexdigit()) && has(u8::is_ascii_digit);
    (value.len() >= 20 && mixed && value.bytes().all(token)) || (value.len() >= 32 && hexadecimal)
}
