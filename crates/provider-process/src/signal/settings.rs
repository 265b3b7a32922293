//! The settings of a consumer of kind `signal`.

use std::sync::Arc;

use keywheel_core::{
    notifier::Notifier,
    provider::{Consumer, Mistake, Surroundings},
};
use schemars::JsonSchema;
use serde::Deserialize;

use super::{SignalName, SignalNotifier, SignalTarget};
use crate::{
    evidence::EvidenceSettings,
    inventory_path::InventoryPath,
    unit::{UnitAction, UnitName, UnitNotifier},
};

/// A consumer told by a signal: to the process in `pid-file`, to every process named `process`, or through `unit`, a
/// unit of systemd.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct SignalSettings {
    /// The file that holds the process's number in its first line. Relative paths start at the inventory's directory.
    pub pid_file: Option<String>,
    /// With `pid-file`: what that process must be called, or it gets no signal. Without: every process of this name
    /// gets one.
    pub process: Option<String>,
    /// Instead of both: a unit of systemd.
    pub unit: Option<String>,
    /// With `unit`: `reload` (default), `restart`, or `signal`.
    pub action: Option<UnitAction>,
    /// With `unit`: the program. Default: `systemctl`.
    pub systemctl: Option<String>,
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
    notifier: Arc<dyn Notifier>,
}

impl SignalSettings {
    /// Checks the settings, without looking at the system.
    ///
    /// # Errors
    /// Every mistake, not only the first.
    pub fn resolve(self, surroundings: &Surroundings) -> Result<SignalConsumer, Vec<Mistake>> {
        if let Some(unit) = self.unit.clone() {
            return self.resolve_unit(unit, surroundings);
        }
        let mut target = target(self.pid_file, self.process, surroundings);
        if self.action.is_some() {
            target =
                Err(Mistake::new("action", "an action is one of a unit", "name it: `unit: web.service`"));
        }
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

impl SignalSettings {
    fn resolve_unit(self, unit: String, surroundings: &Surroundings) -> Result<SignalConsumer, Vec<Mistake>> {
        let mut mistakes = Vec::new();
        if self.pid_file.is_some() || self.process.is_some() {
            let hint = "leave `pid-file` and `process` out, or `unit`";
            mistakes.push(Mistake::new(
                "unit",
                "a unit is told through systemd, which knows its processes",
                hint,
            ));
        }
        let unit = UnitName::new(unit)
            .map_err(|why| Mistake::new("unit", why, "write it as `systemctl` shows it: `web.service`"));
        let evidence = EvidenceSettings::resolve(self.evidence, surroundings);
        let (unit, evidence) = match (unit, evidence) {
            (Ok(unit), Ok(evidence)) if mistakes.is_empty() => (unit, evidence),
            (unit, evidence) => {
                mistakes.extend(unit.err());
                mistakes.extend(evidence.err());
                return Err(mistakes);
            }
        };
        let action = self.action.unwrap_or_default();
        let description = match action {
            UnitAction::Reload => format!("reload of the unit {unit}"),
            UnitAction::Restart => format!("restart of the unit {unit}"),
            UnitAction::Signal => format!("{} to the unit {unit}", self.signal),
        };
        let systemctl = self.systemctl.as_deref().unwrap_or("systemctl");
        let (plain_fingerprints, trusted) = (evidence.shows_plain_fingerprints(), evidence.trusted());
        let notifier = UnitNotifier::new(systemctl, unit, action, self.signal, evidence, surroundings)
            .map_err(|mistake| vec![mistake])?;
        Ok(SignalConsumer { description, plain_fingerprints, trusted, notifier: Arc::new(notifier) })
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
            "write `pid-file: ./run/app.pid`, `process: app` for every process of that name, or `unit: app.service`",
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
        Arc::clone(&self.notifier)
    }
}
