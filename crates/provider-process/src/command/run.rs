//! One run of a command: its own process group, a limit in time, no process left behind.

use std::{borrow::Cow, io, pin::pin, process::ExitStatus, process::Stdio, time::Duration};

use keywheel_core::{Clock, Effect, Error, ErrorKind, Result};
use rustix::process::{Pid, Signal, kill_process_group};
use tokio::{
    io::AsyncWriteExt,
    process::{Child, ChildStdin},
};

use super::{CommandLine, capture::Capture, environment, hand_over::ValueFile};

/// How long the rest of the output is waited for after the program itself has ended, and the end of a program after it
/// was killed. A program may leave a process behind that keeps the pipes open for ever.
const GRACE: Duration = Duration::from_millis(500);

/// What to run, and how.
pub(crate) struct Run<'a> {
    /// The operation that errors name.
    pub(crate) operation: &'static str,
    /// The program and its arguments.
    pub(crate) line: &'a CommandLine,
    /// Variables beside the inherited ones.
    pub(crate) environment: Vec<(&'static str, String)>,
    /// What the program reads; nothing if `None`.
    pub(crate) input: Option<Cow<'a, [u8]>>,
    /// What it finds a value in.
    pub(crate) file: Option<&'a ValueFile>,
    /// Whether the caller wants to see what the program printed.
    pub(crate) keep_output: bool,
    /// How long it may take.
    pub(crate) limit: Duration,
}

/// How a run ended.
pub(crate) enum Outcome {
    /// By itself.
    Ended {
        status: ExitStatus,
        /// The first 64 KiB of the standard output, if they were to be kept.
        output: Vec<u8>,
        /// How much both streams held.
        printed: u64,
    },
    /// Killed, with its whole process group, when the limit was reached.
    Killed { printed: u64 },
}

/// A child that leads a process group, which is killed with it if the run is given up half way.
struct Group(Child);

impl Group {
    fn kill(&self) {
        // Only while the leader has not been waited for: until then nobody else can get the group's number.
        let leader = self.0.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
        if let Some(leader) = leader {
            // It fails only if there is nobody left to kill.
            let _nobody_left = kill_process_group(leader, Signal::KILL);
        }
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.kill();
    }
}

impl Run<'_> {
    /// Starts the program and waits until it has ended.
    ///
    /// A process that left the group (`setsid`) survives the limit; one that the program left behind after it ended by
    /// itself is none of ours, and must redirect its output, because the pipes close.
    ///
    /// # Errors
    /// [`Effect::NotApplied`]: it was not started. [`Effect::MaybeApplied`]: it was, and cannot be followed.
    pub(crate) async fn start(self, clock: &dyn Clock) -> Result<Outcome> {
        let Self { operation, line, environment, input, file, keep_output, limit } = self;
        let mut command = line.to_command().map_err(|refusal| refusal.into_error(operation))?;
        command
            .env_clear()
            .envs(environment::inherited())
            .envs(environment)
            .stdin(if input.is_some() { Stdio::piped() } else { Stdio::null() })
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .kill_on_drop(true);
        if let Some(file) = file {
            file.lend_to(&mut command, operation)?;
        }
        let child = command.spawn().map_err(|error| line.not_started(&error).into_error(operation))?;
        // It holds what was lent, which the child has by now.
        drop(command);
        // Neither arguments nor output: both may hold what somebody put there.
        tracing::debug!(command = %line, pid = child.id(), "command started");
        let mut group = Group(child);
        let (stdin, stdout, stderr) = (group.0.stdin.take(), group.0.stdout.take(), group.0.stderr.take());

        let mut output = if keep_output { Capture::beginning() } else { Capture::length() };
        let mut complaints = Capture::length();
        let status = {
            let mut streams = pin!(async {
                // A stream that breaks is a stream that ended: the exit status is what counts.
                let _ended = tokio::join!(feed(stdin, input), output.drain(stdout), complaints.drain(stderr));
            });
            let mut streaming = true;
            let mut limit = clock.sleep(limit);
            let status = loop {
                tokio::select! {
                    status = group.0.wait() => break Some(status),
                    () = &mut streams, if streaming => streaming = false,
                    () = &mut limit => break None,
                }
            };
            if status.is_none() {
                group.kill();
                tokio::select! {
                    _status = group.0.wait() => {}
                    () = clock.sleep(GRACE) => {}
                }
            }
            if streaming {
                tokio::select! {
                    () = &mut streams => {}
                    () = clock.sleep(GRACE) => {}
                }
            }
            status
        };
        let printed = output.total() + complaints.total();
        tracing::debug!(command = %line, ?status, printed, "command ended");
        match status {
            None => Ok(Outcome::Killed { printed }),
            Some(Ok(status)) => Ok(Outcome::Ended { status, output: output.into_kept(), printed }),
            Some(Err(error)) => Err(lost(operation, line, error)),
        }
    }
}

async fn feed(stdin: Option<ChildStdin>, input: Option<Cow<'_, [u8]>>) -> io::Result<()> {
    let (Some(mut stdin), Some(input)) = (stdin, input) else { return Ok(()) };
    // A program that does not read its input closes the pipe: nothing is wrong with that.
    stdin.write_all(&input).await?;
    stdin.shutdown().await
}

fn lost(operation: &'static str, line: &CommandLine, error: io::Error) -> Error {
    let message = format!("{line} was started, but its end cannot be seen; look whether it did its work");
    Error { effect: Effect::MaybeApplied, ..Error::not_applied(ErrorKind::Internal, operation, message) }
        .caused_by(error)
}
