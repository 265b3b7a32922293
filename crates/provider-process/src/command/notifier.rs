//! Tells a consumer by running a command.

use std::sync::Arc;

use async_trait::async_trait;
use keywheel_core::{
    CallContext, Clock, Error, ErrorKind, Result,
    notifier::{Adoption, Notice, Notifier},
    provider::Finding,
};

use super::{CommandLine, Run, about, tell, time_left};
use crate::evidence::Evidence;

const OPERATION: &str = "run command";

/// Runs one command for one consumer.
///
/// The command finds the notice in its environment (`KEYWHEEL_SECRET`, `KEYWHEEL_ROTATION`, `KEYWHEEL_PHASE`, and
/// `KEYWHEEL_FINGERPRINT` unless no version is expected) and as one line of JSON on its standard input, in the form of
/// [`Notice`]; never a value. It may be run again for the same notice. It ends within the call's deadline, or it is
/// killed with its whole process group. What it prints goes nowhere, not even into an error: it may print a secret.
///
/// | the command | the error | so the engine |
/// |---|---|---|
/// | exits with 0 | none | goes on |
/// | exits with 75 (`EX_TEMPFAIL`) | [`ErrorKind::Unavailable`] | tries again |
/// | ends by a signal | [`ErrorKind::Unavailable`]: nobody said no | tries again |
/// | exits with anything else | [`ErrorKind::Rejected`] | stops and reports |
/// | reaches the deadline | [`ErrorKind::TimedOut`] | tries again |
/// | does not exist | [`ErrorKind::InvalidConfig`], not applied | stops and reports |
///
/// Once the command was started, the consumer may have been told whatever the status: every such error is
/// [`MaybeApplied`](keywheel_core::Effect::MaybeApplied).
pub struct CommandNotifier {
    line: CommandLine,
    evidence: Evidence,
    clock: Arc<dyn Clock>,
    reloads_all: bool,
}

impl CommandNotifier {
    /// Runs `line`, and looks at `evidence`. `clock` says when a call's deadline has come.
    pub fn new(line: CommandLine, evidence: Evidence, clock: Arc<dyn Clock>) -> Self {
        Self { line, evidence, clock, reloads_all: false }
    }

    /// Whether one run makes the consumer read all its secrets again, so that it may serve several notices.
    #[must_use]
    pub fn reloading_all(self, reloads_all: bool) -> Self {
        Self { reloads_all, ..self }
    }
}

#[async_trait]
impl Notifier for CommandNotifier {
    async fn notify(&self, context: &CallContext, notice: &Notice) -> Result<()> {
        let run = Run {
            operation: OPERATION,
            line: &self.line,
            environment: environment(notice),
            input: Some(input(notice)?),
            keep_output: false,
            limit: time_left(context, self.clock.as_ref(), OPERATION, &self.line)?,
        };
        tell(run, self.clock.as_ref()).await
    }

    async fn adopted(&self, notice: &Notice) -> Result<Adoption> {
        Ok(self.evidence.observe(notice).await)
    }

    fn tells_everything(&self) -> bool {
        self.reloads_all
    }

    async fn examine(&self) -> Vec<Finding> {
        let mut findings: Vec<_> = self.line.check().err().map(Finding::from).into_iter().collect();
        findings.extend(self.evidence.examine().await);
        findings
    }
}

fn environment(notice: &Notice) -> Vec<(&'static str, String)> {
    let mut environment = about(notice);
    environment.extend(notice.expected.map(|fingerprint| ("KEYWHEEL_FINGERPRINT", fingerprint.to_string())));
    environment
}

fn input(notice: &Notice) -> Result<Vec<u8>> {
    let mut line = serde_json::to_vec(notice).map_err(|error| {
        Error::not_applied(ErrorKind::Internal, OPERATION, "the notice cannot be written as JSON")
            .caused_by(error)
    })?;
    line.push(b'\n');
    Ok(line)
}
