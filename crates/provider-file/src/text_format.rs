//! The two formats that keep several secrets in one file.

use keywheel_core::{Error, ErrorKind, Result, SecretValue};
use zeroize::Zeroizing;

use crate::{
    document::{self, JsonPointer},
    dotenv::{self, Dotenv},
};

/// How a file is divided into places.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TextFormat {
    /// Variables of a `.env` file.
    EnvFile,
    /// Fields of a JSON document.
    Document,
}

impl TextFormat {
    /// The value in the place called `key`; `None` when it is empty of any.
    pub(crate) fn get(self, file: &[u8], key: &str) -> Result<Option<SecretValue>> {
        match self {
            Self::EnvFile => Dotenv::parse(file)
                .and_then(|file| file.get(key))
                .map_err(|error| error.into_error("read variable")),
            Self::Document => pointer(key)
                .and_then(|pointer| document::get(file, &pointer))
                .map_err(|error| error.into_error("read field")),
        }
    }

    /// The file with `value` in the place called `key`.
    pub(crate) fn set(self, file: &[u8], key: &str, value: &SecretValue) -> Result<Zeroizing<Vec<u8>>> {
        match self {
            Self::EnvFile => Dotenv::parse(file)
                .and_then(|file| file.set(key, value))
                .map_err(|error| error.into_error("set variable")),
            Self::Document => pointer(key)
                .and_then(|pointer| document::set(file, &pointer, value))
                .map_err(|error| error.into_error("set field")),
        }
    }

    /// The file without the place called `key`.
    pub(crate) fn remove(self, file: &[u8], key: &str) -> Result<Zeroizing<Vec<u8>>> {
        match self {
            Self::EnvFile => Dotenv::parse(file)
                .and_then(|file| file.remove(key))
                .map_err(|error| error.into_error("remove variable")),
            Self::Document => pointer(key)
                .and_then(|pointer| document::remove(file, &pointer))
                .map_err(|error| error.into_error("remove field")),
        }
    }

    /// Whether the file as a whole can be read.
    pub(crate) fn check_file(self, file: &[u8]) -> Result<()> {
        match self {
            Self::EnvFile => {
                Dotenv::parse(file).map(|_| ()).map_err(|error| error.into_error("read variables"))
            }
            // What the pointer names does not matter: the document is parsed first.
            Self::Document => match pointer("/x").and_then(|pointer| document::get(file, &pointer)) {
                Err(error @ document::DocumentError::Syntax { .. }) => Err(error.into_error("read document")),
                Ok(_) | Err(_) => Ok(()),
            },
        }
    }

    /// What a missing file stands for.
    pub(crate) fn missing(self) -> Result<SecretValue> {
        match self {
            Self::EnvFile => Ok(SecretValue::copy_from(b"")),
            Self::Document => Err(Error::not_applied(
                ErrorKind::InvalidConfig,
                "read document",
                "there is no such document, and nobody but you knows what else belongs into it; \
                 create it, `{}` will do",
            )),
        }
    }

    /// Whether `key` can name a place; words for the operator if not.
    pub(crate) fn check_key(self, key: &str) -> Result<(), String> {
        match self {
            Self::EnvFile if dotenv::is_variable_name(key) => Ok(()),
            Self::EnvFile => Err(format!(
                "`{key}` cannot be the name of a variable, which begins with a letter or _ and goes on with letters, \
                 digits, _ and .: say `key:`, for example `key: {}`",
                as_variable(key)
            )),
            Self::Document => match pointer(key) {
                Ok(_) => Ok(()),
                Err(error) if key.starts_with('/') => Err(error.to_string()),
                Err(error) => Err(format!(
                    "{error}: say `key:`, for example `key: /{}`",
                    key.replace('~', "~0").replace('/', "~1")
                )),
            },
        }
    }

    /// The customary name for a place beside `key`.
    pub(crate) fn beside(self, key: &str, word: &str) -> String {
        match self {
            Self::EnvFile => format!("{key}_{}", word.to_ascii_uppercase()),
            Self::Document => format!("{key}_{word}"),
        }
    }
}

fn pointer(key: &str) -> Result<JsonPointer, document::DocumentError> {
    JsonPointer::parse(key)
}

/// A secret's name as people would write it for a variable.
fn as_variable(name: &str) -> String {
    let mut variable = String::with_capacity(name.len() + 1);
    if name.starts_with(|first: char| first.is_ascii_digit()) || name.is_empty() {
        variable.push('_');
    }
    variable.extend(
        name.chars()
            .map(|letter| if letter.is_ascii_alphanumeric() { letter.to_ascii_uppercase() } else { '_' }),
    );
    variable
}
