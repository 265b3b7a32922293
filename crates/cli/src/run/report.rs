//! What a run came to.

use std::fmt::Write;

use keywheel::{
    core::plan::{Kept, Plan, Waiting},
    engine::{Ended, ItemReport, RunReport},
};
use owo_colors::OwoColorize;
use serde::Serialize;

use crate::{
    args::Output,
    exit::{self, Exit},
    failure::Failure,
    look,
    run::ending::{self, Ending},
};

/// With more items than this only those are listed that somebody should read about.
const MANY: usize = 20;

#[derive(Serialize)]
struct Line<'a> {
    report: Document<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct Document<'a> {
    exit_code: u8,
    items: Vec<Item<'a>>,
    /// What the plan left alone: text shows it with the plan.
    #[serde(skip_serializing_if = "Option::is_none")]
    waiting: Option<&'a [Waiting]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    kept: Option<&'a [Kept]>,
}

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct Item<'a> {
    #[serde(flatten)]
    report: &'a ItemReport,
    exit_code: u8,
    next: Vec<String>,
}

/// Writes what a run came to, and gives its exit code: at least `least`.
pub(crate) fn report(
    output: Output,
    run: &RunReport,
    plan: Option<&Plan>,
    least: Exit,
) -> Result<Exit, Failure> {
    write(output, run, plan, least, false)
}

/// As [`report`], for one secret whose rotation the operator sent back: rolled back is then what was wanted.
pub(crate) fn report_one(output: Output, item: ItemReport, wanted_back: bool) -> Result<Exit, Failure> {
    let run = RunReport { items: vec![item] };
    write(output, &run, None, exit::DONE, wanted_back)
}

/// What the shell hears of one item.
fn code(ended: &Ended, wanted_back: bool) -> Exit {
    match ending::exit(ended) {
        exit::ROLLED_BACK if wanted_back => exit::DONE,
        code => code,
    }
}

fn write(
    output: Output,
    run: &RunReport,
    plan: Option<&Plan>,
    least: Exit,
    wanted_back: bool,
) -> Result<Exit, Failure> {
    let exit = run.items.iter().fold(least, |worst, item| worst.or(code(&item.ended, wanted_back)));
    match output {
        Output::Json => {
            let items = run.items.iter().map(|item| Item {
                report: item,
                exit_code: code(&item.ended, wanted_back).code(),
                next: if wanted_back { Vec::new() } else { ending::in_words(&item.ended).next(&item.secret) },
            });
            let report = Document {
                exit_code: exit.code(),
                items: items.collect(),
                waiting: plan.map(|plan| plan.waiting.as_slice()),
                kept: plan.map(|plan| plan.kept.as_slice()),
            };
            look::say(&look::one_line(&Line { report }))?;
        }
        Output::Text => look::say(&in_words(run, wanted_back))?,
    }
    Ok(exit)
}

fn in_words(run: &RunReport, wanted_back: bool) -> String {
    let mut text = String::new();
    let many = run.items.len() > MANY;
    let mut before: Option<Vec<String>> = None;
    for item in &run.items {
        let fine = code(&item.ended, wanted_back) == exit::DONE;
        if many && fine {
            continue;
        }
        let ending = ending::in_words(&item.ended);
        let _ = writeln!(text, "{} {}", item.secret.bold(), heading(&ending, fine));
        let mut lines = vec![("now", ending.now.clone())];
        // Twenty secrets in their overlap need the advice once.
        let told = wanted_back || before.as_deref() == Some(ending.advice());
        if !(fine && told) {
            lines.extend(ending.next(&item.secret).into_iter().map(|next| ("next", next)));
        }
        before = fine.then(|| ending.advice().to_vec());
        text.push_str(&look::labelled(&lines, 2));
    }
    if run.items.len() > 1 {
        text.push_str(&counts(run));
    }
    text
}

fn heading(ending: &Ending, fine: bool) -> String {
    if fine { ending.word.green().to_string() } else { ending.word.red().to_string() }
}

/// `12 rotated, 1 parked`.
fn counts(run: &RunReport) -> String {
    let mut counts: Vec<(&'static str, usize)> = Vec::new();
    for item in &run.items {
        let word = ending::in_words(&item.ended).word;
        match counts.iter_mut().find(|(known, _)| *known == word) {
            Some((_, count)) => *count += 1,
            None => counts.push((word, 1)),
        }
    }
    let counts: Vec<_> = counts.iter().map(|(word, count)| format!("{count} {word}")).collect();
    counts.join(", ")
}
