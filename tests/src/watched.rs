//! A run of keywheel that stops at every boundary, so that it can be looked at while it is alive.

use std::{
    fs::File,
    io::{Read, Seek, Write},
};

use rustix::process::{Pid, Signal, WaitOptions, WaitStatus, kill_process, waitpid};

use crate::keywheel::Keywheel;

/// What is left of a run.
pub struct Watched {
    /// Its data.
    pub stdout: Vec<u8>,
    /// Its progress, and what went wrong.
    pub stderr: Vec<u8>,
    /// How it ended.
    pub status: WaitStatus,
}

/// Killed when the hunt fails meanwhile: nobody else would ever let it go on.
struct Stopped(Option<Pid>);

impl Drop for Stopped {
    fn drop(&mut self) {
        if let Some(pid) = self.0 {
            let _ = kill_process(pid, Signal::KILL);
        }
    }
}

/// Runs `command` to its end; `look` sees it once it has started, and whenever it has stopped at a boundary.
///
/// Between the boundary after `stage` and the next one nothing happens, so a value that was made is seen in its store
/// even if the same run drops it again.
///
/// # Panics
/// When there is no room or no process.
#[expect(
    clippy::zombie_processes,
    reason = "`Child` cannot wait for a stop, so `waitpid` is asked, for the end too"
)]
pub fn watch(command: Keywheel, input: &[u8], mut look: impl FnMut(Pid)) -> Watched {
    // Files and not pipes: nobody empties a pipe while the process is being looked at.
    let [mut stdin, mut stdout, mut stderr] = [(); 3].map(|()| tempfile::tempfile().unwrap());
    stdin.write_all(input).and_then(|()| stdin.rewind()).unwrap();
    let given = [&stdin, &stdout, &stderr].map(|file| file.try_clone().unwrap().into());
    let child = command.env("KEYWHEEL_CRASH_STOP", "1").start_with(given);
    let pid = Pid::from_child(&child);
    let mut guard = Stopped(Some(pid));
    look(pid);
    let status = loop {
        let (_, status) = waitpid(Some(pid), WaitOptions::UNTRACED)
            .unwrap()
            // Without NOHANG there is an answer.
            .unwrap();
        if !status.stopped() {
            break status;
        }
        look(pid);
        kill_process(pid, Signal::CONT).unwrap();
    };
    guard.0 = None;
    Watched { stdout: content(&mut stdout), stderr: content(&mut stderr), status }
}

fn content(file: &mut File) -> Vec<u8> {
    let mut bytes = Vec::new();
    file.rewind().and_then(|()| file.read_to_end(&mut bytes)).unwrap();
    bytes
}
