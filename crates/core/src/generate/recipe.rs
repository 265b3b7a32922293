//! What an operator may ask a generator for.

use std::fmt;

use schemars::JsonSchema;
use serde::Serialize;

use super::{
    BytesRecipe, CookieKeyRecipe, GenerateError, KeyPairRecipe, PasswordRecipe, RecipeMistake,
    written::add_shorthands,
};
use crate::{entropy::Entropy, value::SecretValue};

/// How to make a new value. Written as one name, or as one name with settings:
///
/// ```yaml
/// generate: password
/// generate: {password: {length: 48, classes: [lower, upper, digit], exclude: "0O1lI"}}
/// generate: {bytes: {length: 64, encoding: hex}}
/// generate: cookie-key
/// generate: {key-pair: {algorithm: ed25519}}
/// ```
///
/// Reads only from formats that describe themselves (YAML, JSON): the two shapes are told apart by what stands there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[schemars(
    description = "How to make a new value: the name of a generator, or one name with its settings.",
    transform = add_shorthands
)]
pub enum Recipe {
    /// Text that a person or a connection string can carry.
    Password(PasswordRecipe),
    /// Random bytes: an HMAC key, a pepper, a CSRF or session secret.
    Bytes(BytesRecipe),
    /// The 64-byte master key of signed and encrypted cookies or sessions.
    CookieKey(CookieKeyRecipe),
    /// A private key whose public half is published.
    KeyPair(KeyPairRecipe),
}

impl Recipe {
    /// Everything in the recipe that cannot be or that the policy refuses; empty when it can be used.
    pub fn validate(&self) -> Vec<RecipeMistake> {
        match self {
            Self::Password(password) => password.mistakes(),
            Self::Bytes(bytes) => bytes.mistakes(),
            Self::CookieKey(_) | Self::KeyPair(_) => Vec::new(),
        }
    }

    /// Makes a fresh value.
    ///
    /// A password is equally likely to be any string that satisfies the recipe. A key pair is a PKCS#8 PEM (RFC 5958,
    /// RFC 7468) and is **not** drawn from `entropy`: see [`super::KeyAlgorithm`].
    ///
    /// # Errors
    /// [`GenerateError::Invalid`] when [`Recipe::validate`] is not empty; the others when randomness or the
    /// cryptographic library fails, or this build has no key pairs. Nothing half-made is left in memory.
    pub fn generate(&self, entropy: &dyn Entropy) -> Result<SecretValue, GenerateError> {
        let mistakes = self.validate();
        if !mistakes.is_empty() {
            return Err(GenerateError::Invalid(mistakes));
        }
        match self {
            Self::Password(password) => password.generate(entropy),
            Self::Bytes(bytes) => bytes.generate(entropy),
            Self::CookieKey(key) => key.as_bytes().generate(entropy),
            Self::KeyPair(pair) => pair.algorithm.generate(),
        }
    }
}

impl fmt::Display for Recipe {
    /// In words, for plans: `a password of 32 characters`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Password(password) => write!(f, "a password of {} characters", password.length),
            Self::Bytes(bytes) => write!(f, "{} random bytes in {}", bytes.length, bytes.encoding),
            Self::CookieKey(key) => write!(f, "a cookie key of 64 bytes in {}", key.encoding),
            Self::KeyPair(pair) => write!(f, "an {} key pair", pair.algorithm),
        }
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::generate::{Encoding, seeded::Seeded};

    fn password(change: impl FnOnce(&mut PasswordRecipe)) -> Recipe {
        let mut recipe = PasswordRecipe::default();
        change(&mut recipe);
        Recipe::Password(recipe)
    }

    fn bytes(length: usize, allow_short: Option<&str>) -> Recipe {
        let allow_short = allow_short.map(str::to_owned);
        Recipe::Bytes(BytesRecipe { length, encoding: Encoding::Hex, allow_short })
    }

    #[rstest]
    #[case::defaults(password(|_| ()), &[])]
    #[case::least(password(|p| p.length = 16), &[])]
    #[case::short(password(|p| p.length = 15), &["length"])]
    #[case::short_with_a_reason(password(|p| { p.length = 12; p.allow_short = Some("takes 12".into()); }), &[])]
    #[case::blank_reason(password(|p| { p.length = 12; p.allow_short = Some(" ".into()); }), &["allow-short"])]
    #[case::zero(password(|p| p.length = 0), &["length"])]
    #[case::zero_with_a_reason(password(|p| { p.length = 0; p.allow_short = Some("x".into()); }), &["length"])]
    #[case::longest(password(|p| p.length = 4096), &[])]
    #[case::too_long(password(|p| p.length = 4097), &["length"])]
    #[case::no_class(password(|p| p.classes.clear()), &["classes"])]
    #[case::no_room_for_classes(
        password(|p| { p.length = 3; p.allow_short = Some("x".into()); }), &["length"])]
    #[case::digits_gone(password(|p| p.exclude = "0123456789".into()), &["exclude"])]
    #[case::symbols_gone(password(|p| p.exclude = "-._~".into()), &["exclude"])]
    #[case::no_symbols(password(|p| p.symbols = String::new()), &["symbols"])]
    #[case::letters_as_symbols(password(|p| p.symbols = "a!".into()), &["symbols"])]
    #[case::space_as_symbol(password(|p| p.symbols = "! ".into()), &["symbols"])]
    #[case::symbols_that_nobody_draws(
        password(|p| { p.symbols = String::new(); p.classes = [crate::generate::CharacterClass::Lower].into(); }), &[])]
    #[case::seven_digits_left(
        password(|p| { p.exclude = "012".into(); p.classes = [crate::generate::CharacterClass::Digit].into(); }),
        &["exclude"])]
    #[case::two_at_once(password(|p| { p.length = 1; p.exclude = "0123456789".into(); }), &["length", "length", "exclude"])]
    #[case::bytes_least(bytes(16, None), &[])]
    #[case::bytes_short(bytes(15, None), &["length"])]
    #[case::bytes_short_with_a_reason(bytes(8, Some("DES")), &[])]
    #[case::bytes_zero(bytes(0, Some("x")), &["length"])]
    #[case::bytes_most(bytes(65_536, None), &[])]
    #[case::bytes_too_many(bytes(65_537, None), &["length"])]
    fn mistakes_name_their_field(#[case] recipe: Recipe, #[case] fields: &[&str]) {
        let mistakes = recipe.validate();
        assert_eq!(mistakes.iter().map(|mistake| mistake.field).collect::<Vec<_>>(), fields, "{mistakes:?}");
        assert_eq!(recipe.generate(&Seeded::new(5)).is_ok(), fields.is_empty());
    }

    #[test]
    fn a_mistake_reads_as_a_sentence() {
        let error = password(|p| p.length = 12).generate(&Seeded::new(5)).unwrap_err();
        insta::assert_snapshot!(error, @r#"the recipe has a mistake: length: 12 characters are fewer than 16 (use 16 or more, or say why in `allow-short: "…"`)"#);
    }

    #[rstest]
    #[case(password(|_| ()), "a password of 32 characters")]
    #[case(bytes(64, None), "64 random bytes in hex")]
    #[case(Recipe::CookieKey(CookieKeyRecipe::default()), "a cookie key of 64 bytes in base64")]
    fn a_plan_can_say_what_will_be_made(#[case] recipe: Recipe, #[case] words: &str) {
        assert_eq!(recipe.to_string(), words);
    }
}
