//! One module for each command: which library calls answer it.

mod audit;
mod change;
mod check;
mod completions;
mod dispatch;
mod doctor;
mod fingerprint;
mod generate;
mod history;
mod init;
mod list;
mod plan;
mod resume;
mod rotate;
mod schema;
mod status;
mod stdin;
mod verify;

pub(crate) use dispatch::dispatch;

use crate::{exit::Exit, failure::Failure};

/// What a command came to.
type Outcome = Result<Exit, Failure>;
