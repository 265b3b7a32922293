//! `keywheel verify`.

use std::fmt::Write;

use keywheel::engine::{Verified, verify};
use owo_colors::OwoColorize;

use crate::{
    args::{Global, Names},
    commands::Outcome,
    exit,
    failure::Failure,
    look,
    session::{self, Session, Wish},
};

/// Holds stores against each other and against targets.
pub(super) fn run(global: &Global, args: &Names) -> Outcome {
    let inventory = session::inventory(global)?;
    let names = session::names_or_all(&inventory, &args.names)?;
    let session = Session::light(global, inventory, Wish::to_read())?;
    let verified =
        session.block_on(verify(&session.engine, &names)).map_err(|error| Failure::state(&error))?;
    look::show(global.output, &verified, || in_words(&verified))?;
    let fine = verified.iter().all(|one| one.problems.is_empty());
    Ok(if fine { exit::DONE } else { exit::NOT_DONE })
}

fn in_words(verified: &[Verified]) -> String {
    let mut text = String::new();
    for one in verified {
        let mark = if one.problems.is_empty() { "✓".green().to_string() } else { "✗".red().to_string() };
        let held: Vec<_> = one
            .stores
            .iter()
            .map(|(store, fingerprint)| match fingerprint {
                Some(fingerprint) => format!("{fingerprint} in {store}"),
                None => format!("nothing in {store}"),
            })
            .collect();
        let accepted = if one.accepted == Some(true) { ", accepted" } else { "" };
        let _ = writeln!(text, "{mark} {}  {}{accepted}", one.secret.bold(), held.join(", "));
        let lines: Vec<_> = one.problems.iter().map(|problem| ("error", problem.clone())).collect();
        text.push_str(&look::labelled(&lines, 4));
    }
    text
}
