//! `keywheel audit`.

use keywheel::{
    core::SecretName,
    engine::audit::{AuditLine, AuditVerdict, Filter},
};

use crate::{
    args::{AuditCommand, AuditShow, Global},
    commands::Outcome,
    exit,
    failure::Failure,
    look::{self, Table, Urgency},
    session::{self, Session, Wish},
};

/// Reads or verifies the audit.
pub(super) fn run(global: &Global, command: &AuditCommand) -> Outcome {
    let session = Session::light(global, session::inventory(global)?, Wish::to_look())?;
    match command {
        AuditCommand::Show(args) => show(global, &session, args),
        AuditCommand::Verify => verify(global, &session),
    }
}

fn show(global: &Global, session: &Session, args: &AuditShow) -> Outcome {
    let filter = Filter {
        // Not checked against the inventory: the audit remembers secrets that left it.
        secret: args.secret.as_deref().map(SecretName::from),
        rotation: args.rotation,
        since: args.since,
        limit: Some(args.limit),
    };
    let shown =
        session.block_on(session.engine.audit().show(filter)).map_err(|error| Failure::state(&error))?;
    look::show(global.output, &shown.lines, || in_words(&shown.lines))?;
    if shown.unreadable > 0 {
        look::tell(&format!(
            "{} lines cannot be read; `keywheel audit verify` tells what became of them.",
            shown.unreadable
        ));
    }
    Ok(exit::DONE)
}

fn in_words(lines: &[AuditLine]) -> String {
    if lines.is_empty() {
        return "The audit has no such line.".to_owned();
    }
    let mut table = Table::new(&["TIME", "SECRET", "EVENT", "WHAT", "WHO"]);
    for line in lines {
        let cells = [
            line.at.strftime("%Y-%m-%d %H:%M:%SZ").to_string(),
            line.secret.to_string(),
            line.event.to_string(),
            what(line),
            line.initiator.as_ref().map(ToString::to_string).unwrap_or_default(),
        ];
        table.row(&cells, Urgency::None);
    }
    table.to_string()
}

fn what(line: &AuditLine) -> String {
    let mut parts: Vec<String> = Vec::new();
    parts.extend(line.step.clone());
    parts.extend(line.outcome.map(|outcome| outcome.to_string()));
    parts.extend(line.message.clone());
    parts.extend(line.evidence.clone());
    parts.extend(line.reason.clone());
    match (line.old, line.new, line.fingerprint) {
        (Some(old), Some(new), _) => parts.push(format!("{old} → {new}")),
        (None, Some(new), _) => parts.push(format!("fingerprint {new}")),
        (_, None, Some(read)) => parts.push(format!("fingerprint {read}")),
        (Some(_) | None, None, None) => {}
    }
    parts.join(", ")
}

fn verify(global: &Global, session: &Session) -> Outcome {
    let verdict = session
        .block_on(session.engine.audit().verify(session.engine.journal().as_ref()))
        .map_err(|error| Failure::state(&error))?;
    look::show(global.output, &verdict, || verdict_in_words(&verdict))?;
    Ok(if verdict.is_intact() { exit::DONE } else { exit::NOT_DONE })
}

fn verdict_in_words(verdict: &AuditVerdict) -> String {
    let mut lines = vec![("lines", verdict.lines.to_string())];
    if let (Some(first), Some(last)) = (verdict.first_at, verdict.last_at) {
        lines.push(("from", look::moment(first)));
        lines.push(("to", look::moment(last)));
    }
    if !verdict.head_checked {
        lines.push((
            "mind",
            "the journal has no note of the audit's end, so a cut there would not show".to_owned(),
        ));
    }
    for problem in &verdict.problems {
        let place = if problem.line == 0 { String::new() } else { format!("line {}: ", problem.line) };
        lines.push(("error", format!("{place}{}: {}", problem.kind, problem.message)));
    }
    if verdict.further_problems > 0 {
        lines.push(("error", format!("and {} more", verdict.further_problems)));
    }
    let heading =
        if verdict.is_intact() { "The audit is intact" } else { "The audit was tampered with or damaged" };
    look::paragraph(heading, &lines)
}
