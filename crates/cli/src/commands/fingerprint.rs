//! `keywheel fingerprint`.

use std::sync::Arc;

use keywheel::{
    core::{
        Fingerprint, FingerprintMode, Fingerprinter, OsEntropy, SecretValue, StoreName,
        inventory::{Inventory, SecretEntry},
        secret::Stage,
    },
    engine::{Engine, Keys},
};
use serde::Serialize;

use crate::{
    args::{FingerprintArgs, Global},
    commands::{Outcome, stdin},
    exit,
    failure::Failure,
    look::{self, Table, Urgency},
    session::{self, Session, Wish},
};

#[derive(Serialize)]
struct Of {
    fingerprint: Fingerprint,
    mode: FingerprintMode,
}

#[derive(Serialize)]
struct Held {
    store: StoreName,
    stage: Stage,
    fingerprint: Fingerprint,
}

/// Prints the fingerprint of a value, or those of everything that the stores hold of a secret.
pub(super) fn run(global: &Global, args: &FingerprintArgs) -> Outcome {
    if let Some(name) = &args.name {
        return of_secret(global, name, args.mode);
    }
    let value = match &args.file {
        Some(path) => stdin::from_file(path)?,
        None => stdin::from_stdin()?,
    };
    of_value(global, &value, args.mode.unwrap_or_default())
}

fn of_value(global: &Global, value: &SecretValue, mode: FingerprintMode) -> Outcome {
    let fingerprinter = match mode {
        FingerprintMode::Plain => Fingerprinter::plain(),
        FingerprintMode::CookieKey => Fingerprinter::cookie_key(),
        FingerprintMode::Keyed => keyed(&*session::inventory(global)?)?,
    };
    let of = Of { fingerprint: fingerprinter.of(value), mode };
    look::show(global.output, &of, || of.fingerprint.to_string())?;
    Ok(exit::DONE)
}

fn keyed(inventory: &Inventory) -> Result<Fingerprinter, Failure> {
    if !Keys::fingerprint_path(&inventory.state).exists() {
        let what = "this installation has no fingerprint key yet, so no keyed fingerprint is on record";
        return Err(Failure::new(exit::NOT_DONE, what).next("the first `keywheel rotate` makes the key"));
    }
    let keys = Keys::open_read_only(inventory, &OsEntropy).map_err(|error| Failure::state(&error))?;
    Ok(keys.fingerprinter(FingerprintMode::Keyed))
}

fn of_secret(global: &Global, name: &str, mode: Option<FingerprintMode>) -> Outcome {
    let inventory = session::inventory(global)?;
    let name = session::known(&inventory, name)?;
    let session = Session::light(global, Arc::clone(&inventory), Wish::to_look())?;
    let Some(entry) = inventory.secret(&name) else {
        return Err(Failure::usage(format!("the inventory has no secret `{name}`")));
    };
    let held = session.block_on(held(&session.engine, entry, mode.unwrap_or(entry.fingerprint)))?;
    look::show(global.output, &held, || {
        let mut table = Table::new(&["STORE", "STAGE", "FINGERPRINT"]);
        for each in &held {
            let cells = [each.store.to_string(), each.stage.to_string(), each.fingerprint.to_string()];
            table.row(&cells, Urgency::None);
        }
        if held.is_empty() { format!("No store has a value of {name}.") } else { table.to_string() }
    })?;
    Ok(exit::DONE)
}

async fn held(engine: &Engine, entry: &SecretEntry, mode: FingerprintMode) -> Result<Vec<Held>, Failure> {
    let mut held = Vec::new();
    for place in &*entry.stores {
        let Some(declared) = engine.inventory().stores.get(&place.store) else { continue };
        let secret = declared.store.secret(&place.location, engine.keys().fingerprinter(mode));
        let versions = secret
            .versions()
            .await
            .map_err(|error| Failure::of(&error.with("store", &place.store), exit::NOT_DONE))?;
        held.extend(versions.0.iter().map(|version| Held {
            store: place.store.clone(),
            stage: version.stage,
            fingerprint: version.fingerprint,
        }));
    }
    Ok(held)
}
