//! What the inventory says of a store of files.

use std::path::{Component, Path, PathBuf};

use keywheel_core::{
    provider::{Settings, Surroundings},
    yaml::{self, Diagnostic, Located},
};
use schemars::JsonSchema;
use serde::{Deserialize, de::DeserializeOwned};

use crate::directory::SizeLimit;

/// `directory: { path: ./secrets }`: one file for each secret.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct DirectorySettings {
    /// The directory; relative to the inventory. Made, mode 0700, with its first secret.
    pub(crate) path: Located<String>,
    /// The largest file that is read or written, in bytes.
    #[serde(default)]
    #[schemars(range(min = 1024, max = 16_777_216))]
    pub(crate) max_bytes: Option<Located<u64>>,
}

/// `env-file: { path: ./app.env }`: one variable for each secret.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct EnvFileSettings {
    /// The `.env` file; relative to the inventory. Made, mode 0600, with its first secret.
    pub(crate) path: Located<String>,
    /// The largest file that is read or written, in bytes; one value may have a 32nd of it.
    #[serde(default)]
    #[schemars(range(min = 1024, max = 16_777_216))]
    pub(crate) max_bytes: Option<Located<u64>>,
}

/// `document: { path: ./config.json }`: one field for each secret.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct DocumentSettings {
    /// The JSON document; relative to the inventory. It must exist.
    pub(crate) path: Located<String>,
    /// The largest file that is read or written, in bytes; one value may have a 32nd of it.
    #[serde(default)]
    #[schemars(range(min = 1024, max = 16_777_216))]
    pub(crate) max_bytes: Option<Located<u64>>,
}

/// Where a store is, and how large its files may be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Declared {
    /// Absolute if the inventory's directory is.
    pub(crate) path: PathBuf,
    /// The directory that holds it.
    pub(crate) parent: PathBuf,
    /// Its own name there.
    pub(crate) name: String,
    pub(crate) limit: SizeLimit,
}

/// The settings as they were written.
pub(crate) type Written = (Located<String>, Option<Located<u64>>);

/// Reads settings; `None` when a mistake was reported.
pub(crate) fn declared<T: DeserializeOwned>(
    surroundings: &Surroundings,
    settings: Settings<'_>,
    parts: impl FnOnce(T) -> Written,
) -> Option<Declared> {
    let Settings { node, diagnostics } = settings;
    let before = diagnostics.len();
    let (path, max_bytes) = parts(yaml::read::<T>(node, diagnostics)?);
    let placed = place(&surroundings.base, &path);
    if let Err(message) = placed {
        diagnostics.push(
            Diagnostic::error(message)
                .at(path.span())
                .hint("write the path to the last name, such as `./secrets`"),
        );
    }
    let limit = match &max_bytes {
        Some(bytes) if (1024..=SizeLimit::LARGEST).contains(&**bytes) => SizeLimit::new(**bytes).ok(),
        Some(bytes) => {
            diagnostics.push(
                Diagnostic::error(format!("{} bytes is no size limit", **bytes))
                    .at(bytes.span())
                    .hint(format!("write 1024 to {}", SizeLimit::LARGEST)),
            );
            None
        }
        None => Some(SizeLimit::default()),
    };
    if diagnostics.len() > before {
        return None;
    }
    let (path, parent, name) = placed.ok()?;
    Some(Declared { path, parent, name, limit: limit? })
}

/// The path, the directory around it, and its own name. `..` on the way is the operator's choice.
fn place(base: &Path, path: &str) -> Result<(PathBuf, PathBuf, String), &'static str> {
    if path.is_empty() {
        return Err("the path is empty");
    }
    if path.contains('\0') {
        return Err("the path has a NUL byte in it");
    }
    let joined: PathBuf = base.join(path).components().collect();
    let name = match joined.components().next_back() {
        Some(Component::Normal(name)) => name.to_str().ok_or("the path is not UTF-8")?.to_owned(),
        Some(Component::ParentDir | Component::CurDir | Component::RootDir | Component::Prefix(_)) | None => {
            return Err(
                "the path does not end in a name, and versions in waiting are kept beside what it names",
            );
        }
    };
    let parent = match joined.parent() {
        Some(parent) if parent.as_os_str().is_empty() => PathBuf::from("."),
        Some(parent) => parent.to_owned(),
        None => return Err("the path does not end in a name"),
    };
    Ok((joined, parent, name))
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("/etc/app", "./secrets", "/etc/app/secrets", "/etc/app")]
    #[case("/etc/app", "secrets/", "/etc/app/secrets", "/etc/app")]
    #[case("/etc/app", "../x/secrets", "/etc/app/../x/secrets", "/etc/app/../x")]
    #[case("/etc/app", "/run/secrets", "/run/secrets", "/run")]
    #[case("/etc/app", ".", "/etc/app", "/etc")]
    #[case("", "secrets", "secrets", ".")]
    fn a_path_starts_at_the_inventory(
        #[case] base: &str,
        #[case] path: &str,
        #[case] full: &str,
        #[case] parent: &str,
    ) {
        let (found, around, _) = place(Path::new(base), path).unwrap();
        assert_eq!((found, around), (PathBuf::from(full), PathBuf::from(parent)));
    }

    #[rstest]
    #[case("")]
    #[case("..")]
    #[case("/")]
    #[case("a/..")]
    #[case("a\0b")]
    fn a_path_without_a_name_is_refused(#[case] path: &str) {
        assert!(place(Path::new("/etc/app"), path).is_err());
    }
}
