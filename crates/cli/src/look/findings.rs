//! What `check` and `doctor` found.

use std::fmt::Write;

use keywheel::{
    core::provider::{Severity, listed},
    engine::Examined,
};
use owo_colors::OwoColorize;

use crate::look::layout::groups;

/// Everything that was looked at: one line where all is well, the findings below it where not.
pub(crate) fn findings(examined: &[Examined]) -> String {
    let mut text = String::new();
    for each in examined {
        if each.findings.is_empty() {
            let _ = writeln!(text, "{} {}", "✓".green(), each.what);
            continue;
        }
        let mark = if each.has_errors() { "✗".red().to_string() } else { "!".yellow().to_string() };
        let _ = writeln!(text, "{mark} {}", each.what.bold());
        let mut all = Vec::new();
        for (number, finding) in each.findings.iter().enumerate() {
            let label = match finding.severity {
                Severity::Error => "error",
                Severity::Warning => "warning",
            };
            let mut lines = vec![(label, finding.message.clone())];
            match finding.secrets.as_slice() {
                [] => {}
                [secret] => lines.push(("secret", secret.to_string())),
                secrets => lines.push(("secrets", listed(secrets))),
            }
            // Findings in a row that are mended alike need the advice once.
            let again = each.findings.get(number + 1).is_some_and(|following| following.hint == finding.hint);
            lines.extend(finding.hint.clone().filter(|_| !again).map(|hint| ("next", hint)));
            all.push(lines);
        }
        text.push_str(&groups(&all, 4));
    }
    text
}
