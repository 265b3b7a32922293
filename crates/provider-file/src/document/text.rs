//! JSON strings without a copy that nobody wipes: `serde_json` unescapes through a scratch buffer of its own.

use zeroize::Zeroizing;

use super::DocumentError;

/// `text` as a JSON string, quotes included; only what RFC 8259 (section 7) demands is escaped.
pub(super) fn encode(text: &str) -> Zeroizing<Vec<u8>> {
    // `\u00xx` is the longest escape of one byte: the vector never grows.
    let mut encoded = Zeroizing::new(Vec::with_capacity(6 * text.len() + 2));
    encoded.push(b'"');
    for byte in text.bytes() {
        match byte {
            b'"' | b'\\' => encoded.extend_from_slice(&[b'\\', byte]),
            b'\n' => encoded.extend_from_slice(b"\\n"),
            b'\r' => encoded.extend_from_slice(b"\\r"),
            b'\t' => encoded.extend_from_slice(b"\\t"),
            0..0x20 => {
                encoded.extend_from_slice(b"\\u00");
                encoded.extend_from_slice(&[hex_digit(byte >> 4), hex_digit(byte & 0xF)]);
            }
            other => encoded.push(other),
        }
    }
    encoded.push(b'"');
    encoded
}

/// The UTF-8 bytes of `string`, a JSON string that a parser has accepted, quotes included.
pub(super) fn decode(string: &[u8]) -> Result<Zeroizing<Vec<u8>>, DocumentError> {
    let mut rest = &string[1..string.len() - 1];
    let mut decoded = Zeroizing::new(Vec::with_capacity(rest.len()));
    while let Some(at) = rest.iter().position(|byte| *byte == b'\\') {
        decoded.extend_from_slice(&rest[..at]);
        let escape = rest[at + 1];
        rest = &rest[at + 2..];
        match escape {
            b'b' => decoded.push(0x08),
            b'f' => decoded.push(0x0C),
            b'n' => decoded.push(b'\n'),
            b'r' => decoded.push(b'\r'),
            b't' => decoded.push(b'\t'),
            b'u' => {
                let (character, after) = unicode(rest)?;
                let mut utf8 = Zeroizing::new([0; 4]);
                decoded.extend_from_slice(character.encode_utf8(&mut *utf8).as_bytes());
                rest = after;
            }
            literal => decoded.push(literal),
        }
    }
    decoded.extend_from_slice(rest);
    Ok(decoded)
}

/// The character whose escape `rest` continues after `\u`, and what follows it.
fn unicode(rest: &[u8]) -> Result<(char, &[u8]), DocumentError> {
    let (first, after) = unit(rest)?;
    let (second, after_pair) = match after.strip_prefix(b"\\u") {
        Some(next) if (0xD800..0xDC00).contains(&first) => {
            unit(next).map(|(unit, after)| (Some(unit), after))?
        }
        _ => (None, after),
    };
    let mut characters = char::decode_utf16(std::iter::once(first).chain(second));
    match (characters.next(), characters.next()) {
        (Some(Ok(character)), None) => Ok((character, after_pair)),
        _ => Err(DocumentError::LoneSurrogate),
    }
}

fn unit(rest: &[u8]) -> Result<(u16, &[u8]), DocumentError> {
    let (digits, after) = rest.split_at_checked(4).ok_or(DocumentError::LoneSurrogate)?;
    let digits = std::str::from_utf8(digits).map_err(|_| DocumentError::LoneSurrogate)?;
    let unit = u16::from_str_radix(digits, 16).map_err(|_| DocumentError::LoneSurrogate)?;
    Ok((unit, after))
}

fn hex_digit(nibble: u8) -> u8 {
    b"0123456789abcdef"[usize::from(nibble)]
}
