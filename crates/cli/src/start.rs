//! The first and the last thing of a process.

use std::process::ExitCode;

use clap::Parser;

use crate::{args, commands, exit, look, process};

/// Runs the command line of this process.
pub fn main() -> ExitCode {
    process::harden();
    process::report_panics();
    let done = std::panic::catch_unwind(|| {
        let cli = args::Cli::parse();
        look::configure(&cli.global);
        commands::dispatch(cli)
    });
    match done {
        // A panic that some task swallowed is a bug all the same, whatever the run made of it.
        Ok(_) | Err(_) if process::panicked() => exit::BUG.into(),
        Ok(code) => code.into(),
        Err(_) => exit::BUG.into(),
    }
}
