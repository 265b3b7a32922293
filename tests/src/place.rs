//! Where an application finds a secret: a file, a variable, a field.

use std::{fs, path::Path};

use serde_json::Value;

/// Where a value is kept, relative to the scene's directory.
#[derive(Clone, Debug)]
pub enum Place {
    /// The whole of a file.
    File(String),
    /// One variable of an environment file.
    Variable(String, String),
    /// One field of a JSON document, by its pointer.
    Field(String, String),
}

impl Place {
    /// A file.
    pub fn file(path: &str) -> Self {
        Self::File(path.to_owned())
    }

    /// The value that stands there; `None` if there is none, or the file around it cannot be parsed.
    pub fn read(&self, directory: &Path) -> Option<Vec<u8>> {
        match self {
            Self::File(path) => fs::read(directory.join(path)).ok(),
            Self::Variable(path, name) => {
                let variables = dotenvy::from_path_iter(directory.join(path)).ok()?;
                let pairs = variables.collect::<Result<Vec<_>, _>>().ok()?;
                pairs.into_iter().find(|(key, _)| key == name).map(|(_, value)| value.into_bytes())
            }
            Self::Field(path, pointer) => {
                let document: Value = serde_json::from_slice(&fs::read(directory.join(path)).ok()?).ok()?;
                Some(document.pointer(pointer)?.as_str()?.as_bytes().to_vec())
            }
        }
    }

    /// The same place with `suffix` behind its file's name: where a directory shows `.next` and `.previous`.
    #[must_use]
    pub fn beside(&self, suffix: &str) -> Option<Self> {
        match self {
            Self::File(path) => Some(Self::File(format!("{path}{suffix}"))),
            Self::Variable(..) | Self::Field(..) => None,
        }
    }

    /// As the consumer's command line has it.
    pub fn argument(&self) -> String {
        match self {
            Self::File(path) => format!("file:{path}"),
            Self::Variable(path, name) => format!("variable:{path}:{name}"),
            Self::Field(path, pointer) => format!("field:{path}:{pointer}"),
        }
    }

    /// Reads [`Self::argument`] back.
    pub fn parse(argument: &str) -> Option<Self> {
        let mut parts = argument.splitn(3, ':');
        let (kind, path) = (parts.next()?, parts.next()?.to_owned());
        match (kind, parts.next()) {
            ("file", None) => Some(Self::File(path)),
            ("variable", Some(name)) => Some(Self::Variable(path, name.to_owned())),
            ("field", Some(pointer)) => Some(Self::Field(path, pointer.to_owned())),
            _ => None,
        }
    }
}
