//! A path as the operator wrote it, and where it leads.

use std::{
    fmt,
    path::{Path, PathBuf},
};

/// A path from the inventory. Relative ones start at the inventory's directory; `~` and variables are not expanded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InventoryPath {
    written: String,
    resolved: PathBuf,
}

impl InventoryPath {
    /// Resolves `written` against `base`, the directory of the inventory file.
    pub fn new(base: &Path, written: impl Into<String>) -> Self {
        let written = written.into();
        // Through components: `./run` in `.` is `./run`, not `././run`.
        Self { resolved: base.join(&written).components().collect(), written }
    }

    /// As the operator wrote it: for descriptions.
    pub fn written(&self) -> &str {
        &self.written
    }

    /// Where it leads: for the file system and for errors.
    pub fn resolved(&self) -> &Path {
        &self.resolved
    }
}

impl fmt::Display for InventoryPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.resolved.display().fmt(f)
    }
}
