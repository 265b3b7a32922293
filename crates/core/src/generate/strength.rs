//! How an existing value compares with what its recipe would make: the value half of `check`.

use std::fmt;

use super::{
    BytesRecipe, CharacterClass, KeyAlgorithm, MIN_PASSWORD, PasswordRecipe, Recipe,
    well_known::{is_repeated, is_sequence, is_well_known},
};
use crate::value::SecretValue;

/// One way in which a value falls short. Neither `Debug` nor `Display` holds anything of the value: no piece of it and
/// not its length.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Weakness {
    /// There is no value: no bytes, or nothing but a line end.
    Empty,
    /// Shorter than the recipe's length, or than 16 characters where there is no recipe.
    TooShort {
        /// What it should have at least.
        least: usize,
        /// What is counted.
        unit: Unit,
    },
    /// No character of a class that the recipe guarantees.
    MissingClass(CharacterClass),
    /// A default or a placeholder that everybody tries first, or a variation of one.
    WellKnown,
    /// One character or one short piece over and over.
    Repeated,
    /// Counts up or down.
    Sequence,
    /// Not UTF-8 where the recipe makes text.
    NotText,
    /// A line end after the value: most programs that read a file take it for a part of the secret, some do not.
    TrailingNewline,
    /// Text that does not decode as the recipe's encoding.
    OtherEncoding,
    /// Not a PKCS#8 private key in PEM where the recipe makes one.
    NotAPrivateKey,
    /// A private key of another kind or size than the recipe's.
    OtherKey {
        /// What the recipe makes.
        wanted: KeyAlgorithm,
        /// What the value is.
        found: KeyAlgorithm,
    },
}

impl Weakness {
    /// Whether anybody who knows no more than the field's habits would find the value by trying.
    pub fn is_guessable(self) -> bool {
        match self {
            Self::Empty | Self::WellKnown | Self::Repeated | Self::Sequence => true,
            Self::TooShort { .. }
            | Self::MissingClass(_)
            | Self::NotText
            | Self::TrailingNewline
            | Self::OtherEncoding
            | Self::NotAPrivateKey
            | Self::OtherKey { .. } => false,
        }
    }
}

/// What the length of a value is counted in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Unit {
    /// Unicode characters of the text.
    Characters,
    /// Bytes, after decoding.
    Bytes,
}

impl fmt::Display for Unit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Characters => "characters",
            Self::Bytes => "bytes",
        })
    }
}

impl fmt::Display for Weakness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("is empty"),
            Self::TooShort { least, unit } => write!(f, "is shorter than {least} {unit}"),
            Self::MissingClass(class) => write!(f, "has no character of the class {class}"),
            Self::WellKnown => f.write_str("is a well-known default or placeholder, or close to one"),
            Self::Repeated => f.write_str("is one character or one short piece repeated"),
            Self::Sequence => f.write_str("counts up or down from one character to the next"),
            Self::NotText => f.write_str("is not UTF-8 text"),
            Self::TrailingNewline => {
                f.write_str("ends with a line end, which some readers take for a part of it")
            }
            Self::OtherEncoding => f.write_str("does not decode as the encoding that the recipe names"),
            Self::NotAPrivateKey => f.write_str("is not an unencrypted PKCS#8 private key in PEM"),
            Self::OtherKey { wanted, found } => write!(f, "is an {found} key; the recipe makes {wanted}"),
        }
    }
}

impl Recipe {
    /// How `value`, from wherever it came, falls short of what this recipe makes; empty when it does not.
    ///
    /// It finds what is surely weak. It does not measure how hard a value is to guess: only where it came from tells.
    pub fn examine(&self, value: &SecretValue) -> Vec<Weakness> {
        match self {
            Self::Password(recipe) => examine_password(recipe, value),
            Self::Bytes(recipe) => examine_bytes(recipe, value),
            Self::CookieKey(recipe) => examine_bytes(&recipe.as_bytes(), value),
            Self::KeyPair(recipe) => examine_key(recipe.algorithm, value),
        }
    }
}

/// How a value that a person brought falls short, with no recipe to compare it with.
///
/// It may be text or binary, so neither encoding nor classes are judged; binary and PEM may end with a line feed.
pub fn examine_provided(value: &SecretValue) -> Vec<Weakness> {
    let mut found = Vec::new();
    let Ok(text) = std::str::from_utf8(value.expose_secret()) else {
        too_short(value.len(), MIN_PASSWORD, Unit::Bytes, &mut found);
        patterns(value.expose_secret(), &mut found);
        return found;
    };
    let text = if text.starts_with("-----BEGIN ") { text } else { without_line_end(text, &mut found) };
    too_short(text.chars().count(), MIN_PASSWORD, Unit::Characters, &mut found);
    guessable(text, &mut found);
    found
}

fn examine_password(recipe: &PasswordRecipe, value: &SecretValue) -> Vec<Weakness> {
    let Ok(text) = std::str::from_utf8(value.expose_secret()) else {
        return vec![Weakness::NotText];
    };
    let mut found = Vec::new();
    let text = without_line_end(text, &mut found);
    too_short(text.chars().count(), recipe.length, Unit::Characters, &mut found);
    let missing = recipe.classes.iter().filter(|class| !text.bytes().any(|byte| class.holds(byte)));
    found.extend(missing.map(|class| Weakness::MissingClass(*class)));
    guessable(text, &mut found);
    found
}

fn examine_bytes(recipe: &BytesRecipe, value: &SecretValue) -> Vec<Weakness> {
    let mut found = Vec::new();
    let bytes = value.expose_secret();
    if recipe.encoding == super::Encoding::Raw {
        too_short(bytes.len(), recipe.length, Unit::Bytes, &mut found);
        // Of random bytes one in 256 ends with a line feed; only one too many was put there by an editor or `echo`.
        if bytes.len() == recipe.length + 1 && bytes.ends_with(b"\n") {
            found.push(Weakness::TrailingNewline);
        }
        match std::str::from_utf8(bytes) {
            Ok(text) => guessable(text, &mut found),
            Err(_) => patterns(bytes, &mut found),
        }
        return found;
    }
    let Ok(text) = std::str::from_utf8(bytes) else {
        return vec![Weakness::NotText];
    };
    let text = without_line_end(text, &mut found);
    match recipe.encoding.decode(text.as_bytes()) {
        Some(decoded) => {
            too_short(decoded.len(), recipe.length, Unit::Bytes, &mut found);
            patterns(decoded.expose_secret(), &mut found);
        }
        None => found.push(Weakness::OtherEncoding),
    }
    guessable(text, &mut found);
    found
}

#[cfg(feature = "key-pairs")]
fn examine_key(wanted: KeyAlgorithm, value: &SecretValue) -> Vec<Weakness> {
    match super::PublicKey::of(value).map(|public| public.algorithm()) {
        Ok(found) if found == wanted => Vec::new(),
        Ok(found) => vec![Weakness::OtherKey { wanted, found }],
        Err(_) => vec![Weakness::NotAPrivateKey],
    }
}

/// Without the library the key cannot be parsed; its label still tells a key from a password.
#[cfg(not(feature = "key-pairs"))]
fn examine_key(_: KeyAlgorithm, value: &SecretValue) -> Vec<Weakness> {
    if value.expose_secret().starts_with(b"-----BEGIN PRIVATE KEY-----") {
        Vec::new()
    } else {
        vec![Weakness::NotAPrivateKey]
    }
}

fn without_line_end<'a>(text: &'a str, found: &mut Vec<Weakness>) -> &'a str {
    let Some(rest) = text.strip_suffix('\n') else {
        return text;
    };
    found.push(Weakness::TrailingNewline);
    rest.strip_suffix('\r').unwrap_or(rest)
}

fn too_short(length: usize, least: usize, unit: Unit, found: &mut Vec<Weakness>) {
    if length == 0 {
        found.push(Weakness::Empty);
    } else if length < least {
        found.push(Weakness::TooShort { least, unit });
    }
}

fn guessable(text: &str, found: &mut Vec<Weakness>) {
    if is_well_known(text) {
        found.push(Weakness::WellKnown);
    }
    patterns(text.as_bytes(), found);
}

fn patterns(bytes: &[u8], found: &mut Vec<Weakness>) {
    let patterns = [(Weakness::Repeated, is_repeated(bytes)), (Weakness::Sequence, is_sequence(bytes))];
    for (weakness, present) in patterns {
        // The encoded and the decoded form of one value often show the same pattern.
        if present && !found.contains(&weakness) {
            found.push(weakness);
        }
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::generate::{CookieKeyRecipe, Encoding};

    const SHORT: Weakness = Weakness::TooShort { least: 32, unit: Unit::Characters };
    const FEW_BYTES: Weakness = Weakness::TooShort { least: 32, unit: Unit::Bytes };

    #[rstest]
    #[case(b"V.q2mZ_f~8Wc-Lx4V-q2mZ_f.8Wc~Lx5", &[])]
    #[case(b"V.q2mZ_f~8Wc-Lx4V-q2mZ_f.8Wc~Lx5\n", &[Weakness::TrailingNewline])]
    #[case(b"V.q2mZ_f~8Wc-Lx4V-q2mZ_f.8Wc~Lx5\r\n", &[Weakness::TrailingNewline])]
    #[case(b"V.q2mZ_f~8Wc", &[SHORT])]
    #[case(b"VVq2mZZf!8WccLx4VVq2mZZfZ8WczLx5", &[])]
    #[case(b"vvq2mzzff8wcclx4vvq2mzzfz8wczlx5",
        &[Weakness::MissingClass(CharacterClass::Upper), Weakness::MissingClass(CharacterClass::Symbol)])]
    #[case(b"Ab1-Ab1-Ab1-Ab1-Ab1-Ab1-Ab1-Ab1-", &[Weakness::Repeated])]
    #[case(b"Change-Me-1", &[SHORT, Weakness::WellKnown])]
    #[case(b"\xff\xfe", &[Weakness::NotText])]
    #[case(b"\n", &[Weakness::TrailingNewline, Weakness::Empty,
        Weakness::MissingClass(CharacterClass::Lower), Weakness::MissingClass(CharacterClass::Upper),
        Weakness::MissingClass(CharacterClass::Digit), Weakness::MissingClass(CharacterClass::Symbol)])]
    fn a_password_against_the_defaults(#[case] value: &[u8], #[case] weaknesses: &[Weakness]) {
        let recipe = Recipe::Password(PasswordRecipe::default());
        assert_eq!(recipe.examine(&SecretValue::copy_from(value)), weaknesses);
    }

    #[rstest]
    #[case(Encoding::Hex, b"00112233445566778899aabbccddeeff0123456789abcdef0f1e2d3c4b5a6978", &[])]
    #[case(Encoding::Hex, b"00112233445566778899aabbccddeeff", &[FEW_BYTES])]
    #[case(Encoding::Hex, b"changeme", &[Weakness::OtherEncoding, Weakness::WellKnown])]
    #[case(Encoding::Base64, b"changeme", &[FEW_BYTES, Weakness::WellKnown])]
    #[case(Encoding::Base64, b"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", &[Weakness::Repeated])]
    #[case(Encoding::Base64, b"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n",
        &[Weakness::TrailingNewline, Weakness::Sequence])]
    #[case(Encoding::Raw, b"0k1V-q2mZ_f.8Wc~Lx5V.q2mZ_f~8Wc\n", &[])]
    #[case(Encoding::Raw, b"0k1V-q2mZ_f.8Wc~Lx5V.q2mZ_f~8Wc!\n", &[Weakness::TrailingNewline])]
    #[case(Encoding::Raw, &[0xff; 32], &[Weakness::Repeated])]
    #[case(Encoding::Base64Url, b"\xff", &[Weakness::NotText])]
    fn bytes_against_32(#[case] encoding: Encoding, #[case] value: &[u8], #[case] weaknesses: &[Weakness]) {
        let recipe = Recipe::Bytes(BytesRecipe { length: 32, encoding, allow_short: None });
        assert_eq!(recipe.examine(&SecretValue::copy_from(value)), weaknesses);
    }

    #[test]
    fn a_cookie_key_has_64_bytes() {
        let recipe = Recipe::CookieKey(CookieKeyRecipe { encoding: Encoding::Raw });
        let value = SecretValue::copy_from(b"0k1V-q2mZ_f.8Wc~Lx5V.q2mZ_f~8Wc!");
        assert_eq!(recipe.examine(&value), [Weakness::TooShort { least: 64, unit: Unit::Bytes }]);
    }

    #[rstest]
    #[case(b"", &[Weakness::Empty])]
    #[case(b"GOCSPX-q2mZ_f8WcLx5Vq2mZf8Wc", &[])]
    #[case(b"GOCSPX-q2mZ_f8WcLx5Vq2mZf8Wc\n", &[Weakness::TrailingNewline])]
    #[case(b"-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n", &[])]
    #[case(b"\x00\xff\xfe\x03secret binary keytab\n", &[])]
    #[case(b"admin", &[Weakness::TooShort { least: 16, unit: Unit::Characters }, Weakness::WellKnown])]
    #[case(b"12345678901234567890", &[Weakness::Repeated, Weakness::Sequence])]
    fn a_provided_value(#[case] value: &[u8], #[case] weaknesses: &[Weakness]) {
        assert_eq!(examine_provided(&SecretValue::copy_from(value)), weaknesses);
    }

    #[cfg(feature = "key-pairs")]
    #[test]
    fn a_key_is_of_the_kind_that_the_recipe_makes() {
        use crate::{entropy::OsEntropy, generate::KeyPairRecipe};

        let recipe = |algorithm| Recipe::KeyPair(KeyPairRecipe { algorithm });
        let value = recipe(KeyAlgorithm::Ed25519).generate(&OsEntropy).unwrap();
        let (wanted, found) = (KeyAlgorithm::EcP256, KeyAlgorithm::Ed25519);
        assert_eq!(recipe(found).examine(&value), []);
        assert_eq!(recipe(wanted).examine(&value), [Weakness::OtherKey { wanted, found }]);
        assert_eq!(recipe(wanted).examine(&SecretValue::copy_from(b"hunter2")), [Weakness::NotAPrivateKey]);
    }

    #[test]
    fn the_words_hold_nothing_of_the_value() {
        let recipe = Recipe::Password(PasswordRecipe::default());
        let words: Vec<String> =
            recipe.examine(&SecretValue::copy_from(b"Changeme")).iter().map(ToString::to_string).collect();
        insta::assert_snapshot!(words.join("\n"), @r"
        is shorter than 32 characters
        has no character of the class digit
        has no character of the class symbol
        is a well-known default or placeholder, or close to one
        ");
    }
}
