//! One variable of a `.env` file, read and edited as bytes; every other byte stays.
//!
//! # Why this lexer is ours
//! The well-kept readers (`dotenvy`, compose-go) drop comments, order and quoting. The crates that edit (`adotenv`,
//! `edikt-env`) are young, take the file as a `str`, so one Latin-1 comment makes it unreadable, and keep what they
//! read in buffers that nobody wipes.
//!
//! # Dialect
//! There is no standard, so this module reads and writes what `dotenvy` 0.15 and Docker Compose
//! (<https://docs.docker.com/compose/how-tos/environment-variables/variable-interpolation/>) agree on, and refuses
//! the spellings on which they differ:
//! - `NAME=value`, blanks around `=`, indentation, an `export ` prefix, LF or CRLF, a byte order mark.
//! - White space of other kinds (a no-break space, a stray carriage return) beside a name or in an unquoted value is refused.
//! - Unquoted: up to the line's end or a blank followed by `#`. `'single'`: literal. `"double"`: `\n \r \t \\ \" \$`.
//!   Quoted values may span lines. A quote inside an unquoted value does not open anything.
//! - `$` outside single quotes is expanded by the readers, so it is never written there bare, and a value that has one
//!   cannot be read: what it means depends on the reader's environment.
//! - Lines that are none of this are kept and otherwise ignored.

mod error;
mod lexer;
mod quoting;
#[cfg(test)]
mod tests;

use std::ops::Range;

use keywheel_core::SecretValue;
use zeroize::Zeroizing;

pub use error::DotenvError;
use lexer::{Assignment, Style};

/// Whether every reader takes `name` for a variable: a letter or `_` first, then letters, digits, `_` and `.`.
pub fn is_variable_name(name: &str) -> bool {
    lexer::is_name(name.as_bytes())
}

/// A `.env` file with its assignments found; borrows the caller's bytes, so that no second copy has to be wiped.
///
/// `Debug` prints how many assignments there are and nothing of them.
pub struct Dotenv<'a> {
    bytes: &'a [u8],
    assignments: Vec<Assignment>,
}

impl std::fmt::Debug for Dotenv<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Dotenv").field("assignments", &self.assignments.len()).finish_non_exhaustive()
    }
}

impl<'a> Dotenv<'a> {
    /// Finds the assignments in `bytes`.
    ///
    /// # Errors
    /// [`DotenvError::Unterminated`]: a quote that never closes could hide any assignment after it.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, DotenvError> {
        Ok(Self { bytes, assignments: lexer::assignments(bytes)? })
    }

    /// The value of `name`, decoded; of several definitions the last. `None` when there is none.
    ///
    /// # Errors
    /// [`DotenvError::Ambiguous`] or [`DotenvError::OddSpace`] when readers of `.env` files do not agree on what the line
    /// says.
    pub fn get(&self, name: &str) -> Result<Option<SecretValue>, DotenvError> {
        let Some(found) = self.definitions(name).last() else { return Ok(None) };
        self.refuse_unless_agreed(found)?;
        let decoded = quoting::decode(found.style, &self.bytes[found.value.clone()])
            .map_err(|what| DotenvError::Ambiguous { line: found.line, what })?;
        Ok(Some(SecretValue::copy_from(&decoded)))
    }

    /// The file with `name` set to `value`: in place, or appended with the file's dominant line end.
    ///
    /// The line keeps its indentation, `export`, inline comment and line end, and its quotes where they can carry the
    /// value as it is; otherwise the least that can: none, single, double with escapes.
    ///
    /// # Errors
    /// [`DotenvError::InvalidName`]; [`DotenvError::Duplicate`]; [`DotenvError::Unrepresentable`] when no spelling
    /// exists that every reader takes for this value; [`DotenvError::Ambiguous`] and [`DotenvError::OddSpace`] as in
    /// [`Dotenv::get`].
    pub fn set(&self, name: &str, value: &SecretValue) -> Result<Zeroizing<Vec<u8>>, DotenvError> {
        if !lexer::is_name(name.as_bytes()) {
            return Err(DotenvError::InvalidName { name: name.to_owned() });
        }
        let text = quoting::representable(value.expose_secret())?;
        let Some(found) = self.only_definition(name)? else { return Ok(self.append(name, text)) };
        self.refuse_unless_agreed(found)?;
        let tail = &self.bytes[found.tail.clone()];
        // `NAME= # note` is the value `# note` for Compose, and a blank that ends the file an error for `dotenvy`.
        let alone = tail.is_empty() && self.bytes[..found.value.start].ends_with(b"=");
        let style =
            if text.is_empty() && !alone && found.style == Style::Bare { Style::Single } else { found.style };
        let encoded = quoting::encode(style, text);
        // `NAME=#note` is an empty value with a comment; a value put there needs a blank to stay apart from it.
        let gap: &[u8] = if tail.starts_with(b"#") { b" " } else { b"" };
        Ok(self.splice(found.value.clone(), &[&encoded, gap]))
    }

    /// The file without the line (or lines) that define `name`; unchanged when there is none.
    ///
    /// # Errors
    /// [`DotenvError::Duplicate`]; [`DotenvError::OddSpace`] when what comes next would begin the file, and be read
    /// differently there: a byte order mark counts in the first line only.
    pub fn remove(&self, name: &str) -> Result<Zeroizing<Vec<u8>>, DotenvError> {
        let range = self.only_definition(name)?.map_or(0..0, |found| found.statement.clone());
        if range.start == 0
            && !range.is_empty()
            && self.bytes[range.end..].starts_with(lexer::BYTE_ORDER_MARK)
        {
            return Err(DotenvError::OddSpace { line: 1 + lexer::newlines(&self.bytes[range]) });
        }
        Ok(self.splice(range, &[]))
    }

    fn definitions(&self, name: &str) -> impl Iterator<Item = &Assignment> {
        self.assignments.iter().filter(move |found| self.bytes[found.name.clone()] == *name.as_bytes())
    }

    /// An edit of one of two definitions would leave the outcome to the reader: `dotenvy::dotenv` takes the first,
    /// Compose the last.
    fn only_definition(&self, name: &str) -> Result<Option<&Assignment>, DotenvError> {
        let mut found = self.definitions(name);
        let first = found.next();
        match (first, found.next()) {
            (Some(first), Some(second)) => {
                Err(DotenvError::Duplicate { name: name.to_owned(), first: first.line, second: second.line })
            }
            (first, _) => Ok(first),
        }
    }

    /// An assignment must be one, and end where it ends, for every reader.
    fn refuse_unless_agreed(&self, found: &Assignment) -> Result<(), DotenvError> {
        if found.odd {
            return Err(DotenvError::OddSpace { line: found.line });
        }
        if !self.tail_is_blank_or_comment(found) {
            return Err(DotenvError::Ambiguous { line: found.line, what: "text after the closing quote" });
        }
        Ok(())
    }

    fn tail_is_blank_or_comment(&self, found: &Assignment) -> bool {
        let tail = &self.bytes[found.tail.clone()];
        let text = &tail[lexer::skip(tail, 0, lexer::is_blank)..];
        text.is_empty() || (text.starts_with(b"#") && (text.len() < tail.len() || found.value.is_empty()))
    }

    fn append(&self, name: &str, text: &str) -> Zeroizing<Vec<u8>> {
        let line_end = lexer::dominant_line_end(self.bytes);
        let value = quoting::encode(Style::Bare, text);
        let at = self.bytes.len()..self.bytes.len();
        if self.bytes.is_empty() || self.bytes.ends_with(b"\n") || self.bytes == lexer::BYTE_ORDER_MARK {
            self.splice(at, &[name.as_bytes(), b"=", &value, line_end])
        } else {
            // The file has no final line end, or half of one; it still has none afterwards.
            let line_end = if self.bytes.ends_with(b"\r") { b"\n" } else { line_end };
            self.splice(at, &[line_end, name.as_bytes(), b"=", &value])
        }
    }

    /// The capacity is exact: a vector that grows leaves an unwiped copy of every secret in the file behind.
    fn splice(&self, range: Range<usize>, parts: &[&[u8]]) -> Zeroizing<Vec<u8>> {
        let added: usize = parts.iter().map(|part| part.len()).sum();
        let mut edited = Zeroizing::new(Vec::with_capacity(self.bytes.len() - range.len() + added));
        edited.extend_from_slice(&self.bytes[..range.start]);
        for part in parts {
            edited.extend_from_slice(part);
        }
        edited.extend_from_slice(&self.bytes[range.end..]);
        edited
    }
}
