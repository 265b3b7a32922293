//! A program and its arguments.

use std::{
    env, fmt, io,
    path::{Path, PathBuf},
};

use keywheel_core::{
    ErrorKind,
    provider::{Mistake, Surroundings},
};
use rustix::fs::{Access, access};
use tokio::process::Command;

use crate::refusal::Refusal;

/// Where programs are looked for when the environment has no `PATH`, as `execvp` does.
const DEFAULT_PATH: &str = "/bin:/usr/bin";

/// A program and its arguments, run without a shell in the inventory's directory.
///
/// A program with a slash in it is a path, relative to the inventory's directory; one without is looked for in `PATH`.
/// Who wants a shell writes `[sh, -c, "…"]`. [`fmt::Debug`] and [`fmt::Display`] show the program and no argument.
#[derive(Clone, PartialEq, Eq)]
pub struct CommandLine {
    program: String,
    arguments: Vec<String>,
    directory: PathBuf,
}

impl CommandLine {
    /// Takes the words of `field`, a setting of the inventory.
    ///
    /// # Errors
    /// A [`Mistake`] if there is no program.
    pub fn new(
        field: &'static str,
        words: Vec<String>,
        surroundings: &Surroundings,
    ) -> Result<Self, Mistake> {
        let hint = "write the program and its arguments as a list: `[systemctl, reload, web]`";
        if words.iter().any(|word| word.contains('\0')) {
            return Err(Mistake::new(field, "a word of the command contains a NUL character", hint));
        }
        let mut words = words.into_iter();
        let Some(program) = words.next().filter(|program| !program.is_empty()) else {
            return Err(Mistake::new(field, "no program is named", hint));
        };
        if program.contains(char::is_whitespace) && words.len() == 0 {
            return Err(Mistake::new(
                field,
                "the command is one word with spaces in it, and no shell splits it",
                hint,
            ));
        }
        Ok(Self { program, arguments: words.collect(), directory: surroundings.base.clone() })
    }

    /// The program as a process, not yet started.
    pub(super) fn to_command(&self) -> Result<Command, Refusal> {
        let directory = self.directory()?;
        let mut command = Command::new(self.locate(&directory)?);
        command.arg0(&self.program).args(&self.arguments).current_dir(directory);
        Ok(command)
    }

    /// Whether the program is there and may be run.
    pub(crate) fn check(&self) -> Result<(), Refusal> {
        self.locate(&self.directory()?).map(drop)
    }

    fn directory(&self) -> Result<PathBuf, Refusal> {
        // Absolute: the child changes to it before it looks for the program, so a relative path would count twice.
        std::path::absolute(if self.directory.as_os_str().is_empty() {
            Path::new(".")
        } else {
            &self.directory
        })
        .map_err(|error| {
            Refusal::new(
                ErrorKind::Unavailable,
                format!("the working directory cannot be found: {error}"),
                "start keywheel in a directory that exists",
            )
        })
    }

    fn locate(&self, directory: &Path) -> Result<PathBuf, Refusal> {
        let candidates: Vec<PathBuf> = if self.program.contains('/') {
            vec![directory.join(&self.program)]
        } else {
            let path = env::var_os("PATH").unwrap_or_else(|| DEFAULT_PATH.into());
            env::split_paths(&path).map(|place| directory.join(place).join(&self.program)).collect()
        };
        let mut refusal = Refusal::new(
            ErrorKind::InvalidConfig,
            format!("there is no program {self}"),
            "install it, or correct the first word of the command; a path with a slash starts at the inventory's directory",
        );
        for candidate in candidates.into_iter().filter(|candidate| candidate.is_file()) {
            if access(&candidate, Access::EXEC_OK).is_ok() {
                return Ok(candidate);
            }
            refusal = Refusal::new(
                ErrorKind::PermissionDenied,
                format!("{} may not be run", candidate.display()),
                "make it executable for keywheel's user: chmod +x",
            );
        }
        Err(refusal)
    }

    /// Why the located program did not start.
    #[expect(clippy::wildcard_enum_match_arm, reason = "the kinds of I/O errors are open-ended")]
    pub(super) fn not_started(&self, error: &io::Error) -> Refusal {
        match error.kind() {
            // The file was there a moment ago, so what is missing is what its first line names.
            io::ErrorKind::NotFound => Refusal::new(
                ErrorKind::InvalidConfig,
                format!("{self} cannot be started: {error}"),
                "if it is a script, install the interpreter that its first line names",
            ),
            io::ErrorKind::PermissionDenied => Refusal::new(
                ErrorKind::PermissionDenied,
                format!("{self} may not be run: {error}"),
                "look at the rights on the program, its directories and the inventory's directory",
            ),
            io::ErrorKind::ArgumentListTooLong | io::ErrorKind::InvalidInput => Refusal::new(
                ErrorKind::InvalidConfig,
                format!("{self} cannot be started: {error}"),
                "correct the command's arguments",
            ),
            // ENOEXEC has no kind of its own.
            _ if error.raw_os_error() == Some(rustix::io::Errno::NOEXEC.raw_os_error()) => Refusal::new(
                ErrorKind::InvalidConfig,
                format!("{self} is not a program: {error}"),
                "a script needs a first line such as #!/bin/sh",
            ),
            // No memory, no process number, no descriptor left, or the file is being written: all may pass.
            _ => Refusal::new(
                ErrorKind::Unavailable,
                format!("{self} cannot be started: {error}"),
                "look at the machine's memory and at the limits on processes and open files",
            ),
        }
    }
}

impl fmt::Display for CommandLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.program)
    }
}

impl fmt::Debug for CommandLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CommandLine({} and {} arguments)", self.program, self.arguments.len())
    }
}
