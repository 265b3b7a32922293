//! The rows of this provider in the table of kinds.

use std::sync::Arc;

use keywheel_core::{
    provider::{Channel, Consumer, Kind, Settings, Surroundings},
    yaml,
};
use schemars::{JsonSchema, Schema, SchemaGenerator};

use crate::{
    channel::{SignedSettings, SlackSettings},
    consumer::HttpSettings,
    mistake::report,
};

/// The kind `http` of consumers.
pub fn consumers() -> Vec<Arc<dyn Kind<dyn Consumer>>> {
    vec![Arc::new(HttpKind)]
}

/// The kinds `slack` and `webhook` of notices.
pub fn channels() -> Vec<Arc<dyn Kind<dyn Channel>>> {
    vec![Arc::new(SlackKind), Arc::new(SignedKind)]
}

struct SlackKind;

impl Kind<dyn Channel> for SlackKind {
    fn name(&self) -> &'static str {
        "slack"
    }

    fn schema(&self, generator: &mut SchemaGenerator) -> Schema {
        SlackSettings::json_schema(generator)
    }

    fn configure(&self, surroundings: &Surroundings, settings: Settings<'_>) -> Option<Arc<dyn Channel>> {
        let written: SlackSettings = yaml::read(settings.node, settings.diagnostics)?;
        Some(Arc::new(written.resolve(surroundings)))
    }
}

struct SignedKind;

impl Kind<dyn Channel> for SignedKind {
    fn name(&self) -> &'static str {
        "webhook"
    }

    fn schema(&self, generator: &mut SchemaGenerator) -> Schema {
        SignedSettings::json_schema(generator)
    }

    fn configure(&self, surroundings: &Surroundings, settings: Settings<'_>) -> Option<Arc<dyn Channel>> {
        let written: SignedSettings = yaml::read(settings.node, settings.diagnostics)?;
        match written.resolve(surroundings) {
            Ok(channel) => Some(Arc::new(channel)),
            Err(mistakes) => {
                report(mistakes, settings.node, settings.diagnostics);
                None
            }
        }
    }
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
