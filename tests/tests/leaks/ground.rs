//! One scene of the hunt: secrets, consumers, everything that was written, every value that was made.
//!
//! Outputs are: what a command writes to stdout and stderr, where the log goes as well (there is one format of log,
//! text, and no metrics yet: a format or an exporter that is added belongs in [`Ground::run`]); what it and the commands
//! that it starts are called with, and what they find in their environment and on their input; and every file of the
//! scene that is not a store: journal, its log and shared memory and head, audit, keys, plans, a core dump if there
//! were one. The journal's files also as they are while the process stands at a boundary, and right after a kill.

use std::{collections::BTreeSet, path::Path};

use keywheel_tests::{Keywheel, Scene, Watched, files_below, fingerprint, watch};
use rustix::process::Pid;

use crate::{
    needles::Needles,
    values::{Values, is_store, name_of},
};

/// At every so many boundaries the journal's files are copied.
const COPIED: usize = 4;

const STORES: &str = r#"version: 1

stores:
  files:
    directory: { path: ./secrets }
  dotenv:
    env-file: { path: ./app.env }
  config:
    document: { path: ./config.json }

consumers:
  app:
    signal:
      pid-file: ./run/app.pid
      evidence:
        file: { path: ./run/fingerprints.json, pointer: "/{secret}" }
    deadline: DEADLINE
    on-deadline: roll-back
  spy:
    command:
      command: [./spy, told]
      evidence:
        trust: the spy is a test
  watcher:
    command:
      command: [./spy, told, with, arguments]
      evidence:
        command: [./spy, asked]
  taker:
    command:
      command: [./taker, stdin]
      value: stdin
      evidence:
        trust: the taker is a test
  reader:
    command:
      command: [./taker, file]
      value: file
      evidence:
        trust: the reader is a test

secrets:
"#;

/// A consumer that writes down all that a command can learn: its own arguments, environment and input, and what it can
/// read of the keywheel that started it. Asked for evidence it shows the fingerprint in the file of its secret.
const SPY: &str = r#"#!/bin/sh
{
    for process in $$ $PPID; do
        for part in cmdline environ limits; do
            echo "$part of $process:"
            tr '\0' '\n' < /proc/$process/$part
        done
    done
    test "$1" = told && cat
} >> run/spy 2>&1
test "$1" = told || sha256sum "secrets/$KEYWHEEL_SECRET" | cut -c1-16
"#;

/// A consumer that is handed values. It writes down what else it can learn, prints each value as loudly as it can, and keeps
/// of it the fingerprint, beside the one that was announced. While there is a file `run/refuse` it fails in the end.
const TAKER: &str = r#"#!/bin/sh
{
    for process in $$ $PPID; do
        for part in cmdline environ; do
            echo "$part of $process:"
            tr '\0' '\n' < /proc/$process/$part
        done
    done
    test "$1" = stdin || cat
} >> run/taker 2>&1
test "$1" = stdin || exec < "$KEYWHEEL_VALUE_FILE"
exec 4>&1
got=$(tee /proc/self/fd/2 | tee /proc/self/fd/4 | sha256sum | cut -c1-16)
echo "$1 $KEYWHEEL_PHASE $KEYWHEEL_FINGERPRINT $got" >> run/taken
test ! -e run/refuse || exit 3
"#;

/// Something that was written, and by what.
pub(crate) struct Output {
    pub(crate) name: String,
    pub(crate) bytes: Vec<u8>,
}

/// A scene of its own.
pub(crate) struct Ground {
    label: String,
    pub(crate) scene: Scene,
    pub(crate) values: Values,
    pub(crate) outputs: Vec<Output>,
}

/// What a hunt over one ground, or several, came to.
#[derive(Default)]
pub(crate) struct Figures {
    pub(crate) values: usize,
    pub(crate) staged: usize,
    pub(crate) pieces: usize,
    pub(crate) bytes: usize,
    pub(crate) outputs: usize,
    pub(crate) lines_of_log: usize,
    /// Values that the same search finds in the stores, where they belong.
    pub(crate) control: usize,
    /// What must not be: values outside the stores, and values that nobody knows.
    pub(crate) found: BTreeSet<String>,
}

impl Ground {
    /// Stores with a value of its own for each of `old`, which are files, and in `app.env` and `config.json`.
    pub(crate) fn new(label: impl Into<String>, deadline: &str, old: &[&str], secrets: &str) -> Self {
        let scene = Scene::new("");
        let directory = scene.path();
        scene.write("keywheel.yaml", STORES.replace("DEADLINE", deadline) + secrets);
        for (name, script) in [("spy", SPY), ("taker", TAKER)] {
            scene.write(name, script);
            let runs = std::os::unix::fs::PermissionsExt::from_mode(0o700);
            std::fs::set_permissions(directory.join(name), runs).expect("the file is ours");
        }
        // Values of one scene are found in no other one, so each scene is searched for its own.
        let value = |name: &str| {
            format!("old-{name}-{}", fingerprint(directory.join(name).as_os_str().as_encoded_bytes()))
        };
        for name in old {
            scene.write(&format!("secrets/{name}"), value(name));
        }
        scene.write("app.env", format!("# settings\nexport PORT=8080\nDB='{}'\n", value("variable")));
        let document = serde_json::json!({
            "db": { "user": "app", "password": value("\"quoted\" & field") },
            "both": value("both"),
            "inbox": value("inbox"),
        });
        scene.write("config.json", serde_json::to_string_pretty(&document).expect("it is JSON"));
        scene.write("inbox", format!("a-value-of-a-console-{} with \"quotes\" & ümläüte", value("console")));
        let mut ground = Self { label: label.into(), values: Values::default(), outputs: Vec::new(), scene };
        ground.values.collect(ground.scene.path());
        ground
    }

    /// `keywheel COMMAND`; nothing on its input.
    pub(crate) fn run(&mut self, command: &str) -> Watched {
        self.watch(command, "", self.command(command), b"")
    }

    /// `keywheel COMMAND`, which writes its boundaries to `log`.
    pub(crate) fn run_logging(&mut self, command: &str, log: &str) {
        self.watch(command, "", self.command(command).env("KEYWHEEL_CRASH_LOG", log), b"");
    }

    /// `keywheel COMMAND` with `input`.
    pub(crate) fn run_with(&mut self, command: &str, input: &[u8]) {
        self.watch(command, "", self.command(command), input);
    }

    /// `keywheel COMMAND`, which writes a value where it was asked to: on stdout.
    pub(crate) fn generate(&mut self, command: &str) {
        let watched = self.watch(command, "", self.command(command), b"");
        let written = self.outputs.iter().rposition(|output| output.name.starts_with("stdout"));
        self.outputs.swap_remove(written.expect("every run has one"));
        self.values.add("stdout, on demand", watched.stdout.trim_ascii_end());
    }

    /// `keywheel COMMAND`, ended at its `number`-th boundary the way that `with` says. Whether it came so far.
    pub(crate) fn die(&mut self, command: &str, number: usize, with: &str) -> bool {
        let how = format!(", {with} at {number}");
        let watched = self.watch(command, &how, self.command(command).dying_at(number, with), b"");
        self.copy_journal(&format!("after {command}{how}"));
        match with {
            "panic" => watched.status.exit_status() == Some(70),
            _ => watched.status.terminating_signal().is_some(),
        }
    }

    /// `keywheel ARGUMENTS` at TRACE.
    pub(crate) fn command(&self, command: &str) -> Keywheel {
        let mut arguments: Vec<_> = command.split(' ').collect();
        arguments.push("-vvv");
        let path = std::env::var_os("PATH").unwrap_or_default();
        self.scene
            .command(&arguments)
            .env("PATH", path)
            .env("KEYWHEEL_LOG", "trace")
            .env("RUST_BACKTRACE", "full")
    }

    fn watch(&mut self, command: &str, how: &str, keywheel: Keywheel, input: &[u8]) -> Watched {
        let mut stops = 0;
        let watched = watch(keywheel, input, |pid| {
            self.values.collect(self.scene.path());
            if stops % COPIED == 0 {
                self.copy_process(command, pid);
                self.copy_journal(&format!("during {command}{how}, boundary {stops}"));
            }
            stops += 1;
        });
        self.values.collect(self.scene.path());
        self.write(format!("stdout of {command}{how}"), watched.stdout.clone());
        self.write(format!("stderr of {command}{how}"), watched.stderr.clone());
        watched
    }

    fn write(&mut self, name: String, bytes: Vec<u8>) {
        self.outputs.push(Output { name, bytes });
    }

    fn copy_process(&mut self, command: &str, pid: Pid) {
        for part in ["cmdline", "environ"] {
            // Once the process is not dumpable, only root may read its environment.
            if let Ok(bytes) = std::fs::read(format!("/proc/{}/{part}", pid.as_raw_nonzero())) {
                self.write(format!("{part} of {command}"), bytes);
            }
        }
    }

    fn copy_journal(&mut self, when: &str) {
        for name in ["journal.db", "journal.db-wal", "journal.db-shm", "journal.db.head"] {
            if let Ok(bytes) = std::fs::read(self.scene.path().join(".keywheel").join(name)) {
                self.write(format!("{name} {when}"), bytes);
            }
        }
    }

    /// All files but the stores.
    pub(crate) fn copy_files(&mut self) {
        let directory = self.scene.path().to_path_buf();
        for path in files_below(&directory) {
            let name = name_of(&directory, &path);
            if !is_store(Path::new(&name)) {
                self.write(name, std::fs::read(&path).expect("it is there"));
            }
        }
    }

    /// Searches everything that was written for every value that was made.
    pub(crate) fn search(&mut self) -> Figures {
        let directory = self.scene.path().to_path_buf();
        let journal = self.values.compare(&directory);
        self.copy_files();
        let needles = Needles::of(self.values.iter());
        let label = &self.label;
        let escaped = journal.strangers.iter().map(|fingerprint| {
            format!("{label}: the journal names {fingerprint}, a value that the hunt never saw")
        });
        let hits = self.outputs.iter().filter_map(|output| {
            let hit = needles.find(&output.bytes)?;
            Some(format!("{label}: {}: byte {}: {} as {}", output.name, hit.at, hit.value, hit.encoding))
        });
        let in_stores = files_below(&directory)
            .into_iter()
            .filter(|path| is_store(Path::new(&name_of(&directory, path))))
            .filter_map(|path| std::fs::read(path).ok());
        let raw: BTreeSet<_> = in_stores
            .flat_map(|bytes| {
                let hits = needles.hits(&bytes).filter(|hit| hit.encoding == "raw");
                hits.map(|hit| hit.value.to_owned()).collect::<Vec<_>>()
            })
            .collect();
        Figures {
            values: self.values.len(),
            staged: journal.staged,
            pieces: needles.pieces(),
            bytes: self.outputs.iter().map(|output| output.bytes.len()).sum(),
            outputs: self.outputs.len(),
            lines_of_log: self.outputs.iter().map(|output| lines_of_log(&output.bytes)).sum(),
            control: raw.len(),
            found: escaped.chain(hits).collect(),
        }
    }
}

impl Figures {
    /// Together with `other`.
    pub(crate) fn and(mut self, other: Self) -> Self {
        self.values += other.values;
        self.staged += other.staged;
        self.pieces += other.pieces;
        self.bytes += other.bytes;
        self.outputs += other.outputs;
        self.lines_of_log += other.lines_of_log;
        self.control += other.control;
        self.found.extend(other.found);
        self
    }
}

/// Lines that `tracing` wrote: how much of what was searched is log.
fn lines_of_log(bytes: &[u8]) -> usize {
    let levels = [" TRACE ", " DEBUG ", "  INFO ", "  WARN ", " ERROR "];
    let text = String::from_utf8_lossy(bytes);
    text.lines().filter(|line| levels.iter().any(|level| line.contains(level))).count()
}
