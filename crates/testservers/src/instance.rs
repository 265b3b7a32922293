//! One server process and its directory.

use std::{
    fs,
    os::unix::process::CommandExt,
    path::Path,
    process::{Child, Command, Stdio},
    time::Duration,
};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use crate::patience::{Stopwatch, pause};

/// How long a server may take to answer. Machines that run tests are busy.
const PATIENCE: Duration = Duration::from_mins(3);

/// How long a server may take to end by itself.
const FAREWELL: Duration = Duration::from_secs(10);

/// How a server is started.
pub struct Launch {
    /// The program with its arguments. Its output goes to `log` in the directory.
    pub command: Command,
    /// The user and group it runs as, where it refuses to run as root.
    pub run_as: Option<u32>,
    /// How it is asked to end: `PostgreSQL`'s `INT` ends it without waiting for its clients.
    pub end_with: Signal,
}

/// A running server. It is stopped when this is dropped.
pub struct Instance {
    directory: TempDir,
    launch: Launch,
    child: Option<Child>,
}

impl Instance {
    /// Starts `launch` with `directory` as its own, and waits until `answers` says yes.
    ///
    /// # Panics
    /// When it ends, or does not answer in time: with the end of its log.
    pub fn start(directory: TempDir, launch: Launch, answers: impl FnMut() -> bool) -> Self {
        let mut instance = Self { directory, launch, child: None };
        instance.start_again(answers);
        instance
    }

    /// The directory.
    pub fn directory(&self) -> &Path {
        self.directory.path()
    }

    /// What it has written to its output so far.
    pub fn log(&self) -> String {
        let bytes = fs::read(self.directory.path().join("log")).unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// Its process id, while it runs.
    pub fn id(&self) -> Option<u32> {
        self.child.as_ref().map(Child::id)
    }

    /// Starts it where it was killed or stopped.
    ///
    /// # Panics
    /// As [`Instance::start`].
    pub fn start_again(&mut self, mut answers: impl FnMut() -> bool) {
        assert!(self.child.is_none(), "it runs already");
        let log = fs::File::options()
            .create(true)
            .append(true)
            .open(self.directory.path().join("log"))
            .expect("a log");
        let errors = log.try_clone().expect("a log");
        let command = &mut self.launch.command;
        command.stdin(Stdio::null()).stdout(log).stderr(errors);
        if let Some(id) = self.launch.run_as {
            command.uid(id).gid(id);
        }
        self.child = Some(command.spawn().expect("the program can be started"));
        let watch = Stopwatch::start();
        while !answers() {
            let ended = self.child.as_mut().and_then(|child| child.try_wait().ok().flatten());
            assert!(ended.is_none(), "the server ended ({ended:?}):\n{}", self.log());
            assert!(watch.elapsed() < PATIENCE, "the server does not answer:\n{}", self.log());
            pause(Duration::from_millis(20));
        }
    }

    /// Kills it, as a power cut would: nothing is finished.
    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _gone = child.kill();
            let _status = child.wait();
        }
    }

    /// Has it end in order.
    pub fn stop(&mut self) {
        let Some(mut child) = self.child.take() else { return };
        if let Some(id) = i32::try_from(child.id()).ok().and_then(Pid::from_raw) {
            let _gone = kill_process(id, self.launch.end_with);
        }
        let watch = Stopwatch::start();
        while watch.elapsed() < FAREWELL {
            if matches!(child.try_wait(), Ok(Some(_)) | Err(_)) {
                return;
            }
            pause(Duration::from_millis(10));
        }
        let _gone = child.kill();
        let _status = child.wait();
    }
}

impl Drop for Instance {
    fn drop(&mut self) {
        self.stop();
    }
}
