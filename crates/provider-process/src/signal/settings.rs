//! The settings of a consumer of kind `signal`.

use std::sync::Arc;

use keywheel_core::{
    notifier::Notifier,
    provider::{Consumer, Surroundings},
};
use schemars::JsonSchema;
use serde::Deserialize;

use super::{SignalName, SignalNotifier, SignalTarget};
use crate::{evidence::EvidenceSettings, inventory_path::InventoryPath, mistake::Mistake};

/// A consumer told by a signal: to the process in `pid-file`, or to every process named `process`.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct SignalSettings {
    /// The file that holds the process's number in its first line. Relative paths start at the inventory's directory.
    pub pid_file: Option<String>,
    /// With `pid-file`: what that process must be called, or it gets no signal. Without: every process of this name
    /// gets one.
    pub process: Option<String>,
    /// The signal.
    #[serde(default)]
    pub signal: SignalName,
    /// How to see that the consumer uses the new value.
    #[schemars(required)]
    pub evidence: Option<EvidenceSettings>,
}

/// A declared consumer of kind `signal`.
pub struct SignalConsumer {
    description: String,
    plain_fingerprints: bool,
    trusted: Option<String>,
    notifier: Arc<SignalNotifier>,
}

impl SignalSettings {
    /// Checks the settings, without looking at the system.
    ///
    /// # Errors
    /// Every mistake, not only the first.
    pub fn resolve(self, surroundings: &Surroundings) -> Result<SignalConsumer, Vec<Mistake>> {
        let target = target(self.pid_file, self.process, surroundings);
        let evidence = EvidenceSettings::resolve(self.evidence, surroundings);
        let (target, evidence) = match (target, evidence) {
            (Ok(target), Ok(evidence)) => (target, evidence),
            (target, evidence) => return Err(target.err().into_iter().chain(evidence.err()).collect()),
        };
        Ok(SignalConsumer {
            description: format!("{} to {}", self.signal, target.describe()),
            plain_fingerprints: evidence.shows_plain_fingerprints(),
            trusted: evidence.trusted(),
            notifier: Arc::new(SignalNotifier::new(
                target,
                self.signal,
                evidence,
                Arc::clone(&surroundings.clock),
            )),
        })
    }
}

fn target(
    pid_file: Option<String>,
    process: Option<String>,
    surroundings: &Surroundings,
) -> Result<SignalTarget, Mistake> {
    if pid_file.as_deref() == Some("") {
        return Err(Mistake::new("pid-file", "no file is named", "write the path, or leave the setting out"));
    }
    if process.as_deref().is_some_and(|name| name.is_empty() || name.contains('/')) {
        return Err(Mistake::new(
            "process",
            "a process is named without its directory",
            "write the name that `ps -o comm` shows",
        ));
    }
    match (pid_file, process) {
        (Some(written), process) => {
            Ok(SignalTarget::PidFile { path: InventoryPath::new(&surroundings.base, written), process })
        }
        (None, Some(name)) => Ok(SignalTarget::ProcessName(name)),
        (None, None) => Err(Mistake::new(
            "pid-file",
            "nothing says which process gets the signal",
            "write `pid-file: ./run/app.pid`, or `process: app` for every process of that name",
        )),
    }
}

impl Consumer for SignalConsumer {
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
