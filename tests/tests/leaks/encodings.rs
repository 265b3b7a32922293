//! The forms in which a value could turn up: every way in which programs write bytes down.

use std::fmt::Write;

use base64::{
    Engine,
    engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD},
};

/// Shorter pieces turn up by chance.
pub(crate) const PIECE: usize = 12;

/// A list with one number a line has so few bytes of a value in twelve that lists of other things look alike.
const PIECE_OF_LINES: usize = 27;

/// A value, written down in one way.
pub(crate) struct Encoded {
    /// The way.
    pub(crate) encoding: &'static str,
    pub(crate) text: Vec<u8>,
    /// How much of it must turn up to count.
    pub(crate) piece: usize,
}

/// Every form of `value`; several may be alike.
pub(crate) fn encodings(value: &[u8]) -> Vec<Encoded> {
    let value = without_framing(value);
    let text = String::from_utf8_lossy(value);
    let each = |form: fn(u8) -> String| value.iter().copied().map(form).collect::<String>().into_bytes();
    let list = |form: fn(u8) -> String| value.iter().copied().map(form).collect::<Vec<_>>().join(", ");
    let json = serde_json::to_string(&text).expect("text is JSON");
    let lines = value.iter().fold(String::new(), |mut lines, byte| {
        let _ = writeln!(lines, "    {byte},");
        lines
    });
    let wide: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let mut forms = vec![
        ("raw", value.to_vec()),
        ("hex", each(|byte| format!("{byte:02x}"))),
        ("upper-case hex", each(|byte| format!("{byte:02X}"))),
        (
            "percent-encoded",
            each(|byte| if is_unreserved(byte) { letter(byte) } else { format!("%{byte:02X}") }),
        ),
        (
            "percent-encoded, lower case",
            each(|byte| if is_unreserved(byte) { letter(byte) } else { format!("%{byte:02x}") }),
        ),
        ("percent-encoded, every byte", each(|byte| format!("%{byte:02X}"))),
        ("percent-encoded, every byte, lower case", each(|byte| format!("%{byte:02x}"))),
        ("JSON", json.clone().into_bytes()),
        ("JSON in JSON", serde_json::to_string(&json).expect("text is JSON").into_bytes()),
        ("JSON of ASCII alone", ascii_json(&text).into_bytes()),
        ("Rust's Debug of bytes", list(|byte| byte.to_string()).into_bytes()),
        ("Rust's Debug of bytes in hex", list(|byte| format!("{byte:x}")).into_bytes()),
        ("Rust's Debug of bytes in padded hex", list(|byte| format!("{byte:02x}")).into_bytes()),
        ("Rust's Debug of text", format!("{text:?}").into_bytes()),
        ("Rust's Debug of a byte string", value.escape_ascii().to_string().into_bytes()),
        ("UTF-16, little-endian", wide),
    ];
    // A value may begin at any of the three places of base64's groups.
    for skipped in 0..value.len().min(3) {
        forms.push(("base64", STANDARD_NO_PAD.encode(&value[skipped..]).into_bytes()));
        forms.push(("base64url", URL_SAFE_NO_PAD.encode(&value[skipped..]).into_bytes()));
    }
    let mut encoded: Vec<_> =
        forms.into_iter().map(|(encoding, text)| Encoded { encoding, text, piece: PIECE }).collect();
    let lines = lines.into_bytes();
    encoded.push(Encoded { encoding: "Rust's alternate Debug of bytes", text: lines, piece: PIECE_OF_LINES });
    encoded
}

/// What every PEM file has is no part of any key.
fn without_framing(value: &[u8]) -> &[u8] {
    let framed = || {
        let first = value.strip_prefix(b"-----BEGIN ").and(value.iter().position(|byte| *byte == b'\n'))?;
        let last = value.windows(6).rposition(|window| window == b"\n-----")?;
        value.get(first + 1..last)
    };
    framed().unwrap_or(value)
}

fn letter(byte: u8) -> String {
    char::from(byte).to_string()
}

/// RFC 3986, section 2.3.
fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~".contains(&byte)
}

/// As serialisers write it that keep to ASCII and take care of `</script>`.
fn ascii_json(text: &str) -> String {
    let mut json = String::new();
    for unit in text.encode_utf16() {
        let ascii = u8::try_from(unit).ok().filter(|byte| (b' '..=b'~').contains(byte));
        let _ = match ascii {
            Some(byte @ (b'"' | b'\\' | b'/')) => write!(json, "\\{}", char::from(byte)),
            Some(byte) => write!(json, "{}", char::from(byte)),
            None => write!(json, "\\u{unit:04x}"),
        };
    }
    json
}
