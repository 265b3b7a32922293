//! Where the assignments of a `.env` file begin and end.

use std::ops::Range;

use super::DotenvError;

/// UTF-8's byte order mark, which some editors on Windows put first.
pub(super) const BYTE_ORDER_MARK: &[u8] = b"\xEF\xBB\xBF";

/// How a value is quoted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Style {
    Bare,
    Single,
    Double,
}

/// One `NAME=value`, as byte ranges of the file.
#[derive(Debug)]
pub(super) struct Assignment {
    /// The line that it begins on, counted from 1.
    pub(super) line: usize,
    /// From the start of its first line to the start of the line after it.
    pub(super) statement: Range<usize>,
    pub(super) name: Range<usize>,
    /// White space beside the name that only some readers skip; for the others this is no assignment.
    pub(super) odd: bool,
    /// With its quotes. Empty, and right after `=`, when nothing but blanks and a comment follows.
    pub(super) value: Range<usize>,
    pub(super) style: Style,
    /// Between the value and the line end: blanks, a comment, or what should not be there.
    pub(super) tail: Range<usize>,
}

/// Every assignment in `bytes`, in order.
pub(super) fn assignments(bytes: &[u8]) -> Result<Vec<Assignment>, DotenvError> {
    let mut found = Vec::new();
    let mut position = if bytes.starts_with(BYTE_ORDER_MARK) { BYTE_ORDER_MARK.len() } else { 0 };
    let mut line = 1;
    while position < bytes.len() {
        let assignment = assignment(bytes, position, line)?;
        let next =
            assignment.as_ref().map_or_else(|| after_line(bytes, position), |found| found.statement.end);
        line += newlines(&bytes[position..next]);
        position = next;
        found.extend(assignment);
    }
    Ok(found)
}

/// Whether `name` is a letter or `_`, then letters, digits, `_` and `.`: what `dotenvy` accepts.
pub(super) fn is_name(name: &[u8]) -> bool {
    !name.is_empty() && identifier(name, 0) == name.len()
}

/// CRLF when more lines end so than in LF alone.
pub(super) fn dominant_line_end(bytes: &[u8]) -> &'static [u8] {
    let crlf = bytes.windows(2).filter(|pair| pair == b"\r\n").count();
    if 2 * crlf > newlines(bytes) { b"\r\n" } else { b"\n" }
}

fn assignment(bytes: &[u8], start: usize, line: usize) -> Result<Option<Assignment>, DotenvError> {
    let (name, equals, odd) = match (left_side(bytes, start, is_blank), left_side(bytes, start, is_white)) {
        (Some((name, equals)), _) => (name, equals, false),
        (None, Some((name, equals))) => (name, equals, true),
        (None, None) => return Ok(None),
    };
    let after_equals = equals + 1;
    let first = skip(bytes, after_equals, is_blank);
    let end = content_end(bytes, first);
    let (value, style) = match bytes[first..end].first() {
        None | Some(b'#') => (after_equals..after_equals, Style::Bare),
        Some(&quote @ (b'\'' | b'"')) => {
            let close = closing_quote(bytes, first + 1, quote).ok_or(DotenvError::Unterminated { line })?;
            (first..close + 1, if quote == b'"' { Style::Double } else { Style::Single })
        }
        Some(_) => (first..bare_end(bytes, first, end), Style::Bare),
    };
    let tail = value.end..content_end(bytes, value.end);
    let statement = start..after_line(bytes, value.end);
    Ok(Some(Assignment { line, statement, name, odd, value, style, tail }))
}

/// The name and the position of `=`; `None` for blank lines, comments and everything else.
fn left_side(bytes: &[u8], start: usize, skipped: fn(char) -> bool) -> Option<(Range<usize>, usize)> {
    let mut first = skip(bytes, start, skipped);
    let mut end = identifier(bytes, first);
    let second = skip(bytes, end, skipped);
    // `export` alone before `=` is a variable of that name.
    if bytes[first..end] == *b"export" && second > end && identifier(bytes, second) > second {
        (first, end) = (second, identifier(bytes, second));
    }
    let equals = skip(bytes, end, skipped);
    (end > first && bytes.get(equals) == Some(&b'=')).then_some((first..end, equals))
}

fn identifier(bytes: &[u8], start: usize) -> usize {
    let starts = bytes.get(start).is_some_and(|byte| byte.is_ascii_alphabetic() || *byte == b'_');
    if !starts {
        return start;
    }
    start + run(&bytes[start..], |byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'.')
}

pub(super) fn skip(bytes: &[u8], start: usize, skipped: fn(char) -> bool) -> usize {
    let mut position = start;
    while let Some(letter) = letter(bytes, position).filter(|letter| skipped(*letter)) {
        position += letter.len_utf8();
    }
    position
}

/// The letter at `position`, if there is one; no more than it is looked at.
fn letter(bytes: &[u8], position: usize) -> Option<char> {
    let longest = &bytes[position..bytes.len().min(position + 4)];
    longest.utf8_chunks().next()?.valid().chars().next()
}

fn run(bytes: &[u8], belongs: impl Fn(u8) -> bool) -> usize {
    bytes.iter().position(|byte| !belongs(*byte)).unwrap_or(bytes.len())
}

pub(super) fn is_blank(letter: char) -> bool {
    letter == ' ' || letter == '\t'
}

/// What `dotenvy` skips, and a byte order mark in the middle of a file, as it is left where files were joined.
fn is_white(letter: char) -> bool {
    letter != '\n' && (letter.is_whitespace() || letter == '\u{feff}')
}

/// A backslash keeps the next quote from closing, in single quotes too: `dotenvy` and Compose both look for the end of
/// the value that way.
fn closing_quote(bytes: &[u8], mut position: usize, quote: u8) -> Option<usize> {
    loop {
        match *bytes.get(position)? {
            b'\\' => position += 2,
            byte if byte == quote => return Some(position),
            _ => position += 1,
        }
    }
}

/// Blanks end with the value; other white space stays in it, where it is refused: before a comment, or at the end of a
/// file, some readers keep it or give up.
fn bare_end(bytes: &[u8], start: usize, end: usize) -> usize {
    let comment = (start + 1..end).find(|&at| bytes[at] == b'#' && is_blank(bytes[at - 1].into()));
    let limit = comment.unwrap_or(end);
    let blanks = bytes[start..limit].iter().rev().take_while(|byte| is_blank((**byte).into())).count();
    limit - blanks
}

/// The end of the line that holds `position`, without its LF or CRLF, or the half of one that ends the file.
fn content_end(bytes: &[u8], position: usize) -> usize {
    let end = after_line(bytes, position);
    let line = &bytes[position..end];
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    position + line.len()
}

fn after_line(bytes: &[u8], position: usize) -> usize {
    bytes[position..].iter().position(|byte| *byte == b'\n').map_or(bytes.len(), |at| position + at + 1)
}

pub(super) fn newlines(bytes: &[u8]) -> usize {
    bytes.split(|byte| *byte == b'\n').count() - 1
}
