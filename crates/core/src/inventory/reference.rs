//! How the inventory names a credential without holding it.

use std::{
    fmt,
    path::{Path, PathBuf},
};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize, de::Unexpected};
use zeroize::Zeroizing;

use crate::{
    error::{Effect, Error, ErrorKind, Result},
    value::SecretValue,
};

/// Where a credential that keywheel itself needs is read from: `${env:NAME}` or `file:PATH`.
///
/// A literal value is refused: the inventory is a file that many people read.
#[derive(Clone, Debug, PartialEq, Eq, JsonSchema)]
#[schemars(with = "String", extend("pattern" = r"^(\$\{env:[A-Za-z_][A-Za-z0-9_]*\}|file:.+)$"))]
pub enum CredentialRef {
    /// An environment variable.
    Env(String),
    /// A file; relative paths start at the inventory's directory.
    File(PathBuf),
}

impl CredentialRef {
    /// Whether `text` looks like a reference: used to tell operators who wrote one where none is read.
    pub fn looks_like_one(text: &str) -> bool {
        text.contains("${") || text.starts_with("file:")
    }

    /// The same reference, with a relative path made to start at `base`.
    #[must_use]
    pub fn beside(self, base: &Path) -> Self {
        match self {
            Self::File(path) => Self::File(base.join(path)),
            Self::Env(name) => Self::Env(name),
        }
    }

    /// The credential, read anew by every call: whoever rotates it need not restart anything. One line end at the end of
    /// a file does not count.
    ///
    /// # Errors
    /// `InvalidConfig` when the variable is not set, or the file is missing or empty; `PermissionDenied` when it may not be
    /// read.
    pub fn read(&self) -> Result<SecretValue> {
        const READ: &str = "read credential";
        let refused =
            |why: &str| Error::not_applied(ErrorKind::InvalidConfig, READ, why).with("credential", self);
        let value = match self {
            Self::Env(name) => {
                let text =
                    Zeroizing::new(std::env::var(name).map_err(|_| refused("the variable is not set"))?);
                SecretValue::copy_from(text.as_bytes())
            }
            Self::File(path) => {
                let text = Zeroizing::new(std::fs::read(path).map_err(|error| {
                    if error.kind() == std::io::ErrorKind::NotFound {
                        return refused("the file does not exist");
                    }
                    Error::from_io(READ, Effect::NotApplied, error).with("credential", self)
                })?);
                let line = text.strip_suffix(b"\n").map(|line| line.strip_suffix(b"\r").unwrap_or(line));
                SecretValue::copy_from(line.unwrap_or(&text))
            }
        };
        if value.expose_secret().is_empty() { Err(refused("it is empty")) } else { Ok(value) }
    }

    fn parse(text: &str) -> Option<Self> {
        if let Some(path) = text.strip_prefix("file:") {
            return (!path.is_empty()).then(|| Self::File(PathBuf::from(path)));
        }
        let name = text.strip_prefix("${env:")?.strip_suffix('}')?;
        let fits = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
            && name.bytes().next().is_some_and(|byte| !byte.is_ascii_digit());
        fits.then(|| Self::Env(name.to_owned()))
    }
}

impl fmt::Display for CredentialRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Env(name) => write!(f, "${{env:{name}}}"),
            Self::File(path) => write!(f, "file:{}", path.display()),
        }
    }
}

impl Serialize for CredentialRef {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for CredentialRef {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        // The text is not repeated: it may be the credential itself.
        Self::parse(&text).ok_or_else(|| {
            let expected = "a credential that is named, not written down: `${env:NAME}` or `file:PATH`";
            serde::de::Error::invalid_value(Unexpected::Other("a value"), &expected)
        })
    }
}
