//! `keywheel status`.

use std::fmt::Write;

use jiff::Timestamp;
use keywheel::engine::{SecretStatus, State, status};

use crate::{
    args::{Global, Names},
    commands::Outcome,
    exit,
    failure::Failure,
    look::{self, Table, Urgency},
    session::{self, Session, Wish},
};

/// Where every secret stands, from the journal alone.
pub(super) fn run(global: &Global, args: &Names) -> Outcome {
    let inventory = session::inventory(global)?;
    let names = session::names(&inventory, &args.names)?;
    let session = Session::light(global, inventory, Wish::to_look())?;
    let now = look::now();
    let mut all = session.block_on(status(&session.engine, now)).map_err(|error| Failure::state(&error))?;
    if !names.is_empty() {
        all.retain(|status| names.contains(&status.secret));
    }
    // Stable: secrets of one state stay in the order of the file, but for those that are due sooner.
    all.sort_by_key(|status| (status.state, status.due_at.unwrap_or(Timestamp::MAX)));
    look::show(global.output, &all, || in_words(&all))?;
    Ok(exit::DONE)
}

fn in_words(all: &[SecretStatus]) -> String {
    let mut table = Table::new(&["SECRET", "STATE", "ROTATED", "DUE", "OWNER", "NOW"]);
    for status in all {
        let cells = [
            status.secret.to_string(),
            status.state.as_str().to_owned(),
            status.rotated_at.map_or_else(|| "never".to_owned(), ago),
            status.due_at.map_or_else(|| "–".to_owned(), ago),
            status.owner.clone().unwrap_or_else(|| "–".to_owned()),
            happening(status),
        ];
        table.row(&cells, urgency(status.state));
    }
    table.to_string()
}

/// The distance alone: a table of many rows is read for how long ago, not for when.
fn ago(at: Timestamp) -> String {
    let words = look::moment(at);
    words.split_once('(').map_or(words.clone(), |(_, rest)| rest.trim_end_matches(')').to_owned())
}

fn happening(status: &SecretStatus) -> String {
    let Some(unfinished) = &status.unfinished else {
        return match status.state {
            State::Overdue | State::NeverRotated => format!("`keywheel rotate {}`", status.secret),
            State::Parked
            | State::Unfinished
            | State::Retrying
            | State::Overlap
            | State::Fresh
            | State::OnDemand
            | State::Frozen => String::new(),
        };
    };
    if let (State::Parked, Some(trouble)) = (status.state, &unfinished.trouble) {
        // It names the step itself.
        return trouble.clone();
    }
    let way = if unfinished.undoing { "going back, " } else { "" };
    let mut words = format!("{way}step {} of {}: {}", unfinished.done + 1, unfinished.steps, unfinished.step);
    if let Some(until) = unfinished.until {
        let _ = write!(words, ", {} left", ago(until).trim_start_matches("in "));
    }
    if let Some(trouble) = &unfinished.trouble {
        let _ = write!(words, "; {trouble}");
    }
    words
}

fn urgency(state: State) -> Urgency {
    match state {
        State::Parked | State::Overdue => Urgency::Act,
        State::Unfinished | State::Retrying | State::NeverRotated => Urgency::Look,
        State::Overlap | State::Fresh => Urgency::Fine,
        State::OnDemand | State::Frozen => Urgency::None,
    }
}
