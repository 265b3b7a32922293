//! How a value is spelt in a `.env` file so that every reader takes it for the same bytes.

use zeroize::Zeroizing;

use super::{DotenvError, Style, lexer};

/// `value` as text that some spelling can carry.
///
/// A carriage return has none: `dotenvy` refuses the escape `\r`, and readers with universal newlines turn a raw one
/// into a line feed.
pub(super) fn representable(value: &[u8]) -> Result<&str, DotenvError> {
    let refuse = |what| Err(DotenvError::Unrepresentable { what });
    let Ok(text) = std::str::from_utf8(value) else { return refuse("bytes that are not UTF-8") };
    if value.contains(&b'\0') {
        return refuse("a NUL byte");
    }
    if value.contains(&b'\r') {
        return refuse("a carriage return");
    }
    Ok(text)
}

/// Spells `text` in the `preferred` style if that carries it as it is, else in the least that does.
pub(super) fn encode(preferred: Style, text: &str) -> Zeroizing<Vec<u8>> {
    let verbatim = [preferred, Style::Bare, Style::Single].into_iter().find(|style| carries(*style, text));
    // Twice the length and two quotes: no escape is longer, so the vector never grows and leaves no copy behind.
    let mut encoded = Zeroizing::new(Vec::with_capacity(2 * text.len() + 2));
    let quote: &[u8] = match verbatim {
        Some(Style::Bare) => b"",
        Some(Style::Single) => b"'",
        Some(Style::Double) | None => b"\"",
    };
    encoded.extend_from_slice(quote);
    if verbatim.is_some() {
        encoded.extend_from_slice(text.as_bytes());
    } else {
        for byte in text.bytes() {
            match byte {
                b'\n' => encoded.extend_from_slice(b"\\n"),
                b'\\' | b'"' | b'$' => encoded.extend_from_slice(&[b'\\', byte]),
                other => encoded.push(other),
            }
        }
    }
    encoded.extend_from_slice(quote);
    encoded
}

/// Whether `text` can stand in this style without an escape, so that readers with other escapes, and a shell that
/// sources the file, agree as well.
fn carries(style: Style, text: &str) -> bool {
    let bytes = text.as_bytes();
    match style {
        Style::Bare => bytes.iter().all(|byte| byte.is_ascii_alphanumeric() || b"_-./:@%+,=^".contains(byte)),
        Style::Single => {
            let escapes = |pair: &[u8]| pair[0] == b'\\' && pair[1] == b'\\';
            !bytes.iter().any(|byte| matches!(byte, b'\'' | b'\n'))
                && !bytes.windows(2).any(escapes)
                && !bytes.ends_with(b"\\")
        }
        Style::Double => !bytes.iter().any(|byte| matches!(byte, b'"' | b'\\' | b'$' | b'`' | b'\n')),
    }
}

/// The bytes that `raw`, quotes included, stands for.
///
/// # Errors
/// The construct on which readers differ.
pub(super) fn decode(style: Style, raw: &[u8]) -> Result<Zeroizing<Vec<u8>>, &'static str> {
    match style {
        Style::Bare => decode_bare(raw),
        Style::Single => decode_single(&raw[1..raw.len() - 1]),
        Style::Double => decode_double(&raw[1..raw.len() - 1]),
    }
}

fn decode_bare(raw: &[u8]) -> Result<Zeroizing<Vec<u8>>, &'static str> {
    for byte in raw {
        match byte {
            b'\\' => return Err("an unquoted backslash"),
            b'$' => return Err("a reference to another variable ($)"),
            b'\'' | b'"' => return Err("a quote inside an unquoted value"),
            _ => {}
        }
    }
    // What one reader cuts off or takes for the end of a line, another keeps: a no-break space at the end, a stray
    // carriage return.
    let odd = |letter: char| !lexer::is_blank(letter) && (letter.is_whitespace() || letter.is_control());
    if raw.utf8_chunks().any(|chunk| chunk.valid().contains(odd)) {
        return Err("a control character, or white space that is no blank, in an unquoted value");
    }
    Ok(Zeroizing::new(raw.to_vec()))
}

fn decode_single(inner: &[u8]) -> Result<Zeroizing<Vec<u8>>, &'static str> {
    if inner.contains(&b'\'') {
        return Err("an escaped quote in single quotes");
    }
    Ok(Zeroizing::new(inner.to_vec()))
}

fn decode_double(inner: &[u8]) -> Result<Zeroizing<Vec<u8>>, &'static str> {
    let mut decoded = Zeroizing::new(Vec::with_capacity(inner.len()));
    let mut bytes = inner.iter();
    while let Some(&byte) = bytes.next() {
        match byte {
            b'$' => return Err("a reference to another variable ($)"),
            b'\\' => decoded.push(match bytes.next() {
                Some(b'n') => b'\n',
                Some(b'r') => b'\r',
                Some(b't') => b'\t',
                Some(&literal @ (b'\\' | b'"' | b'$')) => literal,
                Some(_) | None => return Err("an uncommon escape in double quotes"),
            }),
            other => decoded.push(other),
        }
    }
    Ok(decoded)
}
