//! The simulator: the real engine through every schedule of faults, and engines that are broken on purpose.

use std::{
    io::{BufRead, BufReader},
    process::Stdio,
};

use crate::command::{Outcome, cargo};

/// What `cargo xtask simulate` was asked for.
#[derive(clap::Args)]
pub(crate) struct Simulate {
    /// Every schedule with up to so many faults: 0, 1 or 2. 2 if nothing else is asked for
    #[arg(long, value_name = "N")]
    faults: Option<u8>,
    /// So many random schedules of many faults
    #[arg(long, value_name = "N")]
    random: Option<u64>,
    /// The number of the first random one
    #[arg(long, value_name = "N")]
    from: Option<u64>,
    /// Replays one life and tells its story: the number of a random one, or a scenario and its faults as a failure names
    /// them
    #[arg(long, value_name = "SEED")]
    seed: Option<String>,
    /// Only this scenario; may be repeated
    #[arg(long, value_name = "SCENARIO")]
    scenario: Vec<String>,
    /// Leaves out one safeguard of the engine, by its name
    #[arg(long, value_name = "NAME")]
    mutant: Option<String>,
    /// Stops at the first failure
    #[arg(long)]
    fail_fast: bool,
}

impl Simulate {
    fn arguments(&self) -> Vec<String> {
        let mut arguments = Vec::new();
        let mut say = |name: &str, value: Option<String>| {
            if let Some(value) = value {
                arguments.extend([name.to_owned(), value]);
            }
        };
        say("--faults", self.faults.map(|faults| faults.to_string()));
        say("--random", self.random.map(|random| random.to_string()));
        say("--from", self.from.map(|from| from.to_string()));
        say("--seed", self.seed.clone());
        say("--mutant", self.mutant.clone());
        for scenario in &self.scenario {
            say("--scenario", Some(scenario.clone()));
        }
        if self.fail_fast {
            arguments.push("--fail-fast".to_owned());
        }
        arguments
    }
}

/// The schedule sweep, or one life replayed.
pub(crate) fn simulate(wanted: &Simulate) -> Outcome {
    run(
        &wanted.arguments(),
        "something did not hold; each line that says FAILED is followed by what replays it",
    )
}

/// Every engine that is broken on purpose.
pub(crate) fn mutants() -> Outcome {
    run(&["--mutants".to_owned()], "an engine that is broken on purpose was not caught")
}

/// Runs the simulator, built for speed, passes its lines on and ends in its last one.
fn run(arguments: &[String], failed: &str) -> Outcome {
    let mut command = cargo();
    command
        .args(["run", "--quiet", "--profile", "simulator", "--package", "keywheel-simulator", "--"])
        .args(arguments)
        .stdout(Stdio::piped());
    let mut child = command.spawn().map_err(|error| format!("{command:?} cannot be started: {error}"))?;
    let stdout = child.stdout.take().ok_or("the simulator's output cannot be read")?;
    let mut last: Option<String> = None;
    for line in BufReader::new(stdout).lines() {
        if let Some(line) = last.replace(line.map_err(|error| error.to_string())?) {
            println!("{line}");
        }
    }
    let status = child.wait().map_err(|error| error.to_string())?;
    if status.success() {
        return last.ok_or_else(|| "the simulator said nothing".to_owned());
    }
    if let Some(last) = last {
        println!("{last}");
    }
    Err(format!("{failed}: {status}"))
}
