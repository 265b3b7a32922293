//! `keywheel check`.

use keywheel::{
    core::inventory::Inventory,
    engine::{Examined, check_values},
};
use serde::Serialize;

use crate::{
    args::{Check, Global},
    commands::Outcome,
    exit,
    failure::Failure,
    look,
    session::{self, Session, Wish},
};

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct Checked<'a> {
    inventory: String,
    secrets: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    values: Option<&'a [Examined]>,
}

/// Reads the inventory, then holds what the stores have against its policy.
pub(super) fn run(global: &Global, args: &Check) -> Outcome {
    let inventory = session::inventory(global)?;
    let path = inventory.path.display().to_string();
    let secrets = inventory.secrets.len();
    let summary = summary(&inventory);
    if args.no_values {
        let checked = Checked { inventory: path, secrets, values: None };
        look::show(global.output, &checked, || summary)?;
        return Ok(exit::DONE);
    }
    let names: Vec<_> = inventory.secrets.iter().map(|entry| entry.name.clone()).collect();
    let session = Session::light(global, inventory, Wish::to_read())?;
    let values =
        session.block_on(check_values(&session.engine, &names)).map_err(|error| Failure::state(&error))?;
    let checked = Checked { inventory: path, secrets, values: Some(&values) };
    look::show(global.output, &checked, || format!("{summary}\n\n{}", look::findings(&values)))?;
    Ok(if values.iter().any(Examined::has_errors) { exit::INVENTORY } else { exit::DONE })
}

fn summary(inventory: &Inventory) -> String {
    let count = |number: usize, one: &str| {
        if number == 1 { format!("1 {one}") } else { format!("{number} {one}s") }
    };
    format!(
        "{} is valid: {}, {}, {}, {}.",
        inventory.path.display(),
        count(inventory.secrets.len(), "secret"),
        count(inventory.stores.len(), "store"),
        count(inventory.targets.len(), "rotator"),
        count(inventory.consumers.len(), "consumer"),
    )
}
