//! One record in a few words: what bars, lines and `history` show.

use std::{fmt::Write, time::Duration};

use keywheel::core::{
    SecretName,
    rotation::{Event, Record, RotationSpec},
};

/// What a record says, for somebody who watches: `None` for an intent, which its outcome tells about.
pub(crate) fn in_words(record: &Record, spec: &RotationSpec) -> Option<String> {
    Some(match &record.body.event {
        Event::Begin { .. } => return None,
        Event::Started(started) => format!("begun by {}: {}", started.initiator, started.reason),
        Event::Done { action, facts } => {
            let mut words = format!("{} … done", action.describe(spec));
            if let Some(new) = &facts.new {
                let _ = write!(words, ", fingerprint {}", new.fingerprint);
            }
            if let Some(evidence) = &facts.evidence {
                let _ = write!(words, ": {evidence}");
            }
            if facts.unchanged {
                words.push_str(": the value is the current one already");
            }
            words
        }
        Event::Failed { action, message, .. } => format!("{} … failed: {message}", action.describe(spec)),
        Event::UndoBegan { reason, initiator } => format!("on the way back, says {initiator}: {reason}"),
        Event::Parked { reason } => format!("parked: {reason}"),
        Event::Released { initiator } => format!("released by {initiator}"),
        Event::OverlapCut { initiator, reason } => format!("overlap ended by {initiator}: {reason}"),
        Event::AdoptionVouched { initiator, reason, .. } => format!("vouched for by {initiator}: {reason}"),
        Event::Finished { outcome, current, .. } => match current {
            Some(current) => format!("{outcome}, current fingerprint {current}"),
            None => outcome.to_string(),
        },
    })
}

/// That a secret was taken from a process which may be alive, and what is waited for.
pub(crate) fn taken_over(secret: &SecretName, quiet: Duration) -> String {
    format!(
        "{secret}: taken over from a process that gave no sign of life; waiting {} s, in which what it began would happen",
        quiet.as_secs()
    )
}

/// That people were not told of something.
pub(crate) fn not_told(notice: &str, why: &str) -> String {
    format!("notice {notice}: not delivered: {why}")
}
