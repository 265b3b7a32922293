//! Processes that the tests start, and end by their own id.

use std::{
    os::unix::process::CommandExt,
    process::{Child, Command, Stdio},
};

/// A process that ends with the test.
pub(crate) struct Started(pub(crate) Child);

impl Started {
    /// Runs `script` as `name` in `directory`.
    pub(crate) fn script(name: &str, script: &str, directory: &std::path::Path) -> Self {
        let mut command = Command::new("sh");
        command.arg0(name).args(["-c", script]).current_dir(directory);
        Self(command.stdin(Stdio::null()).spawn().unwrap())
    }

    pub(crate) fn id(&self) -> u32 {
        self.0.id()
    }

    pub(crate) fn is_running(&mut self) -> bool {
        self.0.try_wait().unwrap().is_none()
    }
}

impl Drop for Started {
    fn drop(&mut self) {
        let _already_ended = self.0.kill();
        let _already_reaped = self.0.wait();
    }
}

/// Whether there is still a process that does something under this number.
pub(crate) fn works(id: &str) -> bool {
    state(id).is_some_and(|state| state != 'Z' && state != 'X')
}

/// The state of a process, as `ps` prints it.
pub(crate) fn state(id: &str) -> Option<char> {
    let stat = std::fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
    stat.rsplit(") ").next()?.chars().next()
}

/// Ends one process by its id.
pub(crate) fn end(id: &str) {
    let id = id.parse().ok().and_then(rustix::process::Pid::from_raw).unwrap();
    let _already_ended = rustix::process::kill_process(id, rustix::process::Signal::KILL);
}
