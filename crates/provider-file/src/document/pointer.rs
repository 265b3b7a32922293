//! RFC 6901 pointers to one field.

use std::fmt;

use super::DocumentError;

/// A JSON pointer (RFC 6901) with at least one part: `/database/password`, `/keys/0`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JsonPointer {
    /// Unescaped.
    parts: Vec<String>,
}

impl JsonPointer {
    /// Reads `/a/b`, where `~1` stands for `/` and `~0` for `~`.
    ///
    /// # Errors
    /// [`DocumentError::InvalidPointer`] when it is empty (the whole document), does not begin with `/`, or has a `~`
    /// before anything but `0` and `1`.
    pub fn parse(pointer: &str) -> Result<Self, DocumentError> {
        let refuse = |why| DocumentError::InvalidPointer { pointer: pointer.to_owned(), why };
        if pointer.is_empty() {
            return Err(refuse("it names the whole document; use a plain file for that"));
        }
        let parts = pointer.strip_prefix('/').ok_or_else(|| refuse("it does not begin with /"))?;
        let parts = parts.split('/').map(unescape).collect::<Option<_>>();
        Ok(Self { parts: parts.ok_or_else(|| refuse("~ is not followed by 0 or 1"))? })
    }

    pub(super) fn parts(&self) -> &[String] {
        &self.parts
    }

    pub(super) fn last(&self) -> &str {
        self.parts.last().map_or("", String::as_str)
    }

    /// The pointer to the first `count` parts, as text.
    pub(super) fn prefix(&self, count: usize) -> String {
        self.parts[..count].iter().flat_map(|part| ["/".to_owned(), escape(part)]).collect()
    }
}

impl fmt::Display for JsonPointer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.prefix(self.parts.len()))
    }
}

fn escape(part: &str) -> String {
    part.replace('~', "~0").replace('/', "~1")
}

/// `~1` first: `~01` is `~1`, not `/` (RFC 6901, section 4).
fn unescape(part: &str) -> Option<String> {
    let broken = part.split('~').skip(1).any(|after| !after.starts_with(['0', '1']));
    (!broken).then(|| part.replace("~1", "/").replace("~0", "~"))
}
