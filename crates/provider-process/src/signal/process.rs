//! One process as `/proc` shows it: <https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html>.

use std::{fs, io, path::Path};

use rustix::process::Pid;

use super::SignalName;

/// What the kernel keeps of a process's name in `comm`: 15 bytes (`TASK_COMM_LEN` less the NUL).
const COMM_BYTES: usize = 15;

/// A look at one process.
pub(super) struct Process {
    pub(super) pid: Pid,
    /// The short name: of the program, or whatever the process chose later.
    pub(super) comm: String,
    /// Whether it has exited and only waits for its parent to notice.
    pub(super) exited: bool,
    /// When it started, in seconds since the epoch; `None` where the kernel does not say when it booted.
    pub(super) started: Option<i64>,
    argv0: Option<String>,
    executable: Option<String>,
    masks: Option<Masks>,
}

/// What a process does with a signal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Handling {
    /// A handler catches it.
    Handled,
    /// It is held back: for good, by a process that waits for it (`sigwait`, `signalfd`), or for a moment, by one that
    /// is just starting another program.
    Blocked,
    /// It vanishes.
    Ignored,
    /// The kernel's default happens: for every signal that may be sent, the process ends.
    Default,
    /// The kernel does not say.
    Unknown,
}

struct Masks {
    blocked: u64,
    ignored: u64,
    caught: u64,
}

impl Process {
    /// Looks at `pid`.
    ///
    /// # Errors
    /// `NotFound` or `ESRCH` when there is none, or when `/proc` hides it.
    pub(super) fn read(pid: Pid) -> io::Result<Self> {
        let directory = format!("/proc/{}", pid.as_raw_nonzero());
        let directory = Path::new(&directory);
        let stat = fs::read(directory.join("stat"))?;
        let stat = Stat::parse(&String::from_utf8_lossy(&stat))
            .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "unreadable /proc/<pid>/stat"))?;
        Ok(Self {
            pid,
            comm: stat.comm,
            exited: matches!(stat.state, 'Z' | 'X' | 'x'),
            started: boot_time().map(|boot| boot + stat.start_ticks / ticks_per_second()),
            argv0: fs::read(directory.join("cmdline")).ok().and_then(|line| argv0(&line)),
            // Only the owner may read this link; for others the two names above have to do.
            executable: fs::read_link(directory.join("exe"))
                .ok()
                .and_then(|exe| base_name(&exe.to_string_lossy())),
            masks: fs::read_to_string(directory.join("status")).ok().and_then(|status| Masks::parse(&status)),
        })
    }

    /// Whether a search for `name` finds it: by its short name, or by how it was called.
    pub(super) fn is_called(&self, name: &str) -> bool {
        (name.len() <= COMM_BYTES && self.comm == name) || self.argv0.as_deref() == Some(name)
    }

    /// Whether it may well be `name`: [`Self::is_called`], or the program it runs has that name. A search does not go
    /// that far, because every script of one interpreter runs the same program.
    pub(super) fn may_be(&self, name: &str) -> bool {
        self.is_called(name) || self.executable.as_deref() == Some(name)
    }

    /// What it does with `signal`.
    pub(super) fn handling(&self, signal: SignalName) -> Handling {
        let Some(masks) = &self.masks else { return Handling::Unknown };
        let bit = 1_u64 << (signal.to_signal().as_raw() - 1);
        if masks.caught & bit != 0 {
            Handling::Handled
        } else if masks.ignored & bit != 0 {
            Handling::Ignored
        } else if masks.blocked & bit != 0 {
            Handling::Blocked
        } else {
            Handling::Default
        }
    }
}

struct Stat {
    comm: String,
    state: char,
    start_ticks: i64,
}

impl Stat {
    fn parse(text: &str) -> Option<Self> {
        // The name may itself contain spaces and parentheses: it ends at the last one.
        let (open, close) = (text.find('(')?, text.rfind(')')?);
        let comm = text.get(open + 1..close)?.to_owned();
        let mut fields = text.get(close + 1..)?.split_ascii_whitespace();
        let state = fields.next()?.chars().next()?;
        // `starttime` is the 22nd field; the state was the 3rd.
        let start_ticks = fields.nth(18)?.parse().ok()?;
        Some(Self { comm, state, start_ticks })
    }
}

impl Masks {
    fn parse(status: &str) -> Option<Self> {
        let mask = |key: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(key))?;
            u64::from_str_radix(line.trim(), 16).ok()
        };
        Some(Self { blocked: mask("SigBlk:")?, ignored: mask("SigIgn:")?, caught: mask("SigCgt:")? })
    }
}

fn argv0(command_line: &[u8]) -> Option<String> {
    let first = command_line.split(|byte| *byte == 0).next()?;
    base_name(&String::from_utf8_lossy(first))
}

fn base_name(path: &str) -> Option<String> {
    // The kernel marks the program of a process that was upgraded underneath it.
    let path = path.strip_suffix(" (deleted)").unwrap_or(path);
    path.rsplit('/').next().filter(|name| !name.is_empty()).map(str::to_owned)
}

fn boot_time() -> Option<i64> {
    let stat = fs::read_to_string("/proc/stat").ok()?;
    stat.lines().find_map(|line| line.strip_prefix("btime "))?.trim().parse().ok()
}

fn ticks_per_second() -> i64 {
    i64::try_from(rustix::param::clock_ticks_per_second()).unwrap_or(100).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_spaces_and_parentheses_does_not_shift_the_fields() {
        let text = "42 (a) Z (b) S 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 1234 99";
        let stat = Stat::parse(text).unwrap();
        assert_eq!((stat.comm.as_str(), stat.state, stat.start_ticks), ("a) Z (b", 'S', 1234));
    }

    #[test]
    fn this_process_is_seen_with_its_name_and_a_plausible_start() {
        let process = Process::read(rustix::process::getpid()).unwrap();
        assert!(!process.exited);
        assert!(process.started.unwrap() > 1_500_000_000);
        assert!(process.may_be(&process.comm.clone()));
        assert!(!process.may_be("no-such-name"));
    }

    #[test]
    fn an_upgraded_program_keeps_its_name() {
        assert_eq!(base_name("/usr/sbin/web (deleted)").as_deref(), Some("web"));
        assert_eq!(argv0(b"/usr/sbin/web\0--reload\0").as_deref(), Some("web"));
        assert_eq!(argv0(b""), None);
    }
}
