//! keywheel's benchmarks. Each prints what it measured and fails when a ratio is beyond its limit; ratios are of two
//! measurements in one run on one machine, so that a noisy machine cannot pass for a slow program.

mod aws;
mod bare;
mod file;
mod inventory;
mod life;
mod measure;
mod parts;
mod plan;
mod postgres;
mod processor;
mod redis;
mod requests;
mod rotations;
mod secrets_manager;
mod ssm;
mod startup;
mod vault;

use std::process::ExitCode;

use measure::Verdict;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let result = match words.as_slice() {
        ["plan"] => plan::run(),
        // Each in a process of its own, so that the peak of memory is that of this one thing.
        ["plan-of", path] => plan::plan_of(path.as_ref()).map(|()| Verdict::Measured),
        ["values-of", path] => plan::values_of(path.as_ref()).map(|()| Verdict::Measured),
        ["file"] => file::run(),
        ["postgres"] => postgres::run(),
        ["redis"] => redis::run(),
        ["vault"] => vault::run(),
        ["secrets-manager"] => secrets_manager::run(),
        ["ssm"] => ssm::run(),
        ["startup"] => startup::run(),
        _ => {
            let names = "plan|file|postgres|redis|vault|secrets-manager|ssm|startup";
            Err(format!("usage: keywheel-benches {names}"))
        }
    };
    match result {
        Ok(Verdict::Measured | Verdict::Within) => ExitCode::SUCCESS,
        Ok(Verdict::Beyond(what)) => {
            eprintln!("beyond its limit: {what}");
            ExitCode::FAILURE
        }
        Err(message) => {
            eprintln!("{message}");
            ExitCode::FAILURE
        }
    }
}
