//! `keywheel resume`.

use keywheel::{
    core::plan::{Options, Plan, Selection, Work, describe},
    engine::RunReport,
};

use crate::{
    args::{Global, Output, Resume},
    commands::{Outcome, plan, rotate},
    exit,
    failure::Failure,
    look,
    run::{self, Watch},
    session::{self, Session, Wish},
};

/// Goes on with what was named, parked or not; without names with whatever has something to do now.
pub(super) fn run(global: &Global, args: &Resume) -> Outcome {
    let inventory = session::inventory(global)?;
    let names = session::names(&inventory, &args.names)?;
    run::somebody_to_ask(args.yes)?;
    let watch = Watch::new(global.output);
    let wish = Wish { observer: watch.clone(), patience: args.patience.time(), ..Wish::to_read() };
    let session = Session::working(global, inventory, wish)?;
    if names.is_empty() {
        return everything(global, args, &session, &watch);
    }
    let question = match names.as_slice() {
        [one] => format!("Go on with {one}?"),
        several => format!("Go on with these {}?", several.len()),
    };
    if !run::ask(&question, args.yes)? {
        return Ok(exit::NOT_DONE);
    }
    let mut report = RunReport::default();
    let mut refused = Vec::new();
    session.block_on(async {
        run::heed(session.engine.stop().clone());
        for name in &names {
            match session.engine.go_on(name).await {
                Ok(item) => report.items.push(item),
                Err(why) => refused.push(why),
            }
        }
    });
    watch.end();
    if report.items.is_empty()
        && let [only] = refused.as_slice()
    {
        return Err(only.clone().into());
    }
    for why in &refused {
        Failure::from(why.clone()).render(global.output);
    }
    let least = if refused.is_empty() { exit::DONE } else { exit::NOT_DONE };
    run::report(global.output, &report, None, least)
}

fn everything(global: &Global, args: &Resume, session: &Session, watch: &Watch) -> Outcome {
    let due = plan::make(session, &Selection::Due, Options::default())?;
    let plan = only_unfinished(due);
    // What waits for a person was not ended by this: the shell must hear of it.
    let least = rotate::left_waiting(&plan);
    if plan.is_empty() {
        match global.output {
            Output::Text => look::say(&nothing_to_do(&plan))?,
            Output::Json => {
                return run::report(global.output, &RunReport::default(), Some(&plan), least);
            }
        }
        return Ok(least);
    }
    if !run::ask_about_plan(&plan, args.yes, global.output)? {
        return Ok(exit::NOT_DONE);
    }
    rotate::execute(global, session, watch, &plan, None, least)
}

fn only_unfinished(mut plan: Plan) -> Plan {
    plan.items.retain(|item| matches!(item.work, Work::Resume { .. }));
    let left: Vec<_> = plan.items.iter().map(|item| item.secret.clone()).collect();
    for item in &mut plan.items {
        // What was taken out of the plan never ends, and would hold the others up.
        item.after.retain(|name| left.contains(name));
    }
    plan.kept.clear();
    plan.not_due = 0;
    plan.next_due = None;
    plan
}

fn nothing_to_do(plan: &Plan) -> String {
    if plan.waiting.is_empty() {
        return "Nothing is unfinished.".to_owned();
    }
    look::paragraphs(&describe(plan, look::now()))
}
