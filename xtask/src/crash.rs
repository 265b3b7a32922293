//! The kill-at-every-boundary table, over files, over services that keep secrets and over servers that check them; and an
//! application under load meanwhile.

use std::{
    io::{BufRead, BufReader},
    process::{Command, Stdio},
};

use crate::{
    command::{Outcome, cargo},
    servers,
};

/// What the table is made over: files, stores that are services, one secret in all of them, or a server that checks
/// credentials.
const PROVIDERS: [&str; 10] =
    ["file", "aws", "fan-out", "iam", "mariadb", "postgres", "rabbitmq", "redis", "vault", "vault-engines"];

/// Has every request meet every trouble and kills everywhere, where tests take a share.
const ALL: &str = "KEYWHEEL_CRASH_ALL";

/// Runs the tables of `providers`, or all of them; ends in their total. With `all` they take their time.
pub(crate) fn run(providers: &[String], all: bool) -> Outcome {
    if let Some(unknown) = providers.iter().find(|name| !PROVIDERS.contains(&name.as_str())) {
        return Err(format!("no table over `{unknown}`: there is one over {}", PROVIDERS.join(", ")));
    }
    servers::install_missing()?;
    let mut total = [0; 3];
    for provider in PROVIDERS {
        if !providers.is_empty() && !providers.iter().any(|name| name == provider) {
            continue;
        }
        let (name, only) = match provider {
            "file" => ("crash", ""),
            "aws" => ("stores", "aws"),
            "fan-out" => ("stores", "fan_out"),
            "vault" => ("vault", ""),
            "vault-engines" => ("engines", ""),
            server => ("targets", server),
        };
        let mut test = test(&["--test", name, "--", "--nocapture", only]);
        test.envs(all.then_some((ALL, "1")));
        let lines = told(&mut test)?;
        let figures = lines.iter().find_map(|line| line.strip_prefix("total"));
        let figures = figures.ok_or_else(|| format!("the table over {provider} has no total"))?;
        for (sum, figure) in total.iter_mut().zip(figures.split_whitespace()) {
            *sum += figure.parse::<u32>().map_err(|error| format!("{figure}: {error}"))?;
        }
    }
    let [points, recovered, twice] = total;
    Ok(format!(
        "crash: {recovered} of {points} points ended right, by themselves or after `keywheel resume`; {twice} were killed twice"
    ))
}

/// An application under load while its credentials rotate.
pub(crate) fn database(rounds: u64, every: u64) -> Outcome {
    servers::install_missing()?;
    let mut test = test(&["--test", "load", "--", "--nocapture"]);
    test.env("KEYWHEEL_LOAD_ROUNDS", rounds.to_string()).env("KEYWHEEL_LOAD_REST_SECONDS", every.to_string());
    let lines = told(&mut test)?;
    let figure = lines.iter().find(|line| line.contains(" rotations in "));
    Ok(format!("database: {}", figure.ok_or("the application did not say how it went")?))
}

/// Many rotations on services that are asked too much.
pub(crate) fn throttle(rotations: u32) -> Outcome {
    servers::install_missing()?;
    let mut test = test(&["--test", "stores", "--", "--nocapture", "throttled"]);
    let lines = told(test.env("KEYWHEEL_THROTTLED_ROTATIONS", rotations.to_string()))?;
    let figure = lines
        .iter()
        .find_map(|line| line.split_once("throttled: ").filter(|(_, it)| it.contains(" finished in ")));
    let (_, figure) = figure.ok_or("the rotations did not say how they went")?;
    Ok(format!("throttle: {figure}"))
}

/// A test of the end-to-end package.
fn test(arguments: &[&str]) -> Command {
    let mut command = cargo();
    command.args(["test", "--package", "keywheel-tests"]).args(arguments);
    command
}

/// Runs it, and passes on what it prints.
fn told(command: &mut Command) -> Outcome<Vec<String>> {
    let mut child = command
        .stdout(Stdio::piped())
        .spawn()
        .map_err(|error| format!("{command:?} cannot be started: {error}"))?;
    let stdout = child.stdout.take().ok_or("its output cannot be read")?;
    let mut lines = Vec::new();
    for line in BufReader::new(stdout).lines() {
        let line = line.map_err(|error| error.to_string())?;
        println!("{line}");
        lines.push(line);
    }
    let status = child.wait().map_err(|error| error.to_string())?;
    if status.success() { Ok(lines) } else { Err(format!("it did not end right: {status}")) }
}
