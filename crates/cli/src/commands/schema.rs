//! `keywheel schema`.

use keywheel::{core::inventory, table};

use crate::{commands::Outcome, exit, look};

/// Prints the JSON Schema of inventories, whatever `--output` says: it is JSON already.
pub(super) fn run() -> Outcome {
    look::say(&look::document(&inventory::schema(&table::kinds())))?;
    Ok(exit::DONE)
}
