//! What keywheel remembers of one secret, in a document of its own beside it: what is pending, and whose the versions are.
//!
//! It is a document of the same engine and changes under check-and-set as the secret itself does. So two installations see
//! each other, with every server: `custom_metadata` came with Vault 1.9, and is not written under a check (ADR 14).

use jiff::Timestamp;
use keywheel_core::{Error, ErrorKind, Identity, Result, VersionId, secret::RotationMark};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

/// The form of [`Record`].
const FORMAT: u32 = 1;

/// The document.
#[derive(Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct Record {
    format: u32,
    /// Staged, and used by nobody.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) pending: Option<Staged>,
    /// What keywheel made current last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) current: Option<Known>,
    /// What that displaced.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) previous: Option<Displaced>,
}

/// A version that is nowhere else.
#[derive(Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct Staged {
    pub(crate) value: Zeroizing<String>,
    pub(crate) mark: RotationMark,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) identity: Option<Identity>,
}

/// A version that stands in the secret's own document.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct Known {
    pub(crate) id: VersionId,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) mark: Option<RotationMark>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) identity: Option<Identity>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) since: Option<Timestamp>,
}

/// A version that the engine keeps under an older number.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct Displaced {
    /// The number.
    pub(crate) version: u64,
    /// When that number was written, in the server's words: somebody may remove a path and begin it anew.
    pub(crate) created: String,
    pub(crate) known: Known,
}

impl Default for Record {
    fn default() -> Self {
        Self { format: FORMAT, pending: None, current: None, previous: None }
    }
}

impl Record {
    /// Refuses what a newer program wrote.
    pub(crate) fn checked(self, operation: &'static str) -> Result<Self> {
        if self.format == FORMAT {
            return Ok(self);
        }
        let message = format!(
            "the notes beside the secret have format {}, and this keywheel reads {FORMAT}",
            self.format
        );
        Err(Error::not_applied(ErrorKind::Unsupported, operation, message))
    }

    /// At least the length of its JSON.
    pub(crate) fn len(&self) -> usize {
        // Escapes make six bytes of one at most; marks and identities are short.
        let value = self.pending.as_ref().map_or(0, |pending| pending.value.len() * 6);
        value + 4096
    }

    /// A copy without the pending value's owner losing it.
    pub(crate) fn duplicate(&self) -> Self {
        let pending = self.pending.as_ref().map(|pending| Staged {
            value: pending.value.clone(),
            mark: pending.mark.clone(),
            identity: pending.identity.clone(),
        });
        Self { format: self.format, pending, current: self.current.clone(), previous: self.previous.clone() }
    }
}
