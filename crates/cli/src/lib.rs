//! The `keywheel` command: arguments, rendering, exit codes. What it decides about secrets is decided in
//! [`keywheel::core`] and [`keywheel::engine`].
//!
//! A command goes through these modules in this order: `args` (what was typed) → `commands` (which library calls answer
//! it) → `look` (how that shows) or `run` (how a run is watched) → [`exit`] (what the shell hears).

mod args;
mod commands;
mod failure;
mod look;
mod process;
mod run;
mod session;
mod start;

pub mod exit;

pub use start::main;
