//! The rows of this provider: what the inventory may write below `consumers`.

use std::sync::Arc;

use keywheel_core::{
    provider::{Consumer, Kind, Settings, Surroundings},
    yaml::{self, Diagnostic, Diagnostics, Node},
};
use schemars::{JsonSchema, Schema, SchemaGenerator};

use crate::{command::CommandSettings, compose::ComposeSettings, mistake::Mistake, signal::SignalSettings};

/// The kinds `signal`, `command` and `compose`.
pub fn kinds() -> Vec<Arc<dyn Kind<dyn Consumer>>> {
    vec![Arc::new(SignalKind), Arc::new(CommandKind), Arc::new(ComposeKind)]
}

struct SignalKind;

impl Kind<dyn Consumer> for SignalKind {
    fn name(&self) -> &'static str {
        "signal"
    }

    fn schema(&self, generator: &mut SchemaGenerator) -> Schema {
        SignalSettings::json_schema(generator)
    }

    fn configure(&self, surroundings: &Surroundings, settings: Settings<'_>) -> Option<Arc<dyn Consumer>> {
        let written: SignalSettings = yaml::read(settings.node, settings.diagnostics)?;
        match written.resolve(surroundings) {
            Ok(consumer) => Some(Arc::new(consumer)),
            Err(mistakes) => report(mistakes, settings.node, settings.diagnostics),
        }
    }
}

struct CommandKind;

impl Kind<dyn Consumer> for CommandKind {
    fn name(&self) -> &'static str {
        "command"
    }

    fn schema(&self, generator: &mut SchemaGenerator) -> Schema {
        CommandSettings::json_schema(generator)
    }

    fn configure(&self, surroundings: &Surroundings, settings: Settings<'_>) -> Option<Arc<dyn Consumer>> {
        let written: CommandSettings = yaml::read(settings.node, settings.diagnostics)?;
        match written.resolve(surroundings) {
            Ok(consumer) => Some(Arc::new(consumer)),
            Err(mistakes) => report(mistakes, settings.node, settings.diagnostics),
        }
    }
}

struct ComposeKind;

impl Kind<dyn Consumer> for ComposeKind {
    fn name(&self) -> &'static str {
        "compose"
    }

    fn schema(&self, generator: &mut SchemaGenerator) -> Schema {
        ComposeSettings::json_schema(generator)
    }

    fn configure(&self, surroundings: &Surroundings, settings: Settings<'_>) -> Option<Arc<dyn Consumer>> {
        let written: ComposeSettings = yaml::read(settings.node, settings.diagnostics)?;
        match written.resolve(surroundings) {
            Ok(consumer) => Some(Arc::new(consumer)),
            Err(mistakes) => report(mistakes, settings.node, settings.diagnostics),
        }
    }
}

/// Puts each mistake where its setting was written, or at the whole where it was left out.
fn report(
    mistakes: Vec<Mistake>,
    node: Node<'_>,
    diagnostics: &mut Diagnostics,
) -> Option<Arc<dyn Consumer>> {
    for mistake in mistakes {
        let mut place = node;
        for key in mistake.field.split('.') {
            let Some(inner) = place.get(key) else { break };
            place = inner;
        }
        diagnostics.push(Diagnostic::error(mistake.message).at(place.span()).hint(mistake.hint));
    }
    None
}
