//! Plans in files.

use std::{
    io::Write,
    path::{Path, PathBuf},
};

use keywheel::core::{
    inventory::Inventory,
    plan::{PLAN_FORMAT, Plan},
};
use serde::Deserialize;

use crate::{exit, failure::Failure, look};

/// Larger files are no plans.
const LARGEST: u64 = 256 * 1024 * 1024;

/// Writes `bytes` to a new file at `path` that only its owner can read: whole or not at all.
pub(crate) fn write_new(path: &Path, bytes: &[u8], replace: bool) -> Result<(), Failure> {
    let directory = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent.to_path_buf(),
        Some(_) | None => PathBuf::from("."),
    };
    let failed = |error: std::io::Error| {
        Failure::new(exit::NOT_DONE, format!("{} cannot be written: {error}", path.display()))
    };
    let mut file = tempfile::Builder::new().prefix(".keywheel-").tempfile_in(&directory).map_err(failed)?;
    file.write_all(bytes).and_then(|()| file.as_file().sync_all()).map_err(failed)?;
    let placed = if replace { file.persist(path) } else { file.persist_noclobber(path) };
    match placed {
        Ok(_) => {}
        Err(error) if error.error.kind() == std::io::ErrorKind::AlreadyExists => {
            return Err(Failure::new(exit::NOT_DONE, format!("{} exists already", path.display()))
                .next("name another file"));
        }
        Err(error) => return Err(failed(error.error)),
    }
    std::fs::File::open(&directory).and_then(|directory| directory.sync_all()).map_err(failed)
}

/// Saves `plan`.
pub(crate) fn save(plan: &Plan, path: &Path, replace: bool) -> Result<(), Failure> {
    write_new(path, (look::document(plan) + "\n").as_bytes(), replace)
}

#[derive(Deserialize)]
struct Format {
    format: u16,
}

/// Reads a saved plan that was made from `inventory`.
pub(crate) fn load(path: &Path, inventory: &Inventory) -> Result<Plan, Failure> {
    let failed = |why: String| {
        Failure::new(exit::NOT_DONE, format!("{} is no plan that can be run: {why}", path.display()))
            .next("`keywheel plan --out FILE` saves one")
    };
    let size = std::fs::metadata(path).map_err(|error| failed(error.to_string()))?.len();
    if size > LARGEST {
        return Err(failed(format!("it has {size} bytes")));
    }
    let text = std::fs::read(path).map_err(|error| failed(error.to_string()))?;
    // The position and no more: serde_json's words repeat what stands there, and the path may be that of a secret.
    let unreadable = |error: serde_json::Error| {
        failed(format!("line {}, column {} is none of a plan's", error.line(), error.column()))
    };
    let format: Format = serde_json::from_slice(&text).map_err(unreadable)?;
    if format.format != PLAN_FORMAT {
        return Err(failed(format!(
            "it has format {} and this keywheel runs format {PLAN_FORMAT}",
            format.format
        )));
    }
    let plan: Plan = serde_json::from_slice(&text).map_err(unreadable)?;
    if plan.inventory != inventory.digest {
        return Err(Failure::new(
            exit::STALE_PLAN,
            format!("the inventory was edited after {} was saved", path.display()),
        )
        .next("`keywheel plan --out FILE` makes a plan from the inventory as it is now"));
    }
    Ok(plan)
}
