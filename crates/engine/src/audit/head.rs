//! How far the audit goes, as the journal knows it.

use keywheel_core::{Error, ErrorKind, Result, journal::Journal};
use serde::{Deserialize, Serialize};

use super::{digest::Digest, line::AUDIT_FORMAT, seal::Seal};

/// The journal's note that holds the head.
const NOTE: &str = "audit-head";

/// How far the audit goes. Kept in the journal, where whoever cuts the file short does not reach it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Head {
    /// The number of the last line; 0 while there is none.
    pub line: u64,
    /// The signature of the last line; zero while there is none.
    pub line_mac: Digest,
    /// The newest journal record that was looked at. Beyond the last line's when intents came after it, which have no
    /// line of their own.
    pub seq: u64,
    /// The length of the file up to and with the last line's newline, in bytes. It makes the look at the file's end
    /// cheap; what holds is the signature.
    pub bytes: u64,
}

/// The note's text, but for its signature.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Note {
    // Not `format`: no line of the file can be passed off as a note.
    head_format: u16,
    #[serde(flatten)]
    head: Head,
}

/// The only part of a note that every format has.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Format {
    head_format: u64,
}

impl Head {
    /// The head of an audit that has no line.
    pub(super) const START: Self = Self { line: 0, line_mac: Digest::ZERO, seq: 0, bytes: 0 };

    /// Reads the note; `None` if the journal has none.
    pub(super) async fn read(journal: &dyn Journal, seal: &Seal) -> Result<Option<Self>> {
        let Some(text) = journal.note(NOTE).await? else { return Ok(None) };
        let damaged = |why: &str| {
            Error::not_applied(
                ErrorKind::Corrupt,
                "read audit head",
                format!(
                    "the journal's note `{NOTE}` {why}. Nothing was written to the audit. If the audit key was replaced, \
                     put the old one back; if not, the journal was edited: `keywheel audit verify` tells whether the \
                     audit itself is whole"
                ),
            )
        };
        if seal.open(text.as_bytes()).is_err() {
            return Err(damaged("is not signed with this installation's audit key"));
        }
        match serde_json::from_str(&text) {
            Ok(Format { head_format }) if head_format > u64::from(AUDIT_FORMAT) => Err(newer(head_format)),
            Ok(_) | Err(_) => serde_json::from_str(&text)
                .map(|note: Note| Some(note.head))
                .map_err(|_| damaged("is signed but cannot be read")),
        }
    }

    /// Writes the note.
    pub(super) async fn write(self, journal: &dyn Journal, seal: &Seal) -> Result<()> {
        let mut text = Vec::with_capacity(320);
        seal.close(&Note { head_format: AUDIT_FORMAT, head: self }, &mut text).map_err(|error| {
            Error::not_applied(ErrorKind::Internal, "write audit head", error.to_string())
        })?;
        journal.set_note(NOTE, &String::from_utf8_lossy(&text)).await
    }
}

/// The refusal of what a newer keywheel wrote.
pub(super) fn newer(format: u64) -> Error {
    Error::not_applied(
        ErrorKind::Unsupported,
        "read audit",
        format!(
            "the audit is of format {format}, and this build knows formats up to {AUDIT_FORMAT}: a newer keywheel wrote \
             it. Nothing was written to it; use that version or a later one"
        ),
    )
}
