//! A unit of systemd, and what is done to it.

use std::fmt;

use schemars::JsonSchema;
use serde::Deserialize;

/// The name of a unit, as systemd allows it; without a suffix it is a service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnitName(String);

impl UnitName {
    /// Checks the form: <https://www.freedesktop.org/software/systemd/man/latest/systemd.unit.html>. Neither a path nor
    /// a pattern: a message is for one unit.
    ///
    /// # Errors
    /// What is wrong with it, for the operator.
    pub fn new(text: impl Into<String>) -> Result<Self, &'static str> {
        let text = text.into();
        let fits = |byte: u8| byte.is_ascii_alphanumeric() || b":_.\\@-".contains(&byte);
        if text.is_empty() || text.len() > 255 || text.starts_with('-') || !text.bytes().all(fits) {
            return Err("this is not the name of a unit");
        }
        Ok(Self(text))
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for UnitName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What is done to a unit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum UnitAction {
    /// `systemctl reload`: as the unit's `ExecReload` says, and waits for it.
    #[default]
    Reload,
    /// `systemctl try-restart`.
    Restart,
    /// `systemctl kill --kill-whom=main`: the signal, to the main process alone. systemd 252 or newer.
    Signal,
}
