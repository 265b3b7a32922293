//! Looks at the world from outside. What it has seen is here; what it looks at is below.
//!
//! - `deed`: at everything that somebody is about to do, before it is sent.
//! - `instant`: at the models, after every change.
//! - `end`: at the models and the records, after the last rotation has ended.

mod deed;
mod end;
mod instant;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use keywheel_core::{
    CallContext, Clock, Fingerprint, Fingerprinter, RotationId, SecretName, SecretValue,
    rotation::{Event, Record},
};
use keywheel_testkit::memory::{MemoryConsumer, MemoryJournal, MemoryTarget};

pub(crate) use self::deed::Deed;
use crate::{
    invariant::{Invariant, Violation},
    models::Shelf,
    network::{Network, ProcessId},
    scenario::{OLD, Scenario},
};

/// One process, as far as the judge knows it.
struct Known {
    journal: MemoryJournal,
    /// When its lease was lost while it ran on.
    lost_at: Option<Duration>,
    /// Whether it has written, or tried to, since then: by then it must have heard.
    wrote_since: bool,
}

#[derive(Default)]
struct Seen {
    /// One for each installation.
    journals: Vec<MemoryJournal>,
    violations: Vec<Violation>,
    processes: BTreeMap<ProcessId, Known>,
    /// The values that each rotation made durable.
    staged: BTreeMap<RotationId, Vec<Fingerprint>>,
    /// Every value that a rotation made durable, also what arrived after its sender was gone.
    arrived: BTreeMap<RotationId, Vec<Fingerprint>>,
    /// Every value that ever was, as text.
    values: BTreeSet<String>,
    /// What the target was told and nobody has looked for since.
    told: BTreeSet<Fingerprint>,
}

/// The models of one life, and what was seen of them. Clones are one judge.
#[derive(Clone)]
pub(crate) struct Judge {
    pub(crate) scenario: Arc<Scenario>,
    pub(crate) secret: SecretName,
    pub(crate) network: Network,
    pub(crate) shelves: Vec<Shelf>,
    pub(crate) target: Option<MemoryTarget>,
    pub(crate) consumers: Vec<MemoryConsumer>,
    seen: Arc<Mutex<Seen>>,
}

fn plain(value: &SecretValue) -> Fingerprint {
    Fingerprinter::plain().of(value)
}

fn print(bytes: &[u8]) -> Fingerprint {
    plain(&SecretValue::copy_from(bytes))
}

impl Judge {
    pub(crate) fn new(
        scenario: Arc<Scenario>,
        secret: SecretName,
        network: Network,
        journals: Vec<MemoryJournal>,
        shelves: Vec<Shelf>,
        target: Option<MemoryTarget>,
        consumers: Vec<MemoryConsumer>,
    ) -> Self {
        let seen = Seen {
            journals,
            values: std::iter::once(String::from_utf8_lossy(OLD).into_owned()).collect(),
            ..Seen::default()
        };
        Self { scenario, secret, network, shelves, target, consumers, seen: Arc::new(Mutex::new(seen)) }
    }

    pub(crate) fn violations(&self) -> Vec<Violation> {
        self.seen().violations.clone()
    }

    pub(crate) fn is_content(&self) -> bool {
        self.seen().violations.is_empty()
    }

    pub(crate) fn object(&self, invariant: Invariant, what: impl Into<String>) {
        let violation = Violation { invariant, what: what.into(), after: self.network.count() };
        let mut seen = self.seen();
        if !seen.violations.iter().any(|known| known.what == violation.what) {
            seen.violations.push(violation);
        }
    }

    /// Another installation has come.
    pub(crate) fn joined_by(&self, journal: MemoryJournal) {
        self.seen().journals.push(journal);
    }

    fn journals(&self) -> Vec<MemoryJournal> {
        self.seen().journals.clone()
    }

    /// A process begins to work with `journal`.
    pub(crate) fn meets(&self, process: ProcessId, journal: MemoryJournal) {
        self.seen().processes.insert(process, Known { journal, lost_at: None, wrote_since: false });
    }

    /// The lease of `process` is gone, and nobody told it.
    pub(crate) fn lost_lease(&self, process: ProcessId) {
        let now = self.network.clock().running();
        if let Some(known) = self.seen().processes.get_mut(&process) {
            (known.lost_at, known.wrote_since) = (Some(now), false);
        }
    }

    /// `process` is about to write a record.
    pub(crate) fn writes(&self, process: ProcessId) {
        if let Some(known) = self.seen().processes.get_mut(&process) {
            known.wrote_since = true;
        }
    }

    /// A record was written.
    pub(crate) fn written(&self, journal: &MemoryJournal, record: &Record) {
        if record.body.fence.0 < journal.newest_fence(&record.body.secret) {
            let event = record.body.event.name();
            self.object(Invariant::OneRotation, format!("`{event}` was written under a lease that is lost"));
        }
        if matches!(record.body.event, Event::Started(_)) {
            let unfinished = journal.inspect(|records| unfinished(records).len());
            if unfinished > 1 {
                self.object(Invariant::OneRotation, format!("{unfinished} rotations are under way"));
            }
        }
    }

    /// Whether the call is made under a lease that somebody else has taken over.
    fn is_behind(&self, process: ProcessId, context: &CallContext) -> bool {
        let journal = self.seen().processes.get(&process).map(|known| known.journal.clone());
        journal.is_some_and(|journal| context.fence.0 < journal.newest_fence(&self.secret))
    }

    /// The target is being told to accept `value`.
    pub(crate) fn told(&self, process: ProcessId, context: &CallContext, value: &SecretValue) {
        // What a process does that was taken for gone is no second try of anybody.
        if !self.seen().told.insert(plain(value)) && !self.is_behind(process, context) {
            self.object(Invariant::AskFirst, "the target is told again before it was asked");
        }
    }

    /// The target was asked about `value`, and answered.
    pub(crate) fn asked(&self, value: &SecretValue) {
        self.seen().told.remove(&plain(value));
    }

    /// `value` is becoming durable.
    pub(crate) fn staged(&self, process: ProcessId, context: &CallContext, value: &SecretValue) {
        let fingerprint = plain(value);
        let behind = self.is_behind(process, context);
        let values = {
            let mut seen = self.seen();
            seen.values.insert(String::from_utf8_lossy(value.expose_secret()).into_owned());
            seen.arrived.entry(context.rotation).or_default().push(fingerprint);
            if behind {
                return;
            }
            let staged = seen.staged.entry(context.rotation).or_default();
            if !staged.contains(&fingerprint) {
                staged.push(fingerprint);
            }
            staged.len()
        };
        // A mint that nobody knows is revoked and made again; what a target made in the place of another one is taken.
        if values > 1 && !self.scenario.target.issues() {
            self.object(Invariant::AskFirst, format!("one rotation staged {values} values"));
        }
    }

    /// Looks for values in `text`, which is not a store.
    pub(crate) fn search(&self, what: &str, text: &str) {
        let found = self.seen().values.iter().any(|value| text.contains(value.as_str()));
        if found {
            self.object(Invariant::ValuesInside, format!("{what} holds a value"));
        }
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The rotations that have begun and not finished.
pub(crate) fn unfinished(records: &[Record]) -> BTreeSet<RotationId> {
    let mut open = BTreeSet::new();
    for record in records {
        match &record.body.event {
            Event::Started(_) => {
                open.insert(record.body.rotation);
            }
            Event::Finished { .. } => {
                open.remove(&record.body.rotation);
            }
            Event::Begin { .. }
            | Event::Done { .. }
            | Event::Failed { .. }
            | Event::UndoBegan { .. }
            | Event::Parked { .. }
            | Event::Released { .. }
            | Event::OverlapCut { .. }
            | Event::AdoptionVouched { .. } => {}
        }
    }
    open
}
