//! The leak hunt.

use std::{
    io::{BufRead, BufReader},
    process::Stdio,
};

use crate::command::{Outcome, cargo};

/// Runs all of the hunt, passes its lines on, and ends in its figures.
pub(crate) fn run() -> Outcome {
    let mut command = cargo();
    command
        .args(["test", "--package", "keywheel-tests", "--test", "leaks", "--", "--nocapture"])
        .env("KEYWHEEL_LEAKS", "all")
        .stdout(Stdio::piped());
    let mut child = command.spawn().map_err(|error| format!("{command:?} cannot be started: {error}"))?;
    let stdout = child.stdout.take().ok_or("the hunt's output cannot be read")?;
    let mut figures = None;
    for line in BufReader::new(stdout).lines() {
        let line = line.map_err(|error| error.to_string())?;
        if line.starts_with("leaks: ") {
            figures = Some(line);
        } else {
            println!("{line}");
        }
    }
    let status = child.wait().map_err(|error| error.to_string())?;
    if !status.success() {
        return Err(format!("the hunt found something, or could not search: {status}"));
    }
    figures.ok_or_else(|| "the hunt did not say what it searched".to_owned())
}
