//! Everything that CI checks that is a test.

use crate::command::{self, Outcome, answers, cargo};

pub(crate) fn run_tests() -> Outcome<()> {
    // nextest runs each test in its own process and many at once; without it the standard runner does.
    if answers("cargo", &["nextest", "--version"]) {
        command::run(cargo().args(["nextest", "run", "--workspace", "--all-features", "--no-fail-fast"]))?;
    } else {
        command::run(cargo().args([
            "test",
            "--workspace",
            "--all-features",
            "--no-fail-fast",
            "--lib",
            "--bins",
            "--tests",
        ]))?;
    }
    command::run(cargo().args(["test", "--workspace", "--all-features", "--doc"]))
}

pub(crate) fn run() -> Outcome {
    crate::servers::install_missing()?;
    run_tests()?;
    Ok("test: every test passed".to_owned())
}
