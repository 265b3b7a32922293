//! Values that a person provides: read where the inventory says, never generated.

use std::{path::Path, sync::Mutex};

use keywheel_core::{
    Error, ErrorKind, Result, SecretName, SecretValue,
    inventory::{ProvidedFrom, SecretEntry},
};

/// Reads one variable of an environment file. The file provider brings the reader, so that there is one for all.
pub trait ProvidedValues: Send + Sync {
    /// The value of `variable` in the file at `path`; `None` if the file or the variable does not exist.
    ///
    /// # Errors
    /// When the file exists and cannot be read.
    fn variable(&self, path: &Path, variable: &str) -> Result<Option<SecretValue>>;

    /// The bytes of the file at `path`, without one line end at the end; `None` if it does not exist.
    ///
    /// # Errors
    /// When the file exists and cannot be read.
    fn file(&self, path: &Path) -> Result<Option<SecretValue>>;
}

/// The value that an operator piped into `rotate NAME --value-from-stdin`.
#[derive(Default)]
pub struct StdinValue(Mutex<Option<(SecretName, SecretValue)>>);

impl StdinValue {
    /// Keeps `value` for `secret` until the process ends.
    pub fn new(secret: SecretName, value: SecretValue) -> Self {
        Self(Mutex::new(Some((secret, value))))
    }

    fn of(&self, secret: &SecretName) -> Option<SecretValue> {
        let kept = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        kept.as_ref().filter(|(name, _)| name == secret).map(|(_, value)| value.duplicate())
    }
}

/// What a person made ready for `entry`: the value, or words that say where one is expected.
pub(crate) fn read(
    entry: &SecretEntry,
    base: &Path,
    files: &dyn ProvidedValues,
    stdin: &StdinValue,
) -> Result<std::result::Result<SecretValue, String>> {
    if let Some(value) = stdin.of(&entry.name) {
        return Ok(Ok(value));
    }
    let missing = |hint: String| Ok(Err(hint));
    match entry.provided_from.as_deref() {
        Some(ProvidedFrom::File(path)) => match files.file(&base.join(path))? {
            Some(value) if !value.is_empty() => Ok(Ok(value)),
            Some(_) | None => missing(format!("put it into {}", path.display())),
        },
        Some(ProvidedFrom::EnvFile { path, variable }) => match files.variable(&base.join(path), variable)? {
            Some(value) if !value.is_empty() => Ok(Ok(value)),
            Some(_) | None => missing(format!("set {variable} in {}", path.display())),
        },
        Some(ProvidedFrom::Stdin) => {
            missing(format!("pipe it into `keywheel rotate {} --value-from-stdin`", entry.name))
        }
        None => Err(Error::not_applied(
            ErrorKind::InvalidConfig,
            "read provided value",
            format!("{} does not say where its value is provided", entry.name),
        )),
    }
}
