//! Why something was not even begun, in the same words for a rotation and for `doctor`.

use keywheel_core::{Error, ErrorKind, provider::Finding};

/// What stands in the way, and how to clear it. Nothing has been sent or started.
#[derive(Debug)]
pub(crate) struct Refusal {
    pub(crate) kind: ErrorKind,
    pub(crate) message: String,
    pub(crate) remedy: String,
}

impl Refusal {
    pub(crate) fn new(kind: ErrorKind, message: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { kind, message: message.into(), remedy: remedy.into() }
    }

    /// The error of `operation`; nothing was applied.
    pub(crate) fn into_error(self, operation: &'static str) -> Error {
        Error::not_applied(self.kind, operation, format!("{}; {}", self.message, self.remedy))
    }
}

impl From<Refusal> for Finding {
    fn from(refusal: Refusal) -> Self {
        // What may pass by itself is worth a look, not a failed check.
        if refusal.kind.is_transient() {
            Self::warning(refusal.message, refusal.remedy)
        } else {
            Self::error(refusal.message, refusal.remedy)
        }
    }
}
