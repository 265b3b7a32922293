//! Progress for programs: one JSON document a line on stdout.

use jiff::Timestamp;
use keywheel::{
    core::{RotationId, SecretName, plan::WaitingFor, rotation::Record},
    engine::{Ended, EngineEvent, Observer},
};
use serde::Serialize;

use crate::look;

/// Writes lines to stdout.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Events;

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
enum Line<'a> {
    Recorded {
        #[serde(flatten)]
        record: &'a Record,
    },
    NotYet {
        rotation: RotationId,
        secret: &'a SecretName,
        step: String,
        why: &'a str,
    },
    TakesOver {
        secret: &'a SecretName,
        quiet_seconds: u64,
    },
    Waits {
        rotation: RotationId,
        secret: &'a SecretName,
        until: Timestamp,
        why: &'a WaitingFor,
    },
    NotTold {
        notice: &'a str,
        why: &'a str,
    },
    Ended {
        secret: &'a SecretName,
        ended: &'a Ended,
    },
}

impl Observer for Events {
    fn on(&self, event: &EngineEvent<'_>) {
        let line = match event {
            EngineEvent::Recorded { record, .. } => Line::Recorded { record },
            EngineEvent::NotYet { history, action, why } => Line::NotYet {
                rotation: history.id,
                secret: &history.spec().secret,
                step: action.describe(history.spec()),
                why,
            },
            EngineEvent::TakesOver { secret, quiet } => {
                Line::TakesOver { secret, quiet_seconds: quiet.as_secs() }
            }
            EngineEvent::Waits { history, until, why } => {
                Line::Waits { rotation: history.id, secret: &history.spec().secret, until: *until, why }
            }
            EngineEvent::NotTold { notice, why } => Line::NotTold { notice, why },
            EngineEvent::Ended { secret, ended } => Line::Ended { secret, ended },
        };
        // A reader that went away must not stop a rotation half way; the report at the end tells of a full disk.
        let _ = look::say(&look::one_line(&line));
    }
}
