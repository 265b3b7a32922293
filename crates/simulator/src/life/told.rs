//! What is told of a life when it is over.

use std::fmt;

use keywheel_core::{
    ErrorKind, RotationId,
    rotation::{Event, Outcome, Record},
};

use super::Life;
use crate::{invariant::Violation, network::Sent};

/// How the first rotation of a life ended.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum End {
    /// It never began.
    NotBegun,
    /// With the new value.
    Succeeded,
    /// With the old one, and why.
    RolledBack(String),
    /// It has not ended.
    Open,
}

impl fmt::Display for End {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotBegun => f.write_str("not begun"),
            Self::Succeeded => f.write_str("succeeded"),
            Self::RolledBack(why) => write!(f, "rolled back: {why}"),
            Self::Open => f.write_str("open"),
        }
    }
}

/// What was seen of a life.
#[derive(Clone, Debug)]
pub struct Lived {
    /// How its first rotation ended.
    pub end: End,
    /// Why a person was asked on the way, each time.
    pub parked: Vec<String>,
    /// Every request.
    pub sent: Vec<Sent>,
    /// After how many of them everything had ended, and only the next night's rotation came.
    pub clean_after: Option<usize>,
    /// Every record, in words, of every installation.
    pub records: Vec<String>,
    /// What did not hold, the first thing first.
    pub violations: Vec<Violation>,
}

impl Life<'_> {
    pub(super) fn end(&self) -> End {
        self.world.journals[0].inspect(|records| {
            let Some(first) = records.first().map(|record| record.body.rotation) else {
                return End::NotBegun;
            };
            let of_first = |record: &&Record| record.body.rotation == first;
            let outcome = records.iter().filter(of_first).find_map(|record| match &record.body.event {
                Event::Finished { outcome, .. } => Some(*outcome),
                Event::Started(_)
                | Event::Begin { .. }
                | Event::Done { .. }
                | Event::Failed { .. }
                | Event::UndoBegan { .. }
                | Event::Parked { .. }
                | Event::Released { .. }
                | Event::OverlapCut { .. }
                | Event::AdoptionVouched { .. } => None,
            });
            match outcome {
                None => End::Open,
                Some(Outcome::Succeeded | Outcome::Unchanged) => End::Succeeded,
                Some(Outcome::RolledBack) => End::RolledBack(why_back(records, first)),
            }
        })
    }

    pub(super) fn told(self) -> Lived {
        let parked = self.world.journals.iter().flat_map(|journal| journal.inspect(why_parked)).collect();
        let mut records = Vec::new();
        for journal in &self.world.journals {
            records.extend(journal.inspect(|records| records.iter().map(in_words).collect::<Vec<_>>()));
        }
        Lived {
            end: self.end(),
            parked,
            sent: self.world.network.sent(),
            clean_after: self.next_night,
            records,
            violations: self.world.judge.violations(),
        }
    }
}

/// The failure that turned a rotation back, or whose wish it was.
fn why_back(records: &[Record], rotation: RotationId) -> String {
    let mut failure = None;
    for record in records.iter().filter(|record| record.body.rotation == rotation) {
        match &record.body.event {
            Event::Failed { action, kind, .. } => failure = Some((action.step(), *kind)),
            Event::UndoBegan { initiator, .. } if initiator.as_str() != "keywheel" => {
                return "the operator wanted it".to_owned();
            }
            Event::UndoBegan { .. } => break,
            Event::Started(_)
            | Event::Begin { .. }
            | Event::Done { .. }
            | Event::Parked { .. }
            | Event::Released { .. }
            | Event::OverlapCut { .. }
            | Event::AdoptionVouched { .. }
            | Event::Finished { .. } => {}
        }
    }
    failure.map_or_else(|| "nobody knows why".to_owned(), |(step, kind)| failed(step, kind))
}

/// The failures that a person was asked about.
fn why_parked(records: &[Record]) -> Vec<String> {
    let mut failure = None;
    let mut parked = Vec::new();
    for record in records {
        match &record.body.event {
            Event::Failed { action, kind, .. } => failure = Some((action.step(), *kind)),
            Event::Parked { .. } => {
                parked.push(failure.map_or_else(String::new, |(step, kind)| failed(step, kind)));
            }
            Event::Started(_)
            | Event::Begin { .. }
            | Event::Done { .. }
            | Event::UndoBegan { .. }
            | Event::Released { .. }
            | Event::OverlapCut { .. }
            | Event::AdoptionVouched { .. }
            | Event::Finished { .. } => {}
        }
    }
    parked
}

fn failed(step: &str, kind: ErrorKind) -> String {
    format!("{step}: {kind}")
}

fn in_words(record: &Record) -> String {
    let body = &record.body;
    let rotation = body.rotation.to_string();
    format!("{:>3}  {}  fence {}  {:?}", record.seq, &rotation[..8], body.fence.0, body.event)
}
