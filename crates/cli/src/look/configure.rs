//! What the command line says about how things show.

use crate::{
    args::Global,
    look::{colour, log},
};

/// Sets colours and logs up as the command line asks.
pub(crate) fn configure(global: &Global) {
    colour::configure(global.color);
    log::configure(global.verbose);
}
