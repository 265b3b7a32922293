//! Evidence that a command fetches.

use std::{sync::Arc, time::Duration};

use keywheel_core::{
    Clock,
    evidence::{Sight, text},
    notifier::Notice,
    provider::Finding,
};

use crate::command::{CommandLine, Outcome, Run, about};

/// How long the command may take; the engine looks again later in any case.
const LIMIT: Duration = Duration::from_secs(10);

/// A command that prints the fingerprint in use as its first line, or an empty line if no version is in use.
///
/// It finds `KEYWHEEL_SECRET`, `KEYWHEEL_ROTATION` and `KEYWHEEL_PHASE` in its environment, and not the fingerprint
/// that is expected, so that it cannot answer by repeating the question. It must change nothing, is killed after ten
/// seconds, and an exit status other than 0 means that nothing is known yet.
pub struct CommandEvidence {
    line: CommandLine,
    clock: Arc<dyn Clock>,
}

impl CommandEvidence {
    /// Evidence that `line` prints.
    pub fn new(line: CommandLine, clock: Arc<dyn Clock>) -> Self {
        Self { line, clock }
    }

    pub(super) fn place(&self) -> String {
        format!("the command {}", self.line)
    }

    pub(super) async fn look(&self, notice: &Notice) -> Sight {
        let run = Run {
            operation: "look for evidence",
            line: &self.line,
            environment: about(notice),
            input: None,
            file: None,
            keep_output: true,
            limit: LIMIT,
        };
        match run.start(self.clock.as_ref()).await {
            Ok(Outcome::Ended { status, output, .. }) if status.success() => {
                text::first_line(&String::from_utf8_lossy(&output))
            }
            Ok(Outcome::Ended { status, .. }) => Sight::Unclear(format!("ended with {status}")),
            Ok(Outcome::Killed { .. }) => {
                Sight::Unclear("had not ended after 10 seconds and was killed".to_owned())
            }
            Err(error) => Sight::Unclear(format!("failed: {}", error.message)),
        }
    }

    pub(super) fn examine(&self) -> Vec<Finding> {
        self.line.check().err().map(Finding::from).into_iter().collect()
    }
}
