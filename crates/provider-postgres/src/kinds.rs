//! The rows of this provider: what the inventory may write below `rotators` and `consumers`.

use std::sync::Arc;

use keywheel_core::{
    provider::{Consumer, Kind, Settings, Surroundings, Target},
    yaml,
};
use schemars::{JsonSchema, Schema, SchemaGenerator};

use crate::{
    mistake::report,
    settings::{PostgresSettings, SessionsSettings},
};

/// The rotators of this provider.
pub mod rotators {
    use super::{Arc, Kind, PostgresKind, Target};

    /// The kind `postgres`.
    pub fn kinds() -> Vec<Arc<dyn Kind<dyn Target>>> {
        vec![Arc::new(PostgresKind)]
    }
}

/// The consumers of this provider.
pub mod consumers {
    use super::{Arc, Consumer, Kind, SessionsKind};

    /// The kind `postgres-sessions`.
    pub fn kinds() -> Vec<Arc<dyn Kind<dyn Consumer>>> {
        vec![Arc::new(SessionsKind)]
    }
}

struct PostgresKind;

impl Kind<dyn Target> for PostgresKind {
    fn name(&self) -> &'static str {
        "postgres"
    }

    fn schema(&self, generator: &mut SchemaGenerator) -> Schema {
        PostgresSettings::json_schema(generator)
    }

    fn configure(&self, surroundings: &Surroundings, settings: Settings<'_>) -> Option<Arc<dyn Target>> {
        let written: PostgresSettings = yaml::read(settings.node, settings.diagnostics)?;
        match written.resolve(surroundings) {
            Ok(target) => Some(Arc::new(target)),
            Err(mistakes) => {
                report(mistakes, settings.node, settings.diagnostics);
                None
            }
        }
    }
}

struct SessionsKind;

impl Kind<dyn Consumer> for SessionsKind {
    fn name(&self) -> &'static str {
        "postgres-sessions"
    }

    fn schema(&self, generator: &mut SchemaGenerator) -> Schema {
        SessionsSettings::json_schema(generator)
    }

    fn configure(&self, surroundings: &Surroundings, settings: Settings<'_>) -> Option<Arc<dyn Consumer>> {
        let written: SessionsSettings = yaml::read(settings.node, settings.diagnostics)?;
        match written.resolve(surroundings) {
            Ok(consumer) => Some(Arc::new(consumer)),
            Err(mistakes) => {
                report(mistakes, settings.node, settings.diagnostics);
                None
            }
        }
    }
}
