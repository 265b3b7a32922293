//! Tells a consumer by running a command.

use std::{borrow::Cow, sync::Arc};

use async_trait::async_trait;
use keywheel_core::{
    CallContext, Clock, Error, ErrorKind, Result, SecretValue,
    notifier::{Adoption, Notice, Notifier},
    provider::Finding,
};

use super::{CommandLine, HandOver, Run, about, hand_over::ValueFile, tell, time_left};
use crate::evidence::Evidence;

const OPERATION: &str = "run command";

/// Runs one command for one consumer.
///
/// The command finds the notice in its environment (`KEYWHEEL_SECRET`, `KEYWHEEL_ROTATION`, `KEYWHEEL_PHASE`,
/// `KEYWHEEL_FINGERPRINT` unless no version is expected, and `KEYWHEEL_IDENTITY` if the version is for somebody) and as one
/// line of JSON on its standard input, in the form of [`Notice`]. It may be run again for the same notice. It ends within
/// the call's deadline, or it is killed with its whole process group. What it prints goes nowhere, not even into an error: it
/// may print a secret.
///
/// It gets no value unless [handing over](Self::handing_over) says how. A command that is to get one is not run without it,
/// unless no version is expected: then its standard input is empty ([`HandOver::Stdin`]), or there is no
/// `KEYWHEEL_VALUE_FILE` ([`HandOver::File`]). A command that ends with 0 without having read the value was told: only it
/// knows whether it needed it.
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
    hand_over: Option<HandOver>,
}

impl CommandNotifier {
    /// Runs `line`, and looks at `evidence`. `clock` says when a call's deadline has come.
    pub fn new(line: CommandLine, evidence: Evidence, clock: Arc<dyn Clock>) -> Self {
        Self { line, evidence, clock, reloads_all: false, hand_over: None }
    }

    /// Whether one run makes the consumer read all its secrets again, so that it may serve several notices.
    #[must_use]
    pub fn reloading_all(self, reloads_all: bool) -> Self {
        Self { reloads_all, ..self }
    }

    /// How the command gets the value; not at all if `None`.
    #[must_use]
    pub fn handing_over(self, hand_over: Option<HandOver>) -> Self {
        Self { hand_over, ..self }
    }

    async fn run(&self, context: &CallContext, notice: &Notice, value: Option<&SecretValue>) -> Result<()> {
        let limit = time_left(context, self.clock.as_ref(), OPERATION, &self.line)?;
        let (input, file) = match (self.hand_over, value) {
            (None, _) | (Some(HandOver::File), None) => (Some(Cow::Owned(input(notice)?)), None),
            (Some(HandOver::Stdin), value) => (value.map(|value| Cow::Borrowed(value.expose_secret())), None),
            (Some(HandOver::File), Some(value)) => {
                (Some(Cow::Owned(input(notice)?)), Some(ValueFile::of(value, OPERATION)?))
            }
        };
        let run = Run {
            operation: OPERATION,
            line: &self.line,
            environment: environment(notice),
            input,
            file: file.as_ref(),
            keep_output: false,
            limit,
        };
        tell(run, self.clock.as_ref()).await
    }
}

#[async_trait]
impl Notifier for CommandNotifier {
    async fn notify(&self, context: &CallContext, notice: &Notice) -> Result<()> {
        if self.wants_value() && notice.expected.is_some() {
            // A command that takes nothing for the value would put nothing where the value belongs.
            let message = format!("{} was to be handed the value, and whoever called had none", self.line);
            return Err(Error::not_applied(ErrorKind::Internal, OPERATION, message));
        }
        self.run(context, notice, None).await
    }

    fn wants_value(&self) -> bool {
        self.hand_over.is_some()
    }

    async fn notify_with(&self, context: &CallContext, notice: &Notice, value: &SecretValue) -> Result<()> {
        self.run(context, notice, Some(value)).await
    }

    async fn adopted(&self, notice: &Notice) -> Result<Adoption> {
        Ok(self.evidence.observe(notice).await)
    }

    fn tells_everything(&self) -> bool {
        self.reloads_all && !self.wants_value()
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
    environment.extend(notice.identity.as_ref().map(|identity| ("KEYWHEEL_IDENTITY", identity.to_string())));
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
