//! The kill-at-every-boundary table.

use std::{
    io::{BufRead, BufReader},
    process::Stdio,
};

use crate::command::{Outcome, cargo};

/// Runs the table, passes its lines on, and ends in its total.
pub(crate) fn run() -> Outcome {
    let mut command = cargo();
    command
        .args(["test", "--package", "keywheel-tests", "--test", "crash", "--", "--nocapture"])
        .stdout(Stdio::piped());
    let mut child = command.spawn().map_err(|error| format!("{command:?} cannot be started: {error}"))?;
    let stdout = child.stdout.take().ok_or("the table's output cannot be read")?;
    let mut total = None;
    for line in BufReader::new(stdout).lines() {
        let line = line.map_err(|error| error.to_string())?;
        println!("{line}");
        if let Some(figures) = line.strip_prefix("total") {
            total = Some(figures.split_whitespace().map(str::to_owned).collect::<Vec<_>>());
        }
    }
    let status = child.wait().map_err(|error| error.to_string())?;
    if !status.success() {
        return Err(format!("the table has points that did not recover: {status}"));
    }
    match total.as_deref() {
        Some([points, recovered, twice]) => Ok(format!(
            "crash: {recovered} of {points} points ended right after `keywheel resume`, {twice} of them killed twice"
        )),
        Some(_) | None => Err("the table did not say how many points there were".to_owned()),
    }
}
