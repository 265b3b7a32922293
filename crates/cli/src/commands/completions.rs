//! `keywheel completions`.

use clap::CommandFactory;

use crate::{
    args::{Cli, Completions},
    commands::Outcome,
    exit, look,
};

/// Prints completions for a shell.
pub(super) fn run(args: &Completions) -> Outcome {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "keywheel", &mut script);
    look::say(&String::from_utf8_lossy(&script))?;
    Ok(exit::DONE)
}
