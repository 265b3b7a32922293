//! The rows of this provider in the table of kinds.

use std::sync::Arc;

use keywheel_core::{
    provider::{Consumer, Kind, Settings, Surroundings},
    yaml,
};
use schemars::{JsonSchema, Schema, SchemaGenerator};

use crate::{consumer::HttpSettings, mistake::report};

/// The kind `http` of consumers.
pub fn consumers() -> Vec<Arc<dyn Kind<dyn Consumer>>> {
    vec![Arc::new(HttpKind)]
}

struct HttpKind;

impl Kind<dyn Consumer> for HttpKind {
    fn name(&self) -> &'static str {
        "http"
    }

    fn schema(&self, generator: &mut SchemaGenerator) -> Schema {
        HttpSettings::json_schema(generator)
    }

    fn configure(&self, surroundings: &Surroundings, settings: Settings<'_>) -> Option<Arc<dyn Consumer>> {
        let written: HttpSettings = yaml::read(settings.node, settings.diagnostics)?;
        match written.resolve(surroundings) {
            Ok(consumer) => Some(Arc::new(consumer)),
            Err(mistakes) => {
                report(mistakes, settings.node, settings.diagnostics);
                None
            }
        }
    }
}
