//! Tells a unit of systemd, through `systemctl`.

use std::sync::Arc;

use async_trait::async_trait;
use keywheel_core::{
    CallContext, Clock, Error, ErrorKind, Result,
    notifier::{Adoption, Notice, Notifier},
    provider::{Finding, Mistake, Surroundings},
};

use super::{UnitAction, UnitName};
use crate::{
    command::{CommandLine, Outcome, Run, tell, time_left},
    evidence::Evidence,
    signal::SignalName,
};

const OPERATION: &str = "tell unit";

/// How long `doctor` waits for `systemctl`.
const LOOK_TIME: std::time::Duration = std::time::Duration::from_secs(5);

/// The exit statuses of `systemctl is-active` for a unit that is not running, or that nobody knows:
/// <https://www.freedesktop.org/software/systemd/man/latest/systemctl.html#Exit%20status>.
const NOT_RUNNING: [i32; 2] = [3, 4];

/// Reloads, restarts or signals one unit.
///
/// A unit that is not active is [`ErrorKind::NotFound`]: `try-restart` of a unit that does not run succeeds and does
/// nothing, so it is asked first. What `systemctl` prints goes nowhere.
pub struct UnitNotifier {
    unit: UnitName,
    is_active: CommandLine,
    can_reload: Option<CommandLine>,
    act: CommandLine,
    evidence: Evidence,
    clock: Arc<dyn Clock>,
}

impl UnitNotifier {
    /// Does `action` to `unit` through `systemctl`, a program; looks at `evidence`.
    ///
    /// # Errors
    /// A [`Mistake`] if `systemctl` cannot be a program.
    pub fn new(
        systemctl: &str,
        unit: UnitName,
        action: UnitAction,
        signal: SignalName,
        evidence: Evidence,
        surroundings: &Surroundings,
    ) -> Result<Self, Mistake> {
        let signal = format!("--signal={signal}");
        let verb: &[&str] = match action {
            UnitAction::Reload => &["reload"],
            UnitAction::Restart => &["try-restart"],
            UnitAction::Signal => &["kill", "--kill-whom=main", &signal],
        };
        let line = |words: &[&str]| {
            // Nobody is there to type a password.
            let all = [&[systemctl, "--no-ask-password"], words, &["--", unit.as_str()]].concat();
            CommandLine::new("systemctl", all.into_iter().map(str::to_owned).collect(), surroundings)
        };
        Ok(Self {
            is_active: line(&["is-active", "--quiet"])?,
            can_reload: match action {
                UnitAction::Reload => Some(line(&["show", "--property=CanReload", "--value"])?),
                UnitAction::Restart | UnitAction::Signal => None,
            },
            act: line(verb)?,
            unit,
            evidence,
            clock: Arc::clone(&surroundings.clock),
        })
    }

    /// An error unless the unit runs.
    async fn look(&self, limit: std::time::Duration) -> Result<()> {
        let failed = |kind, how: String| Err(Error::not_applied(kind, OPERATION, how));
        // It only looks, so nothing was applied whatever became of it.
        let outcome = run(&self.is_active, limit).start(self.clock.as_ref()).await;
        match outcome.map_err(|error| Error { effect: keywheel_core::Effect::NotApplied, ..error })? {
            Outcome::Ended { status, .. } if status.success() => Ok(()),
            Outcome::Ended { status, .. }
                if status.code().is_some_and(|code| NOT_RUNNING.contains(&code)) =>
            {
                failed(ErrorKind::NotFound, format!("the unit {} is not active; start it", self.unit))
            }
            Outcome::Ended { status, .. } => failed(
                ErrorKind::Unavailable,
                format!(
                    "{} is-active ended with {status}; run it by hand to see what it says",
                    self.is_active
                ),
            ),
            Outcome::Killed { .. } => {
                failed(ErrorKind::TimedOut, format!("{} is-active did not end in time", self.is_active))
            }
        }
    }

    /// Why the unit cannot be reloaded, as far as systemd says so.
    async fn reload_trouble(&self) -> Option<Finding> {
        let line = self.can_reload.as_ref()?;
        match run(line, LOOK_TIME).start(self.clock.as_ref()).await {
            Ok(Outcome::Ended { status, output, .. }) if status.success() && output.trim_ascii() == b"no" => {
                Some(Finding::error(
                    format!("the unit {} cannot be reloaded: it has no ExecReload", self.unit),
                    "give it one, or write `action: restart` or `action: signal`",
                ))
            }
            Ok(Outcome::Ended { .. } | Outcome::Killed { .. }) | Err(_) => None,
        }
    }
}

#[async_trait]
impl Notifier for UnitNotifier {
    async fn notify(&self, context: &CallContext, _notice: &Notice) -> Result<()> {
        let clock = self.clock.as_ref();
        self.look(time_left(context, clock, OPERATION, &self.is_active)?).await?;
        let limit = time_left(context, clock, OPERATION, &self.act)?;
        tell(Run { file: None, keep_output: false, ..run(&self.act, limit) }, clock).await
    }

    async fn adopted(&self, notice: &Notice) -> Result<Adoption> {
        Ok(self.evidence.observe(notice).await)
    }

    fn tells_everything(&self) -> bool {
        true
    }

    async fn examine(&self) -> Vec<Finding> {
        let mut findings: Vec<Finding> = self.act.check().err().map(Finding::from).into_iter().collect();
        if findings.is_empty() {
            if let Err(error) = self.look(LOOK_TIME).await {
                findings.push(Finding::warning(error.message, "see what `systemctl status` says of it"));
            }
            findings.extend(self.reload_trouble().await);
        }
        findings.extend(self.evidence.examine().await);
        findings
    }
}

fn run(line: &CommandLine, limit: std::time::Duration) -> Run<'_> {
    Run {
        operation: OPERATION,
        line,
        environment: Vec::new(),
        input: None,
        file: None,
        keep_output: true,
        limit,
    }
}
