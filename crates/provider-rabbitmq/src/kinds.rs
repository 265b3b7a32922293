//! The row of this provider: what the inventory may write below `rotators`.

use std::sync::Arc;

use keywheel_core::{
    provider::{Kind, Settings, Surroundings, Target},
    yaml::{self, Diagnostic},
};
use schemars::{JsonSchema, Schema, SchemaGenerator};

use crate::settings::RabbitmqSettings;

/// The kind `rabbitmq`.
pub fn kinds() -> Vec<Arc<dyn Kind<dyn Target>>> {
    vec![Arc::new(RabbitmqKind)]
}

struct RabbitmqKind;

impl Kind<dyn Target> for RabbitmqKind {
    fn name(&self) -> &'static str {
        "rabbitmq"
    }

    fn schema(&self, generator: &mut SchemaGenerator) -> Schema {
        RabbitmqSettings::json_schema(generator)
    }

    fn configure(&self, surroundings: &Surroundings, settings: Settings<'_>) -> Option<Arc<dyn Target>> {
        let written: RabbitmqSettings = yaml::read(settings.node, settings.diagnostics)?;
        let mistakes = match written.resolve(surroundings) {
            Ok(target) => return Some(Arc::new(target)),
            Err(mistakes) => mistakes,
        };
        for mistake in mistakes {
            // Where the setting was written, or at the whole where it was left out.
            let mut place = settings.node;
            for key in mistake.field.split('.') {
                let Some(inner) = place.get(key) else { break };
                place = inner;
            }
            let diagnostic = Diagnostic::error(mistake.message).at(place.span()).hint(mistake.hint);
            settings.diagnostics.push(diagnostic);
        }
        None
    }
}
