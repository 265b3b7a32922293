//! Random bytes and the text forms that they are kept in.

use std::fmt;

use base64::{
    Engine,
    alphabet::{Alphabet, STANDARD, URL_SAFE},
    engine::{Config, DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::{GenerateError, RecipeMistake, mistake::LengthRule};
use crate::{entropy::Entropy, value::SecretValue};

/// Bytes below which a key needs a reason: 128 bits.
pub const MIN_BYTES: usize = 16;

/// Bytes above which no recipe may go.
pub const MAX_BYTES: usize = 65_536;

/// The length of a cookie master key in bytes: 32 to sign and 32 to encrypt.
const COOKIE_KEY: usize = 64;

/// How random bytes are written down.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub enum Encoding {
    /// As they are: one byte each, any value, zero and line feed included.
    #[serde(rename = "raw")]
    Raw,
    /// Two lower-case hex digits for each byte.
    #[serde(rename = "hex")]
    Hex,
    /// RFC 4648 §4, padded with `=`.
    #[serde(rename = "base64")]
    Base64,
    /// RFC 4648 §5 without padding, as JSON Web Keys have it.
    #[serde(rename = "base64url")]
    Base64Url,
}

/// Random bytes: an HMAC key, a pepper, a CSRF or session secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
pub struct BytesRecipe {
    /// Bytes before encoding: 16 to 65536, or fewer with `allow-short`. Default 32, the least that RFC 7518 §3.2
    /// takes for HS256.
    #[schemars(range(min = 1, max = 65_536))]
    pub length: usize,
    /// How the bytes are written. Default `base64`.
    pub encoding: Encoding,
    /// Why the length may be below 16.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1))]
    pub allow_short: Option<String>,
}

/// The 64-byte master key of signed and encrypted cookies or sessions.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
pub struct CookieKeyRecipe {
    /// How the 64 bytes are written. Default `base64`.
    pub encoding: Encoding,
}

impl Default for BytesRecipe {
    fn default() -> Self {
        Self { length: 32, encoding: Encoding::Base64, allow_short: None }
    }
}

impl Default for CookieKeyRecipe {
    fn default() -> Self {
        Self { encoding: Encoding::Base64 }
    }
}

impl CookieKeyRecipe {
    /// The same request in terms of plain bytes.
    pub(super) fn as_bytes(&self) -> BytesRecipe {
        BytesRecipe { length: COOKIE_KEY, encoding: self.encoding, allow_short: None }
    }
}

impl BytesRecipe {
    pub(super) fn mistakes(&self) -> Vec<RecipeMistake> {
        let mut mistakes = Vec::new();
        let rule = LengthRule { least: MIN_BYTES, most: MAX_BYTES, unit: "bytes" };
        rule.check(self.length, self.allow_short.as_deref(), &mut mistakes);
        mistakes
    }

    pub(super) fn generate(&self, entropy: &dyn Entropy) -> Result<SecretValue, GenerateError> {
        if self.encoding == Encoding::Raw {
            return SecretValue::build(self.length, |buffer| Ok(entropy.fill(buffer)?));
        }
        let mut bytes = Zeroizing::new(vec![0; self.length]);
        entropy.fill(&mut bytes)?;
        Ok(self.encoding.encode(&bytes))
    }
}

impl Encoding {
    /// The name that operators write.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Raw => "raw",
            Self::Hex => "hex",
            Self::Base64 => "base64",
            Self::Base64Url => "base64url",
        }
    }

    /// Writes `bytes` in this encoding; nothing is left behind in memory but the result.
    pub fn encode(self, bytes: &[u8]) -> SecretValue {
        match self {
            Self::Raw => SecretValue::copy_from(bytes),
            Self::Hex => filled(bytes.len() * 2, |text| {
                for (pair, byte) in text.chunks_exact_mut(2).zip(bytes) {
                    pair[0] = hex_digit(byte >> 4);
                    pair[1] = hex_digit(byte & 15);
                }
            }),
            Self::Base64 => in_base64(&engine(&STANDARD, true), bytes),
            Self::Base64Url => in_base64(&engine(&URL_SAFE, false), bytes),
        }
    }

    /// Reads the bytes back out of `text`; padding is optional and hex may be in capitals. `None` when `text` is
    /// something else.
    pub fn decode(self, text: &[u8]) -> Option<SecretValue> {
        match self {
            Self::Raw => Some(SecretValue::copy_from(text)),
            Self::Hex => {
                if !text.len().is_multiple_of(2) {
                    return None;
                }
                SecretValue::build(text.len() / 2, |bytes| {
                    for (byte, pair) in bytes.iter_mut().zip(text.chunks_exact(2)) {
                        *byte = (hex_value(pair[0])? << 4) | hex_value(pair[1])?;
                    }
                    Ok::<(), NotHex>(())
                })
                .ok()
            }
            Self::Base64 => out_of_base64(&engine(&STANDARD, true), text),
            Self::Base64Url => out_of_base64(&engine(&URL_SAFE, false), text),
        }
    }
}

impl fmt::Display for Encoding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

struct NotHex;

fn hex_digit(nibble: u8) -> u8 {
    if nibble < 10 { b'0' + nibble } else { b'a' + nibble - 10 }
}

fn hex_value(digit: u8) -> Result<u8, NotHex> {
    match digit {
        b'0'..=b'9' => Ok(digit - b'0'),
        b'a'..=b'f' => Ok(digit - b'a' + 10),
        b'A'..=b'F' => Ok(digit - b'A' + 10),
        _ => Err(NotHex),
    }
}

/// Writes padding as `pad` says, and reads text with or without it: people cut `=` off when they copy.
fn engine(alphabet: &Alphabet, pad: bool) -> GeneralPurpose {
    let config = GeneralPurposeConfig::new()
        .with_encode_padding(pad)
        .with_decode_padding_mode(DecodePaddingMode::Indifferent);
    GeneralPurpose::new(alphabet, config)
}

fn in_base64(engine: &GeneralPurpose, bytes: &[u8]) -> SecretValue {
    let padded = engine.config().encode_padding();
    let len =
        base64::encoded_len(bytes.len(), padded).expect("a value in memory is far from usize::MAX bytes");
    filled(len, |text| {
        engine.encode_slice(bytes, text).expect("the buffer has the length that the encoding needs");
    })
}

fn out_of_base64(engine: &GeneralPurpose, text: &[u8]) -> Option<SecretValue> {
    let mut bytes = Zeroizing::new(vec![0; base64::decoded_len_estimate(text.len())]);
    let len = engine.decode_slice(text, &mut bytes).ok()?;
    Some(SecretValue::copy_from(&bytes[..len]))
}

/// A value of `len` bytes that `fill` cannot fail to write.
fn filled(len: usize, fill: impl FnOnce(&mut [u8])) -> SecretValue {
    let Ok(value) = SecretValue::build(len, |buffer| {
        fill(buffer);
        Ok::<(), std::convert::Infallible>(())
    });
    value
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::generate::seeded::Seeded;

    #[rstest]
    #[case(Encoding::Raw, b"\x00\xfb\xff\n", b"\x00\xfb\xff\n")]
    #[case(Encoding::Hex, b"\x00\xfb\xff\n", b"00fbff0a")]
    #[case(Encoding::Base64, b"\x00\xfb\xff\n", b"APv/Cg==")]
    #[case(Encoding::Base64Url, b"\x00\xfb\xff\n", b"APv_Cg")]
    fn an_encoding_writes_and_reads(#[case] encoding: Encoding, #[case] bytes: &[u8], #[case] text: &[u8]) {
        assert_eq!(encoding.encode(bytes).expose_secret(), text);
        assert_eq!(encoding.decode(text).unwrap().expose_secret(), bytes);
    }

    #[rstest]
    #[case::capitals(Encoding::Hex, b"00FBFF0A", true)]
    #[case::odd(Encoding::Hex, b"00f", false)]
    #[case::not_a_digit(Encoding::Hex, b"0g", false)]
    #[case::padding_cut_off(Encoding::Base64, b"APv/Cg", true)]
    #[case::the_other_alphabet(Encoding::Base64, b"APv_Cg==", false)]
    #[case::line_feed(Encoding::Base64, b"APv/Cg==\n", false)]
    fn what_reads(#[case] encoding: Encoding, #[case] text: &[u8], #[case] reads: bool) {
        assert_eq!(encoding.decode(text).is_some(), reads);
    }

    #[rstest]
    #[case(Encoding::Raw, 64)]
    #[case(Encoding::Hex, 128)]
    #[case(Encoding::Base64, 88)]
    #[case(Encoding::Base64Url, 86)]
    fn a_cookie_key_is_64_bytes_in_every_encoding(#[case] encoding: Encoding, #[case] written: usize) {
        let value = CookieKeyRecipe { encoding }.as_bytes().generate(&Seeded::new(3)).unwrap();
        assert_eq!(value.len(), written);
        assert_eq!(encoding.decode(value.expose_secret()).unwrap().len(), 64);
    }

    #[test]
    fn raw_bytes_are_the_bytes_that_the_source_gave() {
        let recipe = BytesRecipe { length: 4096, encoding: Encoding::Raw, allow_short: None };
        let mut expected = vec![0; 4096];
        Seeded::new(9).fill(&mut expected).unwrap();
        assert_eq!(recipe.generate(&Seeded::new(9)).unwrap().expose_secret(), expected);
        assert!(expected.contains(&0) && expected.contains(&b'\n'));
    }
}
