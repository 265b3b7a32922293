//! `keywheel rotate`.

use std::{io::IsTerminal, path::Path, sync::Arc};

use dialoguer::{Password, theme::ColorfulTheme};
use keywheel::{
    core::{
        SecretName, SecretValue,
        inventory::Inventory,
        plan::{Options, Plan, Selection, WaitingFor, describe, differences},
    },
    engine::{Ended, RunReport, StdinValue},
};

use crate::{
    args::{Global, Output, Rotate, Wanted},
    commands::{Outcome, plan, stdin},
    exit::{self, Exit},
    failure::Failure,
    look,
    run::{self, Watch},
    session::{self, Session, Wish},
};

/// Plans, asks, runs, sums up.
pub(super) fn run(global: &Global, args: &Rotate) -> Outcome {
    let inventory = session::inventory(global)?;
    let saved = args.plan.as_deref().map(|path| run::load(path, &inventory)).transpose()?;
    let (selection, options) = match (&saved, args.select.wanted()) {
        (Some(saved), _) => (saved.selection.clone(), saved.options),
        (None, Wanted::These(selection)) => {
            (selection, Options { force: args.force, no_notify: args.no_notify })
        }
        (None, Wanted::Nothing) => return Err(nothing_selected()),
    };
    session::check_selection(&inventory, &selection)?;
    run::somebody_to_ask(args.yes || args.dry_run)?;
    let watch = Watch::new(global.output);
    let wish = Wish {
        observer: watch.clone(),
        stdin: if args.value_from_stdin { provided(&inventory, &selection)? } else { StdinValue::default() },
        patience: args.patience.time(),
        // A dry run writes nothing, but for the keys that a saved plan's fingerprints need.
        read_only: args.dry_run && saved.is_none(),
    };
    let session = Session::working(global, inventory, wish)?;
    let fresh = plan::make(&session, &selection, options)?;
    let plan = match saved {
        Some(saved) => still_fits(saved, &fresh, args.plan.as_deref())?,
        None => fresh,
    };
    if args.dry_run {
        look::show(global.output, &plan, || look::paragraphs(&describe(&plan, look::now())))?;
        return Ok(plan::refused(&plan));
    }
    let least = plan::refused(&plan).or(left_waiting(&plan));
    if plan.is_empty() {
        let words = || look::paragraphs(&describe(&plan, look::now()));
        match global.output {
            Output::Text => look::say(&words())?,
            Output::Json => return run::report(global.output, &RunReport::default(), Some(&plan), least),
        }
        return Ok(least);
    }
    if !run::ask_about_plan(&plan, args.yes, global.output)? {
        return Ok(exit::NOT_DONE);
    }
    execute(global, &session, &watch, &plan, args.reason.as_deref(), least)
}

/// Runs `plan` and sums up. `least` is the least exit code, for what the plan leaves undone.
pub(super) fn execute(
    global: &Global,
    session: &Session,
    watch: &Watch,
    plan: &Plan,
    reason: Option<&str>,
    least: Exit,
) -> Outcome {
    let engine = &session.engine;
    let ran = session.block_on(async {
        run::heed(engine.stop().clone());
        watch.begin(plan.items.len());
        engine.run(plan, reason).await
    });
    watch.end();
    let report = ran.map_err(|error| {
        Failure::state(&error).without_state().next("`keywheel status` shows where each secret stands")
    })?;
    // Items that were never begun say so themselves; that the run was cut short is for the shell.
    let least = if engine.stop().requested()
        && report.items.iter().any(|item| matches!(item.ended, Ended::NotBegun { .. }))
    {
        least.or(exit::PARKED)
    } else {
        least
    };
    run::report(global.output, &report, Some(plan), least)
}

fn nothing_selected() -> Failure {
    Failure::usage("say which secrets: NAMEs, --due, --all, --tier TIER, --tag TAG or --plan FILE")
        .next("`keywheel plan` shows what is due")
}

/// A named secret that waits was not rotated; one that waits for a person needs one whoever asked.
pub(super) fn left_waiting(plan: &Plan) -> Exit {
    let named = matches!(plan.selection, Selection::Names(_));
    plan.waiting.iter().fold(exit::DONE, |worst, waiting| {
        worst.or(match waiting.why {
            WaitingFor::Operator(_) | WaitingFor::Retry(_) => exit::PARKED,
            WaitingFor::Overlap | WaitingFor::OverlapOfUndo if named => exit::NOT_DONE,
            WaitingFor::Overlap | WaitingFor::OverlapOfUndo => exit::DONE,
        })
    })
}

fn still_fits(saved: Plan, fresh: &Plan, path: Option<&Path>) -> Result<Plan, Failure> {
    let differences = differences(&saved, fresh);
    if differences.is_empty() {
        return Ok(saved);
    }
    let name = path.unwrap_or(Path::new("the plan")).display();
    let failure = Failure::new(
        exit::STALE_PLAN,
        format!("{name} no longer fits the world:\n{}", differences.join("\n")),
    );
    Err(failure.next("`keywheel plan --out FILE` makes one that does"))
}

/// The value that the operator pipes in or types.
fn provided(inventory: &Arc<Inventory>, selection: &Selection) -> Result<StdinValue, Failure> {
    let Selection::Names(names) = selection else {
        return Err(Failure::usage("--value-from-stdin takes the NAME of one secret"));
    };
    let [name] = names.as_slice() else {
        return Err(Failure::usage("--value-from-stdin takes the NAME of one secret, not of several"));
    };
    let provided = inventory.secret(name).is_some_and(|entry| entry.provided_from.is_some());
    if !provided {
        return Err(Failure::usage(format!(
            "`{name}` is not `provided`: its new values are made, not given"
        ))
        .next(format!("`keywheel rotate {name}` makes one")));
    }
    let value = if std::io::stdin().is_terminal() { typed(name)? } else { stdin::from_stdin()? };
    Ok(StdinValue::new(name.clone(), value))
}

fn typed(name: &SecretName) -> Result<SecretValue, Failure> {
    let text = Password::with_theme(&ColorfulTheme::default())
        .with_prompt(format!("New value of {name}"))
        .interact()
        .map_err(|error| Failure::new(exit::NOT_DONE, format!("the terminal gave no value: {error}")))?;
    Ok(SecretValue::from_vec(text.into_bytes()))
}
