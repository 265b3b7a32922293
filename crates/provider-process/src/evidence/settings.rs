//! How the inventory says where evidence is.

use std::sync::Arc;

use keywheel_core::{
    evidence::Pointer,
    provider::{Mistake, Surroundings},
};
use schemars::JsonSchema;
use serde::Deserialize;

use super::{Evidence, command::CommandEvidence, file::FileEvidence};
use crate::{command::CommandLine, inventory_path::InventoryPath};

const CHOICES: &str = "write one of: `evidence: {file: {path: ./run/app.fingerprint}}`, a file in which the consumer writes \
                       the fingerprint that it uses; `evidence: {command: [app, show-fingerprint]}`, a command that \
                       prints it; `evidence: {trust: \"why nothing needs to be seen\"}`";

/// How to see that a consumer uses the new value.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum EvidenceSettings {
    /// A file that the consumer writes.
    File(FileEvidenceSettings),
    /// A command whose first line of output is the fingerprint in use.
    Command(Vec<String>),
    /// No evidence, and the reason why that is acceptable.
    Trust(String),
}

/// A file that the consumer writes.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct FileEvidenceSettings {
    /// The file. Relative paths start at the inventory's directory.
    pub path: String,
    /// If the file is JSON: an RFC 6901 pointer to the fingerprint, to a list of fingerprints (the first is in use),
    /// or to an object with `current` and `accepted`. `{secret}` stands for the secret's name.
    pub pointer: Option<String>,
}

impl EvidenceSettings {
    /// Checks the settings, without looking at the system. An entry without evidence is a mistake: nothing would ever
    /// allow its old value to be retired.
    ///
    /// # Errors
    /// The mistake.
    pub fn resolve(settings: Option<Self>, surroundings: &Surroundings) -> Result<Evidence, Mistake> {
        match settings {
            None => Err(Mistake::new("evidence", "nothing says how to see that the consumer moved", CHOICES)),
            Some(Self::File(file)) => file.resolve(surroundings).map(Evidence::File),
            Some(Self::Command(words)) => CommandLine::new("evidence.command", words, surroundings)
                .map(|line| Evidence::Command(CommandEvidence::new(line, Arc::clone(&surroundings.clock)))),
            Some(Self::Trust(reason)) if reason.trim().is_empty() => {
                Err(Mistake::new("evidence.trust", "the reason is empty", CHOICES))
            }
            Some(Self::Trust(reason)) => Ok(Evidence::Trust(reason)),
        }
    }
}

impl FileEvidenceSettings {
    fn resolve(self, surroundings: &Surroundings) -> Result<FileEvidence, Mistake> {
        if self.path.is_empty() {
            return Err(Mistake::new("evidence.file.path", "no file is named", CHOICES));
        }
        let pointer = self.pointer.map(Pointer::new).transpose().map_err(|message| {
            Mistake::new("evidence.file.pointer", message, "write it like `/secrets/{secret}`")
        })?;
        Ok(FileEvidence::new(InventoryPath::new(&surroundings.base, self.path), pointer))
    }
}
