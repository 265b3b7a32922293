//! What a plain scalar means: the core schema of YAML 1.2 (section 10.3.2), in which `no` and `on` are text.

/// A scalar with its type resolved.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Scalar<'d> {
    /// Nothing, `~` or `null`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A whole number, also `0o17` and `0x1F`.
    Int(i128),
    /// Any other number, `.inf` and `.nan`; also whole numbers of more than 128 bits.
    Float(f64),
    /// Quoted, a block, or plain and none of the others.
    Text(&'d str),
}

impl<'d> Scalar<'d> {
    /// What `text` means when it stands without quotes.
    pub(super) fn of_plain(text: &'d str) -> Self {
        match text {
            "" | "~" | "null" | "Null" | "NULL" => return Self::Null,
            "true" | "True" | "TRUE" => return Self::Bool(true),
            "false" | "False" | "FALSE" => return Self::Bool(false),
            ".nan" | ".NaN" | ".NAN" => return Self::Float(f64::NAN),
            _ => {}
        }
        let Some(b'0'..=b'9' | b'+' | b'-' | b'.') = text.as_bytes().first() else { return Self::Text(text) };
        whole_number(text).or_else(|| fraction(text)).unwrap_or(Self::Text(text))
    }
}

fn whole_number<'d>(text: &str) -> Option<Scalar<'d>> {
    let (digits, radix) = match (text.strip_prefix("0o"), text.strip_prefix("0x")) {
        (Some(octal), _) => (octal, 8),
        (None, Some(hexadecimal)) => (hexadecimal, 16),
        (None, None) => return text.parse().ok().map(Scalar::Int),
    };
    // `from_str_radix` would take `0x-1`.
    let plain = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    plain.then(|| i128::from_str_radix(digits, radix).ok())?.map(Scalar::Int)
}

fn fraction<'d>(text: &str) -> Option<Scalar<'d>> {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    if matches!(unsigned, ".inf" | ".Inf" | ".INF") {
        let sign = if text.starts_with('-') { -1.0 } else { 1.0 };
        return Some(Scalar::Float(sign * f64::INFINITY));
    }
    // Rust's own parser would take `infinity` and `1e` is refused by it.
    let numeric = unsigned.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'.' | b'e' | b'E' | b'+' | b'-'));
    numeric.then(|| text.parse().ok())?.map(Scalar::Float)
}
