//! Journal records as lines of the audit.

use std::collections::HashMap;

use keywheel_core::{
    Result, RotationId,
    journal::Journal,
    rotation::{Action, Event, History, Record, StoreIndex},
};

use super::line::{AuditEvent, AuditLine};

/// Turns records into lines, in their order. Remembers the rotations that have not finished, so that each record is
/// folded once.
pub(super) struct Projector<'a> {
    journal: &'a dyn Journal,
    /// `None` for a rotation whose beginning the journal does not have.
    open: HashMap<RotationId, Option<History>>,
}

impl<'a> Projector<'a> {
    pub(super) fn new(journal: &'a dyn Journal) -> Self {
        Self { journal, open: HashMap::new() }
    }

    /// The line about `record`; `None` for an intent.
    ///
    /// A record that cannot follow the ones before it gets its line all the same, and the line says so: that the journal
    /// is damaged is no reason to keep silent about what it holds.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub(super) async fn line(&mut self, record: &Record) -> Result<Option<AuditLine>> {
        let id = record.body.rotation;
        let event = AuditEvent::of(&record.body.event);
        if !self.open.contains_key(&id) {
            // An intent of a rotation that nothing is known of yet: it is read with the rest when its outcome comes.
            if event.is_none() {
                return Ok(None);
            }
            let history = self.before(record).await?;
            self.open.insert(id, history);
        }
        let history = self.open.entry(id).or_default();
        let fits = fold(history, record);
        let line = event.map(|event| {
            let mut line = AuditLine::new(record.body.at, event, record.body.secret.clone(), record.seq);
            tell(&mut line, record, history.as_ref());
            if let Err(misfit) = fits {
                line.message.get_or_insert(misfit);
            }
            line
        });
        if let Event::Finished { .. } = record.body.event {
            self.open.remove(&id);
        }
        Ok(line)
    }

    /// What was known of the rotation before `record`.
    async fn before(&self, record: &Record) -> Result<Option<History>> {
        if let Event::Started(_) = record.body.event {
            return Ok(None);
        }
        let mut history = None;
        for earlier in self.journal.records(record.body.rotation).await? {
            if earlier.seq >= record.seq {
                break;
            }
            // A misfit was told in its own line.
            let _ = fold(&mut history, &earlier);
        }
        Ok(history)
    }
}

fn fold(history: &mut Option<History>, record: &Record) -> std::result::Result<(), String> {
    match history {
        Some(history) => history.apply(record),
        None => History::begin(record).map(|begun| *history = Some(begun)),
    }
    .map_err(|illegal| illegal.to_string())
}

/// Fills in what `record` says and what its rotation knew by then.
fn tell(line: &mut AuditLine, record: &Record, history: Option<&History>) {
    line.rotation = Some(record.body.rotation);
    if let Some(history) = history {
        let primary = StoreIndex::PRIMARY;
        line.old = history.facts.old.get(&primary).map(|version| version.fingerprint);
        line.new = history.facts.new.get(&primary).map(|version| version.fingerprint);
        // Who wanted the rotation, and why, stands on each of its lines: whoever reads one need not look for the first.
        line.initiator = Some(history.started.initiator.clone());
        line.reason = Some(history.started.reason.clone());
    }
    let step = |action: &Action| match history {
        Some(history) => action.describe(history.spec()),
        None => action.step().to_owned(),
    };
    match &record.body.event {
        Event::Started(started) => {
            line.initiator = Some(started.initiator.clone());
            line.reason = Some(started.reason.clone());
        }
        Event::Begin { .. } => {}
        Event::Done { action, facts } => {
            line.step = Some(step(action));
            line.evidence.clone_from(&facts.evidence);
        }
        Event::Failed { action, kind, effect, message } => {
            line.step = Some(step(action));
            line.kind = Some(*kind);
            line.effect = Some(*effect);
            line.message = Some(message.clone());
        }
        Event::AdoptionVouched { consumer, phase, initiator, reason } => {
            line.step = Some(step(&Action::Adopt(*consumer, *phase)));
            line.initiator = Some(initiator.clone());
            line.reason = Some(reason.clone());
        }
        Event::UndoBegan { reason, initiator } | Event::OverlapCut { initiator, reason } => {
            line.initiator = Some(initiator.clone());
            line.reason = Some(reason.clone());
        }
        Event::Parked { reason } => line.reason = Some(reason.clone()),
        Event::Released { initiator } => line.initiator = Some(initiator.clone()),
        Event::Finished { outcome, .. } => line.outcome = Some(*outcome),
    }
}
