//! `keywheel plan`.

use keywheel::{
    core::plan::{Options, Plan, Selection, describe, plan},
    engine::observe,
};

use crate::{
    args::{Global, PlanArgs, Wanted},
    commands::Outcome,
    exit::{self, Exit},
    failure::Failure,
    look, run,
    session::{self, Session, Wish},
};

/// Observes, plans, shows; saves if asked.
pub(super) fn run(global: &Global, args: &PlanArgs) -> Outcome {
    let inventory = session::inventory(global)?;
    let selection = match args.select.wanted() {
        Wanted::These(selection) => selection,
        Wanted::Nothing => Selection::Due,
    };
    session::check_selection(&inventory, &selection)?;
    // A saved plan holds fingerprints, and those of another run must match them: the key has to exist from here on.
    let wish = if args.out.is_some() { Wish::to_read() } else { Wish::to_look() };
    let session = Session::light(global, inventory, wish)?;
    let options = Options { force: args.force, no_notify: args.no_notify };
    let plan = make(&session, &selection, options)?;
    if let Some(path) = &args.out {
        run::save(&plan, path, args.force)?;
    }
    look::show(global.output, &plan, || look::paragraphs(&describe(&plan, look::now())))?;
    if let Some(path) = &args.out {
        look::tell(&format!("Saved; `keywheel rotate --plan {}` runs it.", path.display()));
    }
    Ok(if args.check && plan.something_is_due() { exit::DUE } else { refused(&plan) })
}

/// Observes the world and plans.
pub(super) fn make(session: &Session, selection: &Selection, options: Options) -> Result<Plan, Failure> {
    let engine = &session.engine;
    let now = look::now();
    let observed =
        session.block_on(observe(engine, selection, now)).map_err(|error| Failure::state(&error))?;
    Ok(plan(engine.inventory(), &observed, selection, options, now))
}

/// What a plan says about those that were asked for and cannot be rotated.
pub(super) fn refused(plan: &Plan) -> Exit {
    if plan.kept.iter().any(|kept| kept.refused) { exit::NOT_DONE } else { exit::DONE }
}
