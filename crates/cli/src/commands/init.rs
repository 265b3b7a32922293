//! `keywheel init`.

use serde::Serialize;

use crate::{
    args::{Global, Init},
    commands::Outcome,
    exit,
    failure::Failure,
    look, run,
};

/// The inventory that a newcomer starts from: it works as it is.
const STARTER: &str = include_str!("starter.yaml");

#[derive(Serialize)]
struct Written {
    inventory: String,
}

/// Writes an inventory to start from.
pub(super) fn run(global: &Global, args: &Init) -> Outcome {
    let path = &global.inventory;
    if path.exists() && !args.force {
        return Err(Failure::new(exit::NOT_DONE, format!("{} exists already", path.display()))
            .next("`keywheel check` looks at it; `keywheel init --force` writes a new one over it"));
    }
    run::write_new(path, STARTER.as_bytes(), args.force)?;
    let name = path.display().to_string();
    let given = if name == "keywheel.yaml" { String::new() } else { format!(" -i {name}") };
    look::show(global.output, &Written { inventory: name.clone() }, || {
        let steps = [
            ("1", format!("`keywheel{given} check` finds mistakes in it")),
            ("2", format!("`keywheel{given} plan` shows what would happen, and why")),
            ("3", format!("`keywheel{given} rotate --due` makes the secret, in ./secrets")),
            ("4", format!("`keywheel{given} status` shows where it stands")),
        ];
        look::paragraph(&format!("Wrote {name}: one secret in one directory, ready to run"), &steps)
    })?;
    Ok(exit::DONE)
}
