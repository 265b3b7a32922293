//! Serde's mistakes in an operator's words.

use super::{
    credential::is_credential_value,
    diagnostic::{Diagnostic, shortened},
    failure::Mistake,
    place::Place,
    suggest::near_miss,
};

/// The mistake at `place`, without repeating a value that may be a credential.
pub(super) fn describe(mistake: Mistake, place: Place<'_>) -> Diagnostic {
    match mistake {
        Mistake::Missing(key) => Diagnostic::error(format!("missing key `{key}`")).at(place.name_span()),
        Mistake::UnknownKey(key, known) => {
            let span = place.node().entries().find(|(name, _)| name.raw_text() == Some(&key));
            let span = span.map_or(place.span(), |(name, _)| name.span());
            unknown_key(&key, known).at(span)
        }
        Mistake::UnknownChoice(word, choices) => {
            let message = if place.is_betrayed_by(&word) {
                "this is none of the possible values".to_owned()
            } else {
                format!("`{}` is none of the possible values", shortened(&word))
            };
            Diagnostic::error(message).at(place.span()).hint(choice_hint(
                &word,
                choices,
                "the possible values are",
            ))
        }
        Mistake::Expected(expected, given) if given == place.given() => {
            place.expected(plain_words(&expected))
        }
        Mistake::Expected(expected, _) => {
            let message = format!("expected {} in one of the values here", plain_words(&expected));
            Diagnostic::error(message).at(place.span())
        }
        // Nothing tells which of the words are the value's.
        Mistake::Said(words) if place.is_betrayed_by(&words) => {
            Diagnostic::error("this value is not valid here").at(place.span())
        }
        Mistake::Said(words) => Diagnostic::error(words).at(place.span()),
    }
}

/// The mistake of a key that is none of `known`, still without a place.
pub(super) fn unknown_key(key: &str, known: &[&'static str]) -> Diagnostic {
    // A secret pasted where a key belongs.
    let mistake = if is_credential_value(key) {
        Diagnostic::error("unknown key")
    } else {
        Diagnostic::error(format!("unknown key `{}`", shortened(key)))
    };
    if known.is_empty() { mistake } else { mistake.hint(choice_hint(key, known, "the keys here are")) }
}

fn choice_hint(word: &str, choices: &[&'static str], otherwise: &str) -> String {
    if let Some(near) = near_miss(word, choices.iter().copied()) {
        return format!("did you mean `{near}`?");
    }
    let choices: Vec<_> = choices.iter().map(|choice| format!("`{choice}`")).collect();
    format!("{otherwise} {}", choices.join(", "))
}

/// Serde describes what it expects to a programmer.
fn plain_words(expected: &str) -> &str {
    match expected {
        "a boolean" => "`true` or `false`",
        "a string" | "string" => "text",
        "a borrowed string" | "a character" => "one character",
        "a map" => "a mapping",
        "a sequence" => "a list",
        "unit" => "nothing",
        "u8" | "u16" | "u32" | "u64" | "u128" | "usize" | "i8" | "i16" | "i32" | "i64" | "i128" | "isize" => {
            "a whole number"
        }
        "f32" | "f64" => "a number",
        _ if expected.starts_with("struct ") => "a mapping",
        _ => expected,
    }
}
