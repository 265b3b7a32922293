//! Options that every command has.

use std::path::PathBuf;

use clap::{ArgAction, Args, ValueEnum};

/// Options that every command has.
#[derive(Args, Debug)]
#[command(next_help_heading = "Everywhere")]
pub(crate) struct Global {
    /// The inventory file
    #[arg(
        short,
        long,
        global = true,
        value_name = "FILE",
        env = "KEYWHEEL_INVENTORY",
        default_value = "keywheel.yaml",
        hide_env_values = true
    )]
    pub(crate) inventory: PathBuf,

    /// For people, or for programs
    #[arg(short, long, global = true, value_enum, value_name = "FORMAT", default_value_t = Output::Text)]
    pub(crate) output: Output,

    /// When to use colours
    #[arg(long, global = true, value_enum, value_name = "WHEN", default_value_t = Colour::Auto)]
    pub(crate) color: Colour,

    /// Who is at work, for the records [default: user@host]
    #[arg(long, global = true, value_name = "NAME", env = "KEYWHEEL_INITIATOR", hide_env_values = true)]
    pub(crate) initiator: Option<String>,

    /// Tell more on stderr; again for more (`KEYWHEEL_LOG` sets a filter)
    #[arg(short, long, global = true, action = ArgAction::Count)]
    pub(crate) verbose: u8,
}

/// How results are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Output {
    /// For people
    Text,
    /// For programs
    Json,
}

/// When colours are used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Colour {
    /// On terminals, unless `NO_COLOR` is set
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}
