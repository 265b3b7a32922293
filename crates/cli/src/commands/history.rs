//! `keywheel history`.

use keywheel::core::{
    Error, ErrorKind, RotationId,
    rotation::{Event, History, Next, Record, WaitFor},
};
use serde::Serialize;

use crate::{
    args::{self, Global},
    commands::Outcome,
    exit,
    failure::Failure,
    look, run,
    session::{self, Session, Wish},
};

#[derive(Serialize)]
struct Rotation {
    rotation: RotationId,
    records: Vec<Record>,
}

/// The story of one secret's rotations, newest first, each from its beginning.
pub(super) fn run(global: &Global, args: &args::History) -> Outcome {
    let inventory = session::inventory(global)?;
    let name = session::known(&inventory, &args.name)?;
    let session = Session::light(global, inventory, Wish::to_look())?;
    let journal = session.engine.journal();
    let rotations = session
        .block_on(async {
            let ids = match args.rotation {
                Some(rotation) => vec![rotation],
                None => journal.rotations_of(&name, args.limit).await?,
            };
            let mut rotations = Vec::with_capacity(ids.len());
            for rotation in ids {
                rotations.push(Rotation { rotation, records: journal.records(rotation).await? });
            }
            Ok::<_, Error>(rotations)
        })
        .map_err(|error| Failure::state(&error))?;
    if let Some(rotation) = args.rotation
        && !rotations.iter().flat_map(|rotation| &rotation.records).any(|record| record.body.secret == name)
    {
        return Err(Failure::usage(format!("{name} has no rotation {rotation}"))
            .next(format!("`keywheel history {name}` lists those that it has")));
    }
    let words = in_words(&rotations)?;
    look::show(global.output, &rotations, || {
        if rotations.is_empty() { format!("No rotation of {name} is on record.") } else { words }
    })?;
    Ok(exit::DONE)
}

fn in_words(rotations: &[Rotation]) -> Result<String, Failure> {
    let mut text = String::new();
    for rotation in rotations {
        let history = History::replay(&rotation.records).map_err(|illegal| {
            let error = Error::not_applied(ErrorKind::Corrupt, "read journal", illegal.to_string());
            Failure::state(&error)
        })?;
        let Some(history) = history else { continue };
        let end = match history.outcome {
            Some(outcome) => outcome.to_string(),
            None if history.parked.is_some() => "parked".to_owned(),
            None => "unfinished".to_owned(),
        };
        let heading = format!("{}  {}  {end}", rotation.rotation, look::moment(history.started_at));
        text.push_str(&look::timeline(&heading, &lines(rotation, &history)));
        text.push('\n');
    }
    Ok(text)
}

fn lines(rotation: &Rotation, history: &History) -> Vec<(String, String)> {
    let mut lines: Vec<_> = rotation
        .records
        .iter()
        .filter_map(|record| {
            let words = run::step_in_words(record, history.spec())?;
            Some((record.body.at.strftime("%H:%M:%S").to_string(), words))
        })
        .collect();
    // An intent shows only while nobody knows its outcome.
    if let Some(last) = rotation.records.last()
        && let Event::Begin { action } = &last.body.event
    {
        let words = format!("{} … begun, outcome not on record", action.describe(history.spec()));
        lines.push((last.body.at.strftime("%H:%M:%S").to_string(), words));
    }
    let now = look::now();
    if let Next::Wait { until, why } = history.next(now) {
        let why = match why {
            WaitFor::Overlap => "old and new are both accepted until",
            WaitFor::Retry => "tried again",
        };
        lines.push((now.strftime("%H:%M:%S").to_string(), format!("{why} {}", look::moment(until))));
    }
    lines
}
