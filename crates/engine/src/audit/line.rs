//! One line of the audit.

use std::fmt;

use jiff::Timestamp;
use keywheel_core::{
    Effect, ErrorKind, Fingerprint, Initiator, RotationId, SecretName,
    rotation::{Event, Outcome},
};
use serde::{Deserialize, Serialize};

use super::digest::Digest;

/// The format that this build writes. An audit with a higher one was written by a newer keywheel and is refused.
pub const AUDIT_FORMAT: u16 = 1;

/// What a line is about: every kind of journal record but the intent, and reads of values.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AuditEvent {
    /// A rotation exists from here on.
    Started,
    /// A step worked.
    Done,
    /// A step did not work.
    Failed,
    /// The way leads back from here.
    UndoBegan,
    /// Nothing more happens until a person says so.
    Parked,
    /// A person said so.
    Released,
    /// A person cut the overlap short.
    OverlapCut,
    /// A person took the place of the evidence that a consumer did not give.
    AdoptionVouched,
    /// The end of a rotation.
    Finished,
    /// A value was read outside a rotation, or in one to be handed to a consumer.
    Read,
}

impl AuditEvent {
    /// What the line about `event` is called; `None` for an intent, which has none: its outcome tells all.
    pub fn of(event: &Event) -> Option<Self> {
        match event {
            Event::Begin { .. } => None,
            Event::Started(_) => Some(Self::Started),
            Event::Done { .. } => Some(Self::Done),
            Event::Failed { .. } => Some(Self::Failed),
            Event::UndoBegan { .. } => Some(Self::UndoBegan),
            Event::Parked { .. } => Some(Self::Parked),
            Event::Released { .. } => Some(Self::Released),
            Event::OverlapCut { .. } => Some(Self::OverlapCut),
            Event::AdoptionVouched { .. } => Some(Self::AdoptionVouched),
            Event::Finished { .. } => Some(Self::Finished),
        }
    }

    /// The name that the file and displays write; for records the same as [`Event::name`].
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Started => "started",
            Self::Done => "done",
            Self::Failed => "failed",
            Self::UndoBegan => "undo-began",
            Self::Parked => "parked",
            Self::Released => "released",
            Self::OverlapCut => "overlap-cut",
            Self::AdoptionVouched => "adoption-vouched",
            Self::Finished => "finished",
            Self::Read => "read",
        }
    }
}

impl fmt::Display for AuditEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// One line, its keys in the order in which the file has them. Names, times and fingerprints; never a value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditLine {
    /// The format of this line.
    pub format: u16,
    /// The number of the line, from 1.
    pub n: u64,
    /// When it happened, by the clock of the process that did it.
    pub at: Timestamp,
    /// What happened.
    pub event: AuditEvent,
    /// To which secret.
    pub secret: SecretName,
    /// In which rotation; absent for a read outside one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rotation: Option<RotationId>,
    /// Which step, about what: `promote in app-dir`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step: Option<String>,
    /// How the rotation ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome: Option<Outcome>,
    /// What kind of failure.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<ErrorKind>,
    /// Whether the failed step may have changed something all the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub effect: Option<Effect>,
    /// The failure in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// The fingerprint of the value that the primary store had before, as far as known by then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub old: Option<Fingerprint>,
    /// The fingerprint of the rotation's new value in the primary store, as far as known by then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub new: Option<Fingerprint>,
    /// The fingerprint of the value that was read, if the reader computed it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fingerprint: Option<Fingerprint>,
    /// How a consumer was seen to have moved, or what a login answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evidence: Option<String>,
    /// Who wanted it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub initiator: Option<Initiator>,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The journal record that the line tells of; for a read the newest record that the audit had looked at.
    pub seq: u64,
    /// The SHA-256 of the line before.
    pub prev: Digest,
    /// The signature of everything before it.
    // Zero while the line is being made: the signature is over the text without it.
    #[serde(skip_serializing_if = "Digest::is_zero")]
    pub mac: Digest,
}

impl AuditLine {
    /// Reads a line, without its newline. Takes it at its word.
    pub(super) fn parse(text: &[u8]) -> Result<Self, Unusable> {
        match serde_json::from_slice::<Self>(text) {
            Ok(parsed) if parsed.format <= AUDIT_FORMAT => Ok(parsed),
            Ok(_) | Err(_) => Err(unusable(text)),
        }
    }

    /// A line about `secret` that has no place in the file yet.
    pub(super) fn new(at: Timestamp, event: AuditEvent, secret: SecretName, seq: u64) -> Self {
        Self {
            format: AUDIT_FORMAT,
            n: 0,
            at,
            event,
            secret,
            rotation: None,
            step: None,
            outcome: None,
            kind: None,
            effect: None,
            message: None,
            old: None,
            new: None,
            fingerprint: None,
            evidence: None,
            initiator: None,
            reason: None,
            seq,
            prev: Digest::ZERO,
            mac: Digest::ZERO,
        }
    }
}

/// What holds a line in its place: all that checking needs of it.
#[derive(Clone, Copy, Debug, Deserialize)]
pub(super) struct Link {
    format: u64,
    pub(super) n: u64,
    pub(super) at: Timestamp,
    pub(super) seq: u64,
    pub(super) prev: Digest,
}

/// Why the text of a signed line cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unusable {
    /// It says a format that this build does not know.
    Newer(u64),
    /// It is no line of an audit.
    Foreign,
}

impl Link {
    /// Reads the link out of a line.
    pub(super) fn of(text: &[u8]) -> Result<Self, Unusable> {
        match serde_json::from_slice::<Self>(text) {
            Ok(link) if link.format <= u64::from(AUDIT_FORMAT) => Ok(link),
            Ok(_) | Err(_) => Err(unusable(text)),
        }
    }
}

/// Says why `text` could not be read: of a newer line nothing but its format may be taken for granted.
fn unusable(text: &[u8]) -> Unusable {
    #[derive(Deserialize)]
    struct Format {
        format: u64,
    }
    match serde_json::from_slice::<Format>(text) {
        Ok(Format { format }) if format > u64::from(AUDIT_FORMAT) => Unusable::Newer(format),
        Ok(_) | Err(_) => Unusable::Foreign,
    }
}
