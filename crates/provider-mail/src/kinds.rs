//! The row of this provider in the table of kinds.

use std::sync::Arc;

use keywheel_core::{
    provider::{Channel, Kind, Settings, Surroundings},
    yaml::{self, Diagnostic},
};
use schemars::{JsonSchema, Schema, SchemaGenerator};

use crate::settings::SmtpSettings;

/// The kind `smtp` of notices.
pub fn kinds() -> Vec<Arc<dyn Kind<dyn Channel>>> {
    vec![Arc::new(SmtpKind)]
}

struct SmtpKind;

impl Kind<dyn Channel> for SmtpKind {
    fn name(&self) -> &'static str {
        "smtp"
    }

    fn schema(&self, generator: &mut SchemaGenerator) -> Schema {
        SmtpSettings::json_schema(generator)
    }

    fn configure(&self, surroundings: &Surroundings, settings: Settings<'_>) -> Option<Arc<dyn Channel>> {
        let written: SmtpSettings = yaml::read(settings.node, settings.diagnostics)?;
        match written.resolve(surroundings) {
            Ok(channel) => Some(Arc::new(channel)),
            Err(mistakes) => {
                for mistake in mistakes {
                    let place = settings.node.get(mistake.field).unwrap_or(settings.node);
                    settings
                        .diagnostics
                        .push(Diagnostic::error(mistake.message).at(place.span()).hint(mistake.hint));
                }
                None
            }
        }
    }
}
