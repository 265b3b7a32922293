//! File systems of a scene's own: mounts that only its own processes see.

use std::{
    io::{BufRead, BufReader, Write},
    path::{Path, PathBuf},
    process::{Child, ChildStdin, Command, Stdio},
};

use crate::keywheel::{Said, program};

/// A mount namespace, gone with this.
pub struct Namespace {
    holder: Child,
    shell: ChildStdin,
    answers: BufReader<std::process::ChildStdout>,
}

impl Namespace {
    /// A namespace in which `mounts`, a shell script, was run in `directory`. `None` where this user may not mount; a
    /// test that runs in CI fails then.
    ///
    /// # Panics
    /// In CI, when the system refuses.
    pub fn new(directory: &Path, mounts: &str) -> Option<Self> {
        let as_root = rustix::process::getuid().is_root();
        let mut command = Command::new("unshare");
        if !as_root {
            command.arg("--map-root-user");
        }
        command.args(["--mount", "sh"]).current_dir(directory);
        let started = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
        let tried = started.ok().and_then(|mut holder| {
            let shell = holder.stdin.take()?;
            let answers = BufReader::new(holder.stdout.take()?);
            let mut namespace = Self { holder, shell, answers };
            namespace.shell(mounts).then_some(namespace)
        });
        if tried.is_none() {
            let missing =
                "skipped: this user may not mount (`unshare --mount` and `mount` of util-linux are needed)";
            assert!(std::env::var_os("CI").is_none(), "{missing}");
            eprintln!("{missing}");
        }
        tried
    }

    /// Runs a line of shell in it; whether it succeeded.
    pub fn shell(&mut self, line: &str) -> bool {
        let sent = writeln!(self.shell, "( {line} ) >/dev/null 2>&1; echo $?").is_ok();
        let mut answer = String::new();
        sent && self.answers.read_line(&mut answer).is_ok() && answer.trim() == "0"
    }

    /// `keywheel ARGUMENTS` in it, run to its end.
    pub fn keywheel(&self, directory: &Path, arguments: &[&str]) -> Said {
        let mut command = Command::new("nsenter");
        command.arg(format!("--target={}", self.holder.id())).arg("--mount");
        if !rustix::process::getuid().is_root() {
            command.args(["--user", "--preserve-credentials"]);
        }
        // The directory is entered once inside: outside, the mounts do not cover it.
        command
            .args(["sh", "-c", "cd \"$0\" && exec \"$@\""])
            .arg(directory)
            .arg(program("keywheel-under-test"));
        command.args(arguments).env("USER", "tester").env("NO_COLOR", "1").stdin(Stdio::null());
        Said::new(&command.output().unwrap())
    }

    /// `path` as it is inside.
    pub fn inside(&self, path: &Path) -> PathBuf {
        PathBuf::from(format!("/proc/{}/root{}", self.holder.id(), path.display()))
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        let _ = self.holder.kill();
        let _ = self.holder.wait();
    }
}
