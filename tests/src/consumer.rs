//! The workload of a scene, as a process of its own.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

use serde_json::Value;

use keywheel_testservers::until;

use crate::{keywheel::program, place::Place};

/// What the consumer does at SIGHUP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Habit {
    /// Reads its secrets again at once.
    Reloads,
    /// Reads them again after a while.
    ReloadsAfter(Duration),
    /// Nothing.
    NeverReloads,
}

/// A running consumer, ended when this is dropped.
pub struct Consumer {
    child: Child,
    directory: PathBuf,
}

impl Consumer {
    /// Starts one in `directory` that uses `secrets`, and waits until it shows what it uses.
    pub fn start(directory: &Path, secrets: &[(&str, &Place, bool)], habit: Habit) -> Self {
        let mut command = Command::new(program("test-consumer"));
        match habit {
            Habit::Reloads => {}
            Habit::ReloadsAfter(time) => drop(command.arg(format!("--after={}", time.as_millis()))),
            Habit::NeverReloads => drop(command.arg("--never")),
        }
        for (name, place, signing) in secrets {
            let kind = if *signing { "ring" } else { "one" };
            command.arg(format!("{kind}={name}={}", place.argument()));
        }
        // It ends with whoever holds the other end of its standard input.
        let child =
            command.current_dir(directory).stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
        let consumer = Self { child, directory: directory.to_path_buf() };
        until("the consumer to come up", || {
            let pid = fs::read_to_string(directory.join("run/app.pid")).ok()?;
            (pid.trim() == consumer.child.id().to_string()).then_some(())
        });
        consumer
    }

    /// Its process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// The fingerprint of the value that it uses.
    pub fn uses(&self, secret: &str) -> Option<String> {
        let shown = self.shown(secret)?;
        shown.get("current").unwrap_or(&shown).as_str().map(str::to_owned)
    }

    /// The fingerprints of all values that it accepts.
    pub fn accepts(&self, secret: &str) -> Vec<String> {
        let Some(shown) = self.shown(secret) else { return Vec::new() };
        let mut accepted: Vec<_> = self.uses(secret).into_iter().collect();
        let others = shown.get("accepted").and_then(Value::as_array).into_iter().flatten();
        accepted.extend(others.filter_map(Value::as_str).map(str::to_owned));
        accepted
    }

    fn shown(&self, secret: &str) -> Option<Value> {
        let text = fs::read_to_string(self.directory.join("run/fingerprints.json")).ok()?;
        let shown: Value = serde_json::from_str(&text).ok()?;
        shown.get(secret).cloned()
    }

    /// Ends it as a crash would: its pid file stays.
    pub fn die(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Consumer {
    fn drop(&mut self) {
        self.die();
    }
}
