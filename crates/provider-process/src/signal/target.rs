//! Which processes get the signal.

use std::fs;

use keywheel_core::ErrorKind;
use rustix::process::{Pid, getpid};

use super::{pid_file, process::Process, recipient::Recipient};
use crate::{inventory_path::InventoryPath, refusal::Refusal};

/// How the consumer's process is found. A further way to find it is a further variant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SignalTarget {
    /// The one process whose number the file holds.
    PidFile {
        /// The file.
        path: InventoryPath,
        /// What that process must be called, so that a number that went to another process is noticed.
        process: Option<String>,
    },
    /// Every process of this name, whoever owns it: its `comm`, or the last part of its `argv[0]`. Not process 1 and
    /// not this one. A server with workers under the same name is better reached through its pid file.
    ProcessName(String),
}

impl SignalTarget {
    /// What it is, for a person.
    pub fn describe(&self) -> String {
        match self {
            Self::PidFile { path, process: _ } => format!("the process in {}", path.written()),
            Self::ProcessName(name) => format!("every process named {name}"),
        }
    }

    /// Whether a process that was found is still one of those looked for: a process about to run another program
    /// bears its parent's name until it does.
    pub(super) fn still_means(&self, process: &Process) -> bool {
        !process.exited
            && match self {
                Self::PidFile { .. } => true,
                Self::ProcessName(name) => process.is_called(name),
            }
    }

    /// Takes hold of the processes. At least one, or a refusal.
    pub(super) fn recipients(&self) -> Result<Vec<Recipient>, Refusal> {
        match self {
            Self::PidFile { path, process } => Ok(vec![pid_file::holder(path, process.as_deref())?]),
            Self::ProcessName(name) => named(name),
        }
    }
}

fn named(name: &str) -> Result<Vec<Recipient>, Refusal> {
    let mut recipients = Vec::new();
    for pid in running()? {
        // Looked at twice: cheaply for every process, then again behind a descriptor for those that seem right.
        if !Process::read(pid).is_ok_and(|process| process.is_called(name)) {
            continue;
        }
        recipients.extend(Recipient::open(pid)?.filter(|recipient| recipient.process.is_called(name)));
    }
    if recipients.is_empty() {
        return Err(not_running(name));
    }
    Ok(recipients)
}

/// No process of that name.
fn not_running(name: &str) -> Refusal {
    Refusal::new(
        ErrorKind::NotFound,
        format!("no process named {name} is running"),
        "start the consumer; if it runs, `process` must be its comm or the last part of its argv[0], as `ps -eo pid,comm,args` shows them",
    )
}

fn running() -> Result<impl Iterator<Item = Pid>, Refusal> {
    let entries = fs::read_dir("/proc").map_err(|error| {
        Refusal::new(
            ErrorKind::Unsupported,
            format!("/proc cannot be read: {error}"),
            "mount it, or name a pid file instead of a process",
        )
    })?;
    let own = getpid();
    Ok(entries
        .filter_map(|entry| Pid::from_raw(entry.ok()?.file_name().to_str()?.parse().ok()?))
        .filter(move |pid| *pid != Pid::INIT && *pid != own))
}
