//! Inputs of three parts, as text that a person can read and write.

/// Between the parts: ASCII's own record separator, which neither a name nor a pointer has any use for.
const SEPARATOR: u8 = 0x1E;

/// What to change, into what, and the file: `name␞value␞file`. An input without separators is the file.
pub(crate) fn split<'a>(input: &'a [u8], usual_name: &'a str) -> Option<(&'a str, &'a [u8], &'a [u8])> {
    let mut parts = input.splitn(3, |byte| *byte == SEPARATOR);
    match (parts.next(), parts.next(), parts.next()) {
        (Some(name), Some(value), Some(file)) => Some((str::from_utf8(name).ok()?, value, file)),
        _ => Some((usual_name, b"new", input)),
    }
}

/// What an edit exchanged: how long the longest common beginning is, and how long the longest common end.
pub(crate) fn common(before: &[u8], after: &[u8]) -> (usize, usize) {
    let same = |(one, other): &(&u8, &u8)| one == other;
    let front = before.iter().zip(after).take_while(same).count();
    let back = before[front..].iter().rev().zip(after[front..].iter().rev()).take_while(same).count();
    (front, back)
}
