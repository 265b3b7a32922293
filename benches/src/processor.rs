//! How long processors worked, whoever else kept them busy meanwhile.

use std::{fs, time::Duration};

use nix::{
    sys::resource::{UsageWho, getrusage},
    unistd::{SysconfVar, sysconf},
};

use crate::measure::{Outcome, words};

/// What something took.
#[derive(Clone, Copy)]
pub(crate) struct Cost {
    /// On the clock.
    pub(crate) time: Duration,
    /// Of processors, in this process.
    pub(crate) here: Duration,
    /// Of processors, in the server and its children.
    pub(crate) server: Duration,
}

impl Cost {
    /// What `work` takes, which says how long it was on the clock.
    pub(crate) fn of(server: Option<u32>, work: impl FnOnce() -> Outcome<Duration>) -> Outcome<Self> {
        let server = server.ok_or("the server does not run")?;
        let (here, there) = (this_process()?, family(server)?);
        let time = work()?;
        Ok(Self {
            time,
            here: this_process()?.saturating_sub(here),
            server: family(server)?.saturating_sub(there),
        })
    }

    /// The mean of two measurements of the same thing.
    pub(crate) fn mean(self, other: Self) -> Self {
        Self {
            time: (self.time + other.time) / 2,
            here: (self.here + other.here) / 2,
            server: (self.server + other.server) / 2,
        }
    }
}

/// How long this process has used processors so far.
pub(crate) fn this_process() -> Outcome<Duration> {
    let usage = getrusage(UsageWho::RUSAGE_SELF).map_err(words)?;
    let microseconds = |time: nix::sys::time::TimeVal| {
        u64::try_from(time.tv_sec() * 1_000_000 + time.tv_usec()).unwrap_or_default()
    };
    Ok(Duration::from_micros(microseconds(usage.user_time()) + microseconds(usage.system_time())))
}

/// How long a server has: its first process, the children of that one, and those that have ended.
fn family(id: u32) -> Outcome<Duration> {
    let mut ticks = 0;
    for process in fs::read_dir("/proc").map_err(words)?.flatten() {
        // One that ends meanwhile is counted with its parent's, a moment later.
        let Ok(text) = fs::read_to_string(process.path().join("stat")) else { continue };
        // The program's name may hold anything but ends with the last parenthesis. See proc_pid_stat(5).
        let Some((_, fields)) = text.rsplit_once(") ") else { continue };
        let fields: Vec<&str> = fields.split(' ').collect();
        let field =
            |number: usize| fields.get(number - 3).and_then(|field| field.parse::<u64>().ok()).unwrap_or(0);
        if process.file_name().to_str() == Some(&*id.to_string()) {
            ticks += (14..=17).map(field).sum::<u64>();
        } else if field(4) == u64::from(id) {
            ticks += field(14) + field(15);
        }
    }
    let per_second = sysconf(SysconfVar::CLK_TCK).map_err(words)?.unwrap_or(100);
    let per_second = u64::try_from(per_second).map_err(words)?;
    Ok(Duration::from_millis(ticks * 1000 / per_second))
}
