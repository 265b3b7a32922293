//! The settings of a consumer of kind `command`.

use std::sync::Arc;

use keywheel_core::{
    notifier::Notifier,
    provider::{Consumer, Mistake, Surroundings},
};
use schemars::JsonSchema;
use serde::Deserialize;

use super::{CommandLine, CommandNotifier, HandOver};
use crate::evidence::{Evidence, EvidenceSettings};

/// A consumer told by a command.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct CommandSettings {
    /// The program and its arguments. No shell takes part unless it is written: `[sh, -c, "…"]`. A program with a
    /// slash in it starts at the inventory's directory, and so does the program itself.
    pub command: Vec<String>,
    /// The command makes the consumer read all its secrets again, whichever it is told about: when several are rotated
    /// together, it is run once for all of them. Default: false.
    #[serde(default)]
    pub reloads_all: bool,
    /// Hands the value itself to the command. `stdin`: its standard input is the value's bytes and nothing else. `file`: they are
    /// in a file in memory of which `KEYWHEEL_VALUE_FILE` is the path, for as long as the command runs. Default: the command
    /// gets no value.
    pub value: Option<HandOver>,
    /// How to see that the consumer uses the new value.
    #[schemars(required)]
    pub evidence: Option<EvidenceSettings>,
}

/// A declared consumer of kind `command`.
pub struct CommandConsumer {
    description: String,
    plain_fingerprints: bool,
    trusted: Option<String>,
    notifier: Arc<CommandNotifier>,
}

impl CommandSettings {
    /// Checks the settings, without looking at the system.
    ///
    /// # Errors
    /// Every mistake, not only the first.
    pub fn resolve(self, surroundings: &Surroundings) -> Result<CommandConsumer, Vec<Mistake>> {
        let line = CommandLine::new("command", self.command, surroundings);
        let evidence = EvidenceSettings::resolve(self.evidence, surroundings);
        let at_odds = (self.reloads_all && self.value.is_some()).then(|| {
            Mistake::new(
                "reloads-all",
                "one run for several secrets cannot be handed the value of each",
                "leave out `reloads-all`, or `value` if the command reads the values where the stores keep them",
            )
        });
        let (line, evidence): (CommandLine, Evidence) = match (line, evidence) {
            (Ok(line), Ok(evidence)) if at_odds.is_none() => (line, evidence),
            (line, evidence) => {
                return Err(line.err().into_iter().chain(at_odds).chain(evidence.err()).collect());
            }
        };
        Ok(CommandConsumer {
            description: describe(&line, self.value),
            plain_fingerprints: evidence.shows_plain_fingerprints(),
            trusted: evidence.trusted(),
            notifier: Arc::new(
                CommandNotifier::new(line, evidence, Arc::clone(&surroundings.clock))
                    .reloading_all(self.reloads_all)
                    .handing_over(self.value),
            ),
        })
    }
}

fn describe(line: &CommandLine, value: Option<HandOver>) -> String {
    let gets = match value {
        None => "",
        Some(HandOver::Stdin) => ", which gets the value on its standard input",
        Some(HandOver::File) => ", which gets the value in a file",
    };
    format!("the command {line}{gets}")
}

impl Consumer for CommandConsumer {
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
