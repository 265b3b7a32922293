//! `keywheel doctor`.

use std::path::Path;

use keywheel::{
    core::{
        Error,
        inventory::Inventory,
        provider::{Finding, Severity},
    },
    engine::{Engine, Examined, Keys, doctor},
    open,
};
use rustix::fs::{Access, access};

use crate::{
    args::Global,
    commands::Outcome,
    exit,
    failure::Failure,
    look,
    session::{self, Session, Wish},
};

/// Looks at everything that a rotation needs.
pub(super) fn run(global: &Global) -> Outcome {
    let inventory = session::inventory(global)?;
    let mut examined = vec![state(&inventory), keys(&inventory)];
    match Session::light(global, inventory.clone(), Wish::to_look()) {
        Ok(session) => {
            examined.push(journal(&inventory, &session));
            examined.push(session.block_on(audit(&session.engine)));
            examined.extend(session.block_on(doctor(&session.engine)));
        }
        // The others cannot be asked without an engine; this one finding is worth more than theirs.
        Err(failure) => examined.push(broken("journal", failure.what(), failure.advice())),
    }
    look::show(global.output, &examined, || look::findings(&examined))?;
    Ok(if examined.iter().any(Examined::has_errors) { exit::NOT_DONE } else { exit::DONE })
}

fn fine(what: impl Into<String>) -> Examined {
    Examined { what: what.into(), findings: Vec::new() }
}

fn broken(what: impl Into<String>, why: impl Into<String>, hint: Option<&str>) -> Examined {
    let hint = hint.map(str::to_owned);
    Examined { what: what.into(), findings: vec![Finding::new(Severity::Error, why, hint)] }
}

fn failed(what: impl Into<String>, error: &Error) -> Examined {
    let failure = Failure::state(error);
    broken(what, failure.what(), failure.advice())
}

/// The state directory, or whatever is there of the way to it, must be writable.
fn state(inventory: &Inventory) -> Examined {
    let what = format!("state {}", inventory.state.display());
    let mut there: &Path = &inventory.state;
    while !there.exists() {
        match there.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => there = parent,
            Some(_) | None => there = Path::new("."),
        }
    }
    match access(there, Access::WRITE_OK | Access::EXEC_OK) {
        Ok(()) => fine(what),
        Err(error) => {
            let why = format!("{} cannot be written: {error}", there.display());
            broken(what, why, Some("give keywheel's user the right to write there"))
        }
    }
}

fn keys(inventory: &Inventory) -> Examined {
    // Once there is a journal there are keys, and a missing one is a loss.
    let begun = open::journal_path(inventory).exists();
    let what = if begun { "keys" } else { "keys (made at first use)" };
    let opened = if begun {
        Keys::open(inventory)
    } else {
        Keys::open_read_only(inventory, &keywheel::core::OsEntropy)
    };
    match opened {
        Ok(_) => fine(what),
        Err(error) => failed(what, &error),
    }
}

fn journal(inventory: &Inventory, session: &Session) -> Examined {
    let path = open::journal_path(inventory);
    let made = if path.exists() { "" } else { " (made at first use)" };
    let what = format!("journal {}{made}", path.display());
    match session.block_on(session.engine.journal().unfinished()) {
        Ok(_) => fine(what),
        Err(error) => failed(what, &error),
    }
}

async fn audit(engine: &Engine) -> Examined {
    let path = &engine.inventory().audit_log;
    let made = if path.exists() { "" } else { " (made at first use)" };
    let what = format!("audit {}{made}", path.display());
    let verdict: Result<_, Error> = engine.audit().verify(engine.journal().as_ref()).await;
    match verdict {
        Ok(verdict) if verdict.is_intact() => fine(what),
        Ok(verdict) => {
            let hint = "`keywheel audit verify` tells all";
            let problems = verdict.problems.iter();
            Examined {
                what,
                findings: problems.map(|problem| Finding::error(&problem.message, hint)).collect(),
            }
        }
        Err(error) => failed(what, &error),
    }
}
