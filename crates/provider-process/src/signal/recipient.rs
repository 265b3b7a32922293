//! One process held by a pidfd, so that what was checked and what gets the signal are the same process.

use keywheel_core::ErrorKind;
use rustix::{
    fd::OwnedFd,
    io::Errno,
    process::{Pid, PidfdFlags, pidfd_open, pidfd_send_signal, test_kill_process},
};

use super::{
    SignalName,
    process::{Handling, Process},
};
use crate::refusal::Refusal;

/// A process that the descriptor keeps apart from every later bearer of the same number.
///
/// `/proc/<pid>` is read after the descriptor was opened, and the signal goes through the descriptor: if the process
/// ended in between and another took its number, sending fails with `ESRCH` instead of reaching the other.
pub(super) struct Recipient {
    pub(super) process: Process,
    pidfd: OwnedFd,
    /// Whether one of the looks found the kernel's default in force.
    was_bare: bool,
}

/// What became of one signal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Delivery {
    Sent,
    /// The process ended before the signal came.
    Gone,
    Refused(Errno),
}

impl Recipient {
    /// Takes hold of `pid`; `None` if there is no such process, or it has exited.
    pub(super) fn open(pid: Pid) -> Result<Option<Self>, Refusal> {
        let Some(pidfd) = descriptor(pid)? else { return Ok(None) };
        match Process::read(pid) {
            // A signal to a process that has exited but was not waited for succeeds, and reaches nobody.
            Ok(process) if process.exited => Ok(None),
            Ok(process) => Ok(Some(Self { process, pidfd, was_bare: false })),
            // It ended meanwhile, unless the number can still be opened.
            Err(_) if descriptor(pid)?.is_none() => Ok(None),
            Err(error) => Err(Refusal::new(
                ErrorKind::PermissionDenied,
                format!("process {} cannot be looked at: {error}", number(pid)),
                "/proc may be mounted with hidepid: run keywheel as the consumer's user, or in the group that may see it",
            )),
        }
    }

    /// Whether another look may tell more about what `signal` would do: a process that is starting has no handler
    /// yet, and one that is forking holds every signal back for a moment.
    pub(super) fn is_undecided(&self, signal: SignalName) -> bool {
        match self.process.handling(signal) {
            Handling::Blocked | Handling::Default => !signal.ends_the_process(),
            Handling::Handled | Handling::Ignored | Handling::Unknown => false,
        }
    }

    /// Looks again. If the number went to another process meanwhile, the look is wrong and sending fails.
    pub(super) fn look_again(&mut self, signal: SignalName) {
        self.was_bare |= self.process.handling(signal) == Handling::Default;
        match Process::read(self.process.pid) {
            Ok(process) => self.process = process,
            Err(_) => self.process.exited = true,
        }
    }

    /// Whether `signal` would do what it is sent for, by all that the looks have shown.
    pub(super) fn check(&self, signal: SignalName) -> Result<(), Refusal> {
        let (pid, comm) = (number(self.process.pid), &self.process.comm);
        match self.process.handling(signal) {
            Handling::Handled | Handling::Unknown => Ok(()),
            Handling::Blocked | Handling::Default if signal.ends_the_process() => Ok(()),
            Handling::Blocked if !self.was_bare => Ok(()),
            // Transient: a process that has just started has not installed its handlers yet.
            Handling::Blocked | Handling::Default => Err(Refusal::new(
                ErrorKind::Unavailable,
                format!("process {pid} ({comm}) has no handler for {signal}, so the signal would end it"),
                "wait until it has started, choose a signal that it handles, or SIGTERM if something restarts it",
            )),
            Handling::Ignored => Err(Refusal::new(
                ErrorKind::Unavailable,
                format!("process {pid} ({comm}) ignores {signal}, so the signal would tell it nothing"),
                "choose a signal that it handles; a process started under nohup ignores SIGHUP",
            )),
        }
    }

    /// Whether this process may signal it, without doing so.
    pub(super) fn check_permission(&self) -> Result<(), Refusal> {
        match test_kill_process(self.process.pid) {
            Err(Errno::PERM) => Err(not_permitted(self.process.pid, &self.process.comm)),
            Ok(()) | Err(_) => Ok(()),
        }
    }

    /// Sends.
    pub(super) fn send(&self, signal: SignalName) -> Delivery {
        tracing::debug!(pid = number(self.process.pid), comm = %self.process.comm, %signal, "signal sent");
        match pidfd_send_signal(&self.pidfd, signal.to_signal()) {
            Ok(()) => Delivery::Sent,
            Err(Errno::SRCH) => Delivery::Gone,
            Err(errno) => Delivery::Refused(errno),
        }
    }
}

/// The missing right, in words.
pub(super) fn not_permitted(pid: Pid, comm: &str) -> Refusal {
    Refusal::new(
        ErrorKind::PermissionDenied,
        format!("no right to signal process {} ({comm})", number(pid)),
        "run keywheel as the consumer's user or give it CAP_KILL",
    )
}

pub(super) fn number(pid: Pid) -> i32 {
    pid.as_raw_nonzero().get()
}

fn descriptor(pid: Pid) -> Result<Option<OwnedFd>, Refusal> {
    match pidfd_open(pid, PidfdFlags::empty()) {
        Ok(pidfd) => Ok(Some(pidfd)),
        // EINVAL and, from 6.9 on, ENOENT: the number of a thread, not of a process.
        Err(Errno::SRCH | Errno::INVAL | Errno::NOENT) => Ok(None),
        Err(Errno::NOSYS) => Err(Refusal::new(
            ErrorKind::Unsupported,
            "this kernel has no pidfd_open, without which a signal may reach the wrong process",
            "use Linux 5.3 or newer, or tell the consumer by a command",
        )),
        Err(Errno::PERM) => Err(Refusal::new(
            ErrorKind::PermissionDenied,
            "pidfd_open is forbidden here",
            "allow it in the container's seccomp profile, or tell the consumer by a command",
        )),
        Err(errno) => Err(Refusal::new(
            ErrorKind::Unavailable,
            format!("process {} cannot be opened: {errno}", number(pid)),
            "look at the limits on open files",
        )),
    }
}
