//! A directory of its own for each test, and the binary run in it.

use std::{
    fmt::Write,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

use assert_cmd::cargo::cargo_bin;
use tempfile::TempDir;

/// One secret in two stores with a consumer, one without an overlap, one that a person provides, one frozen.
const INVENTORY: &str = "\
version: 1
tiers:
  critical: { every: 90d, overlap: 1h }
environments:
  dev: { rotatable: false, reason: shared by everyone }
stores:
  app-dir: { directory: { path: ./secrets } }
  app-env: { env-file: { path: ./app.env } }
secrets:
  db-password:
    generate: password
    tier: critical
    tags: [db]
    owner: ops
    stores: [app-dir, { store: app-env, key: DB_PASSWORD }]
  session: { generate: cookie-key, stores: [app-dir], every: 30d, overlap: 0s }
  api-key: { provided: stdin, stores: [app-dir], overlap: 0s }
  dev-thing: { generate: password, environment: dev, stores: [app-dir] }
";

/// The directory.
pub(crate) struct World {
    directory: TempDir,
}

impl World {
    /// Empty.
    pub(crate) fn empty() -> Self {
        Self { directory: tempfile::tempdir().expect("a directory") }
    }

    /// With an inventory.
    pub(crate) fn new() -> Self {
        let world = Self::empty();
        world.write("keywheel.yaml", INVENTORY);
        world
    }

    /// With a first value of everything that is generated.
    pub(crate) fn settled() -> Self {
        let world = Self::new();
        world.succeeds("rotate --due --yes");
        world
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        std::fs::write(self.path(name), text).expect(name);
    }

    pub(crate) fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).expect(name)
    }

    /// The binary, in the directory, with nothing of the outer environment.
    pub(crate) fn command(&self, arguments: &str) -> Command {
        let mut command = Command::new(cargo_bin!("keywheel"));
        command
            .args(words(arguments))
            .current_dir(self.directory.path())
            .env_clear()
            .env("PATH", "/usr/bin:/bin")
            .env("KEYWHEEL_INITIATOR", "tester")
            .stdin(Stdio::null());
        command
    }

    pub(crate) fn run(&self, arguments: &str) -> Output {
        self.command(arguments).output().expect("the binary starts")
    }

    pub(crate) fn exit(&self, arguments: &str) -> i32 {
        self.run(arguments).status.code().expect(arguments)
    }

    /// Runs, and gives stdout.
    pub(crate) fn succeeds(&self, arguments: &str) -> String {
        let output = self.run(arguments);
        assert!(output.status.success(), "{arguments}: {}", told(&output));
        String::from_utf8(output.stdout).expect("text")
    }

    /// Runs, and gives what a person sees: exit code, stdout, stderr.
    pub(crate) fn shows(&self, arguments: &str) -> String {
        told(&self.run(arguments))
    }
}

/// Splits at spaces; `'…'` keeps words together.
fn words(arguments: &str) -> Vec<String> {
    let pieces = arguments.split('\'').enumerate();
    pieces
        .flat_map(|(number, piece)| match number % 2 {
            0 => piece.split_whitespace().map(str::to_owned).collect(),
            _ => vec![piece.to_owned()],
        })
        .collect()
}

fn told(output: &Output) -> String {
    let mut text = String::new();
    let _ = writeln!(text, "exit {}", output.status.code().unwrap_or(-1));
    for (name, bytes) in [("stdout", &output.stdout), ("stderr", &output.stderr)] {
        if !bytes.is_empty() {
            let _ = write!(text, "-- {name}\n{}", String::from_utf8_lossy(bytes));
        }
    }
    text
}

/// Takes out of snapshots what differs from run to run.
pub(crate) fn redacted() -> insta::internals::SettingsBindDropGuard {
    let mut settings = insta::Settings::clone_current();
    for (pattern, word) in [
        (r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", "[rotation]"),
        (r"\b[0-9a-f]{16}\b", "[fingerprint]"),
        (r"\d{4}-\d\d-\d\d[ \n]+\d\d:\d\d:\d\dZ", "[time]"),
        (r"\d\d:\d\d:\d\d", "[clock]"),
        (r"(\d+[dhms] )*\d+[dhms] (ago|left)", "[span] $2"),
        (r"\((in )?[0-9dhms\s]+\)|\(\[span\] ago\)", "([span])"),
    ] {
        settings.add_filter(pattern, word);
    }
    settings.set_prepend_module_to_snapshot(false);
    settings.set_snapshot_path(Path::new("snapshots"));
    settings.bind_to_scope()
}
