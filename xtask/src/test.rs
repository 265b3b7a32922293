//! Everything that CI checks that is a test.

use std::{
    collections::BTreeSet,
    fs, io,
    path::{self, Path},
};

use crate::command::{self, Outcome, answers, cargo};

/// Where the conformance suites add what they had to skip.
const SKIPPED: &str = "KEYWHEEL_SKIPPED";

/// Tests that share one server: it takes seconds to start, and would do so for each test in a process of its own.
const ONE_PROCESS: [&str; 5] = ["aws", "engines", "openbao", "rabbitmq", "rotation_function"];

pub(crate) fn run_tests() -> Outcome<()> {
    // Absolute, since each test runs in its package's directory.
    let skipped = path::absolute(command::target().join("skipped-cases.txt"))
        .map_err(|error| format!("the target directory has no absolute path: {error}"))?;
    match fs::remove_file(&skipped) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            return Err(format!("{} cannot be emptied: {error}", skipped.display()));
        }
        Ok(()) | Err(_) => {}
    }
    fs::create_dir_all(command::target()).map_err(|error| error.to_string())?;
    // nextest runs each test in its own process and many at once; without it the standard runner does.
    let mut tests = cargo();
    if answers("cargo", &["nextest", "--version"]) {
        let others = ONE_PROCESS.map(|test| format!("not binary({test})")).join(" and ");
        tests.args(["nextest", "run", "--workspace", "--all-features", "--no-fail-fast", "-E", &others]);
        command::run(tests.env(SKIPPED, &skipped))?;
        tests = cargo();
        tests.args(["test", "--workspace", "--all-features", "--no-fail-fast"]);
        tests.args(ONE_PROCESS.map(|test| format!("--test={test}")));
    } else {
        tests.args(["test", "--workspace", "--all-features", "--no-fail-fast", "--lib", "--bins", "--tests"]);
    }
    command::run(tests.env(SKIPPED, &skipped))?;
    command::run(cargo().args(["test", "--workspace", "--all-features", "--doc"]))?;
    show_skipped(&skipped)
}

/// A case that showed nothing passed all the same: whoever reads "every test passed" is told which those were.
fn show_skipped(list: &Path) -> Outcome<()> {
    let lines = match fs::read_to_string(list) {
        Ok(lines) => lines,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(format!("{} cannot be read: {error}", list.display())),
    };
    println!("\nConformance cases that show less for an implementation, and what they would need:");
    for line in lines.lines().collect::<BTreeSet<_>>() {
        println!("  {line}");
    }
    Ok(())
}

pub(crate) fn run() -> Outcome {
    crate::servers::install_missing()?;
    run_tests()?;
    Ok("test: every test passed".to_owned())
}
