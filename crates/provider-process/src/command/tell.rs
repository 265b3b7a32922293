//! What the end of a command means for whoever was to be told.

use std::{os::unix::process::ExitStatusExt, process::ExitStatus, time::Duration};

use keywheel_core::{CallContext, Clock, Error, ErrorKind, Result};

use super::{CommandLine, Outcome, Run};

/// The exit status by which a program says "try again later": `EX_TEMPFAIL` of `sysexits.h`.
const TEMPORARY_FAILURE: i32 = 75;

/// How much of a call's time is left for `line`.
///
/// # Errors
/// When there is none: nothing was started.
pub(crate) fn time_left(
    context: &CallContext,
    clock: &dyn Clock,
    operation: &'static str,
    line: &CommandLine,
) -> Result<Duration> {
    let limit = context.deadline.saturating_sub(clock.running());
    if limit.is_zero() {
        let message = format!("the deadline passed before {line} could be started");
        return Err(Error::not_applied(ErrorKind::TimedOut, operation, message));
    }
    Ok(limit)
}

/// Runs a command that tells a consumer.
///
/// # Errors
/// As the table at [`CommandNotifier`](super::CommandNotifier) has it.
pub(crate) async fn tell(run: Run<'_>, clock: &dyn Clock) -> Result<()> {
    let (operation, line) = (run.operation, run.line);
    match run.start(clock).await? {
        Outcome::Ended { status, .. } if status.success() => Ok(()),
        Outcome::Ended { status, printed, output: _ } => Err(failed(operation, line, status, printed)),
        Outcome::Killed { printed } => Err(Error::maybe_applied(
            ErrorKind::TimedOut,
            operation,
            format!(
                "{line} had not ended at the deadline and was killed ({printed} bytes of output, not shown); run it \
                 by hand to see what it waits for"
            ),
        )),
    }
}

fn failed(operation: &'static str, line: &CommandLine, status: ExitStatus, printed: u64) -> Error {
    let (kind, how) = match (status.code(), status.signal()) {
        (Some(TEMPORARY_FAILURE), _) => {
            (ErrorKind::Unavailable, "exited with 75, try again later".to_owned())
        }
        (Some(code), _) => (ErrorKind::Rejected, format!("exited with {code}")),
        (None, Some(signal)) => (ErrorKind::Unavailable, format!("was ended by signal {signal}")),
        (None, None) => (ErrorKind::Unavailable, "ended in an unknown way".to_owned()),
    };
    Error::maybe_applied(
        kind,
        operation,
        format!("{line} {how} ({printed} bytes of output, not shown); run it by hand to see what it says"),
    )
}
