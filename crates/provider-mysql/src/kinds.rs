//! The row of this provider: what the inventory may write below `rotators`.

use std::sync::Arc;

use keywheel_core::{
    provider::{Kind, Settings, Surroundings, Target},
    yaml::{self, Diagnostic},
};
use schemars::{JsonSchema, Schema, SchemaGenerator};

use crate::settings::MysqlSettings;

/// The kind `mysql`.
pub fn kinds() -> Vec<Arc<dyn Kind<dyn Target>>> {
    vec![Arc::new(MysqlKind)]
}

struct MysqlKind;

impl Kind<dyn Target> for MysqlKind {
    fn name(&self) -> &'static str {
        "mysql"
    }

    fn schema(&self, generator: &mut SchemaGenerator) -> Schema {
        MysqlSettings::json_schema(generator)
    }

    fn configure(&self, surroundings: &Surroundings, settings: Settings<'_>) -> Option<Arc<dyn Target>> {
        let written: MysqlSettings = yaml::read(settings.node, settings.diagnostics)?;
        match written.resolve(surroundings) {
            Ok(target) => Some(Arc::new(target)),
            Err(mistakes) => {
                for mistake in mistakes {
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
    }
}
