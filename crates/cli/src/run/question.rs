//! Asking before anything changes.

use std::io::{IsTerminal, Write};

use keywheel::core::plan::{Plan, describe};
use owo_colors::OwoColorize;

use crate::{args::Output, exit, failure::Failure, look};

/// More items than this are counted, not listed: the question must stay on the screen.
const LISTED: usize = 20;

/// Asks `question` on the terminal; `Ok(false)` if the answer is no.
///
/// # Errors
/// When there is nobody to ask.
pub(crate) fn ask(question: &str, yes: bool) -> Result<bool, Failure> {
    if yes {
        return Ok(true);
    }
    somebody_to_ask(yes)?;
    // Not a widget that hides the cursor while it waits: Ctrl-C would leave it hidden.
    let mut stderr = anstream::stderr();
    let mut answer = String::new();
    let _ = write!(stderr, "{} {} [y/N] ", "?".yellow(), question.bold()).and_then(|()| stderr.flush());
    std::io::stdin()
        .read_line(&mut answer)
        .map_err(|error| Failure::new(exit::NOT_DONE, format!("the terminal gave no answer: {error}")))?;
    let answer = matches!(answer.trim().to_lowercase().as_str(), "y" | "yes");
    if !answer {
        look::tell("Nothing was changed.");
    }
    Ok(answer)
}

/// Refuses to go on where a question would come up and nobody could answer it.
pub(crate) fn somebody_to_ask(yes: bool) -> Result<(), Failure> {
    if yes || (std::io::stdin().is_terminal() && std::io::stderr().is_terminal()) {
        return Ok(());
    }
    Err(Failure::usage("there is no terminal to ask on; nothing was changed")
        .next("look with `keywheel plan`, then add `--yes`"))
}

/// Shows `plan` on stderr and asks whether to run it.
pub(crate) fn ask_about_plan(plan: &Plan, yes: bool, output: Output) -> Result<bool, Failure> {
    if yes && output == Output::Json {
        return Ok(true);
    }
    let items = plan.items.len();
    // `--yes` in a log wants to know what is run; on thousands of items the summary is enough.
    let mut words = describe(plan, look::now());
    if items > LISTED {
        words.drain(1 + LISTED..=items);
    }
    look::tell(&look::paragraphs(&words));
    if items > LISTED {
        look::tell(&format!("\n… and {} more, which `--dry-run` shows.", items - LISTED));
    }
    look::tell("");
    let question = match items {
        1 => format!("{} {}?", verb(plan), plan.items[0].secret),
        several => format!("Run these {several}?"),
    };
    ask(&question, yes)
}

fn verb(plan: &Plan) -> &'static str {
    use keywheel::core::plan::Work;
    match plan.items[0].work {
        Work::Resume { .. } => "Resume",
        Work::Create => "Create",
        Work::Rotate => "Rotate",
    }
}
