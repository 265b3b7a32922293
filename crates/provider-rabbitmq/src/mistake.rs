//! What is wrong with the settings of one target.

/// One mistake in the settings, for the person who wrote them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistake {
    /// The setting, with dots between the levels: `tls.client-key`.
    pub field: &'static str,
    /// What is wrong with it.
    pub message: String,
    /// What to write instead.
    pub hint: String,
}

impl Mistake {
    pub(crate) fn new(field: &'static str, message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { field, message: message.into(), hint: hint.into() }
    }
}
