//! The characters that passwords are drawn from.

use std::{collections::BTreeSet, fmt};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The symbols of a password unless its recipe names others: the four that RFC 3986 §2.3 calls unreserved.
///
/// Passwords end up in connection URLs, shell words, dotenv files, YAML, DSNs and SQL literals, sooner or later
/// through a template that forgets to escape. An `@` in a URL sends the login to another host, a `#` cuts it off, a
/// `$` or a backtick is expanded, a `%` is a systemd specifier, a quote, a backslash or a space ends the word. None of
/// these four does any of that. A larger set would add under half a bit a character; length is the cheaper strength.
pub const SAFE_SYMBOLS: &str = "-._~";

/// A kind of character that a password must hold at least one of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum CharacterClass {
    /// `a` to `z`.
    Lower,
    /// `A` to `Z`.
    Upper,
    /// `0` to `9`.
    Digit,
    /// The recipe's `symbols`: `-._~` unless it says otherwise.
    Symbol,
}

impl CharacterClass {
    /// Every class, in the order in which they are shown.
    pub const ALL: [Self; 4] = [Self::Lower, Self::Upper, Self::Digit, Self::Symbol];

    /// The name that operators write.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Lower => "lower",
            Self::Upper => "upper",
            Self::Digit => "digit",
            Self::Symbol => "symbol",
        }
    }

    /// Whether `byte` belongs to this class in any value, also one that no recipe made: every ASCII punctuation
    /// character counts as a symbol.
    pub(super) fn holds(self, byte: u8) -> bool {
        match self {
            Self::Lower => byte.is_ascii_lowercase(),
            Self::Upper => byte.is_ascii_uppercase(),
            Self::Digit => byte.is_ascii_digit(),
            Self::Symbol => byte.is_ascii_punctuation(),
        }
    }

    /// The characters of this class that remain when `symbols` are the symbols and `exclude` is taken out.
    pub(super) fn members(self, symbols: &str, exclude: &str) -> BTreeSet<u8> {
        let all: BTreeSet<u8> = match self {
            Self::Lower => (b'a'..=b'z').collect(),
            Self::Upper => (b'A'..=b'Z').collect(),
            Self::Digit => (b'0'..=b'9').collect(),
            // A set: a symbol that was written twice must not be drawn twice as often.
            Self::Symbol => symbols.bytes().filter(u8::is_ascii_punctuation).collect(),
        };
        all.into_iter().filter(|byte| !exclude.as_bytes().contains(byte)).collect()
    }
}

impl fmt::Display for CharacterClass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_safe_symbols_are_the_unreserved_ones_of_rfc_3986() {
        assert_eq!(CharacterClass::Symbol.members(SAFE_SYMBOLS, "").len(), 4);
        assert!(SAFE_SYMBOLS.bytes().all(|byte| CharacterClass::Symbol.holds(byte)));
    }

    #[test]
    fn a_symbol_written_twice_counts_once() {
        assert_eq!(CharacterClass::Symbol.members("!!#", "").len(), 2);
    }

    #[test]
    fn classes_share_no_character() {
        for byte in 0..=u8::MAX {
            assert!(CharacterClass::ALL.iter().filter(|class| class.holds(byte)).count() <= 1);
        }
    }
}
