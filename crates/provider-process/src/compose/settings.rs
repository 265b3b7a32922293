//! The settings of a consumer of kind `compose`.

use std::sync::Arc;

use keywheel_core::{
    notifier::Notifier,
    provider::{Consumer, Mistake, Surroundings},
};
use schemars::JsonSchema;
use serde::Deserialize;

use super::ComposeNotifier;
use crate::{command::CommandLine, evidence::EvidenceSettings, inventory_path::InventoryPath};

/// Services of Docker Compose whose containers are made anew: what they read at their start, secrets and environment
/// files among it, they read again.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct ComposeSettings {
    /// The compose file. Relative paths start at the inventory's directory.
    pub file: String,
    /// The project. Default: as Compose finds it, from the file or its directory.
    pub project: Option<String>,
    /// The services. What they depend on is left alone.
    pub services: Vec<String>,
    /// The program. Default: `docker`.
    pub docker: Option<String>,
    /// How to see that the consumer uses the new value.
    #[schemars(required)]
    pub evidence: Option<EvidenceSettings>,
}

/// A declared consumer of kind `compose`.
pub struct ComposeConsumer {
    description: String,
    plain_fingerprints: bool,
    trusted: Option<String>,
    notifier: Arc<ComposeNotifier>,
}

impl ComposeSettings {
    /// Checks the settings, without looking at the system.
    ///
    /// # Errors
    /// Every mistake, not only the first.
    pub fn resolve(self, surroundings: &Surroundings) -> Result<ComposeConsumer, Vec<Mistake>> {
        let mut mistakes = self.mistakes();
        let file = InventoryPath::new(&surroundings.base, self.file);
        let description = format!("services {} of {}", self.services.join(", "), file.written());
        let docker = self.docker.unwrap_or_else(|| "docker".to_owned());
        let up = up(&docker, &file, self.project.as_deref(), &self.services);
        let line = CommandLine::new("docker", up, surroundings);
        let version = [&docker, "compose", "version"].map(str::to_owned).to_vec();
        let version = CommandLine::new("docker", version, surroundings);
        let evidence = EvidenceSettings::resolve(self.evidence, surroundings);
        match (line, version, evidence) {
            (Ok(line), Ok(version), Ok(evidence)) if mistakes.is_empty() => Ok(ComposeConsumer {
                description,
                plain_fingerprints: evidence.shows_plain_fingerprints(),
                trusted: evidence.trusted(),
                notifier: Arc::new(ComposeNotifier::new(
                    line,
                    version,
                    file,
                    evidence,
                    Arc::clone(&surroundings.clock),
                )),
            }),
            (line, _, evidence) => {
                mistakes.extend(line.err());
                mistakes.extend(evidence.err());
                Err(mistakes)
            }
        }
    }

    fn mistakes(&self) -> Vec<Mistake> {
        let mut mistakes = Vec::new();
        if self.file.is_empty() {
            mistakes.push(Mistake::new("file", "no file is named", "write `file: ./compose.yaml`"));
        }
        let hint = "write them as the compose file has them: `services: [web, worker]`";
        if self.services.is_empty() {
            mistakes.push(Mistake::new("services", "no service is named", hint));
        }
        if self.services.iter().any(|service| !is_name(service)) {
            mistakes.push(Mistake::new("services", "one of these cannot be the name of a service", hint));
        }
        if self.project.as_deref().is_some_and(|project| !is_name(project)) {
            let hint = "write lower-case letters, digits, `-` and `_`, or leave it out";
            mistakes.push(Mistake::new("project", "this cannot be the name of a project", hint));
        }
        mistakes
    }
}

/// A letter or digit first, so that none of them is taken for an option.
fn is_name(name: &str) -> bool {
    name.bytes().next().is_some_and(|byte| byte.is_ascii_alphanumeric())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte))
}

fn up(docker: &str, file: &InventoryPath, project: Option<&str>, services: &[String]) -> Vec<String> {
    // As it is written: commands run in the inventory's directory.
    let mut words = vec![docker, "compose", "-f", file.written()];
    words.extend(project.into_iter().flat_map(|project| ["-p", project]));
    words.extend(["up", "--detach", "--force-recreate", "--no-deps"]);
    words.extend(services.iter().map(String::as_str));
    words.into_iter().map(str::to_owned).collect()
}

impl Consumer for ComposeConsumer {
    fn describe(&self) -> String {
        self.description.clone()
    }

    fn shows_plain_fingerprints(&self) -> bool {
        self.plain_fingerprints
    }

    fn trusted(&self) -> Option<String> {
        self.trusted.clone()
    }

    fn notifier(&self) -> Arc<dyn Notifier> {
        Arc::clone(&self.notifier) as _
    }
}
