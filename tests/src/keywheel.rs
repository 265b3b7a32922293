//! The binary under test, and what it said.

use std::{
    ffi::OsStr,
    io::Write,
    os::unix::process::ExitStatusExt,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Output, Stdio},
};

/// A program of this package, which cargo builds before its tests.
pub fn program(name: &str) -> PathBuf {
    let this = std::env::current_exe().unwrap();
    // `target/debug/deps/crash-0123` → `target/debug/NAME`.
    let directory = this.parent().and_then(Path::parent).unwrap();
    directory.join(name)
}

/// One call of `keywheel` in the making.
pub struct Keywheel(Command);

impl Keywheel {
    /// `keywheel ARGUMENTS` in `directory`, with a clean environment.
    pub fn new(directory: &Path, arguments: &[impl AsRef<OsStr>]) -> Self {
        let mut command = Command::new(program("keywheel-under-test"));
        command.args(arguments).current_dir(directory).env_clear().env("USER", "tester").env("NO_COLOR", "1");
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        Self(command)
    }

    /// Kills it at the `number`-th boundary, the way that `with` says.
    #[must_use]
    pub fn dying_at(self, number: usize, with: &str) -> Self {
        self.env("KEYWHEEL_CRASH_AT", number.to_string()).env("KEYWHEEL_CRASH_WITH", with)
    }

    /// Sets a variable.
    #[must_use]
    pub fn env(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.0.env(name, value);
        self
    }

    /// Runs it to its end.
    pub fn run(mut self) -> Said {
        Said::new(&self.0.output().unwrap())
    }

    /// Runs it with `input` on its standard input.
    pub fn run_with_input(mut self, input: &[u8]) -> Said {
        let mut child = self.0.stdin(Stdio::piped()).spawn().unwrap();
        // It may have heard enough before the end.
        let _ = child.stdin.take().unwrap().write_all(input);
        Said::new(&child.wait_with_output().unwrap())
    }

    /// Starts it with standard input, output and error of the caller's.
    pub fn start_with(mut self, [input, output, error]: [Stdio; 3]) -> Child {
        self.0.stdin(input).stdout(output).stderr(error).spawn().unwrap()
    }

    /// Starts it.
    pub fn start(mut self) -> Child {
        self.0.spawn().unwrap()
    }
}

/// How a call ended.
#[derive(Debug)]
pub struct Said {
    /// What the shell hears.
    pub status: ExitStatus,
    /// Its data.
    pub stdout: String,
    /// Its progress, and what went wrong.
    pub stderr: String,
}

#[expect(clippy::return_self_not_must_use, reason = "what a call said need not be looked at twice")]
impl Said {
    /// What came out of a process.
    pub fn new(output: &Output) -> Self {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Self { status: output.status, stdout: text(&output.stdout), stderr: text(&output.stderr) }
    }

    /// The exit code; `None` if a signal ended it.
    pub fn code(&self) -> Option<i32> {
        self.status.code()
    }

    /// The signal that ended it.
    pub fn signal(&self) -> Option<i32> {
        self.status.signal()
    }

    /// Everything that it said.
    pub fn words(&self) -> String {
        format!("{}{}", self.stdout, self.stderr)
    }

    /// Insists on the exit code.
    ///
    /// # Panics
    /// With everything that was said, when it is another.
    #[track_caller]
    pub fn exits(self, code: i32) -> Self {
        assert_eq!(self.code(), Some(code), "{:?} says:\n{}", self.status, self.words());
        self
    }

    /// Insists on each of `words` somewhere in what it said; line breaks do not count.
    ///
    /// # Panics
    /// With everything that was said, when one is missing.
    #[track_caller]
    pub fn says(self, words: &[&str]) -> Self {
        let said = one_line(&self.words());
        for word in words {
            assert!(said.contains(&one_line(word)), "`{word}` is not in:\n{}", self.words());
        }
        self
    }
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
