//! The README's first command: an application's eleven secrets, rotated on the embedded default.

use std::{
    collections::BTreeMap,
    fs::{self, OpenOptions},
    io::Write,
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::PathBuf,
    process::{Child, Command},
    thread,
    time::Duration,
};

use crate::command::{self, Outcome, cargo};

const GENERATED: [&str; 7] = [
    "postgres-admin",
    "postgres-app",
    "postgres-readonly",
    "postgres-reporting",
    "postgres-migrations",
    "session-key",
    "csrf-key",
];
const OAUTH: [&str; 3] = ["github", "google", "stripe"];
const SECRETS: usize = 11;

pub(crate) fn run() -> Outcome {
    command::run(cargo().args(["build", "--package", "keywheel-cli", "--package", "keywheel-quickstart"]))?;
    let stage = Stage::set()?;
    let app = stage.start_application()?;
    stage.play(&app)?;
    drop(app);
    println!();
    println!("Everything is in {}: look round, and try", stage.directory.display());
    println!("    cd {}", stage.directory.display());
    println!("    {} status", stage.keywheel.display());
    Ok(format!(
        "quickstart: {SECRETS} secrets rotated, the application moved to all of them, one rolled back"
    ))
}

/// The directory in which the application and keywheel run.
struct Stage {
    directory: PathBuf,
    keywheel: PathBuf,
}

/// The application, stopped when this is dropped.
struct Application(Child);

impl Drop for Application {
    fn drop(&mut self) {
        if let Ok(pid) = i32::try_from(self.0.id())
            && let Some(pid) = rustix::process::Pid::from_raw(pid)
        {
            let _ = rustix::process::kill_process(pid, rustix::process::Signal::TERM);
        }
        let _ = self.0.wait();
    }
}

impl Stage {
    fn set() -> Outcome<Self> {
        let directory = command::target().join("quickstart");
        if directory.exists() {
            fs::remove_dir_all(&directory).map_err(|error| format!("{}: {error}", directory.display()))?;
        }
        let stage = Self { keywheel: command::target().join("debug/keywheel"), directory };
        stage.furnish().map_err(|error| format!("the quickstart's directory cannot be set up: {error}"))?;
        Ok(stage)
    }

    /// What the application had before keywheel came: values, and three new ones that consoles issued.
    fn furnish(&self) -> std::io::Result<()> {
        let directory =
            |name: &str| fs::DirBuilder::new().recursive(true).mode(0o700).create(self.directory.join(name));
        directory("secrets")?;
        directory("inbox")?;
        directory("run")?;
        let inventory = command::root().join("examples/quickstart/keywheel.yaml");
        fs::copy(inventory, self.directory.join("keywheel.yaml"))?;
        for name in GENERATED {
            self.write(&format!("secrets/{name}"), &self.random()?)?;
        }
        let redis = self.random()?;
        self.write(
            "app.env",
            &format!("# settings of the application\nPORT=8080\nREDIS_PASSWORD={redis}\nLOG=info\n"),
        )?;
        let mut oauth = Vec::new();
        for provider in OAUTH {
            oauth.push(format!(
                "    \"{provider}\": {{ \"client_id\": \"quickstart\", \"client_secret\": \"{}\" }}",
                self.random()?
            ));
            self.write(&format!("inbox/oauth-{provider}"), &self.random()?)?;
        }
        self.write("config.json", &format!("{{\n  \"oauth\": {{\n{}\n  }}\n}}\n", oauth.join(",\n")))
    }

    fn random(&self) -> std::io::Result<String> {
        let output = Command::new(&self.keywheel).args(["generate", "password"]).output()?;
        if !output.status.success() {
            return Err(std::io::Error::other(String::from_utf8_lossy(&output.stderr).into_owned()));
        }
        Ok(String::from_utf8_lossy(&output.stdout).trim_end().to_owned())
    }

    fn write(&self, name: &str, text: &str) -> std::io::Result<()> {
        let path = self.directory.join(name);
        OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?.write_all(text.as_bytes())
    }

    fn start_application(&self) -> Outcome<Application> {
        let program = command::target().join("debug/quickstart-app");
        let child = Command::new(&program)
            .current_dir(&self.directory)
            .spawn()
            .map_err(|error| format!("{} cannot be started: {error}", program.display()))?;
        let app = Application(child);
        for _ in 0..500 {
            if self.directory.join("run/app.pid").exists() {
                return Ok(app);
            }
            pause();
        }
        Err("the application did not come up within 5 s".to_owned())
    }

    fn play(&self, _app: &Application) -> Outcome<()> {
        self.say("What would happen, and why?", &["plan", "--all"])?;
        let before = self.shown()?;
        self.say("Rotate all of them.", &["rotate", "--all", "--yes", "--reason", "quickstart"])?;
        let after = self.shown()?;
        show_the_move(&before, &after)?;
        self.say("Where does everything stand?", &["status"])?;
        self.say("Do stores and records agree?", &["verify"])?;
        self.say("The story of one of them.", &["history", "redis-password"])?;
        self.say(
            "Second thoughts: back to the old value, while it lives.",
            &["rollback", "redis-password", "--yes", "--reason", "second thoughts"],
        )?;
        if self.shown()?.get("redis-password") != before.get("redis-password") {
            return Err("the application does not use the old Redis password again".to_owned());
        }
        self.say(
            "End one overlap now: the old value is gone for good.",
            &["retire", "postgres-app", "--yes"],
        )?;
        self.say("And the audit of all this is whole:", &["audit", "verify"])
    }

    /// Runs keywheel before the reader's eyes.
    fn say(&self, words: &str, arguments: &[&str]) -> Outcome<()> {
        println!("\n# {words}\n$ keywheel {}", arguments.join(" "));
        let _ = std::io::stdout().flush();
        command::run(Command::new(&self.keywheel).args(arguments).current_dir(&self.directory))
    }

    /// The fingerprints that the application shows, by name.
    fn shown(&self) -> Outcome<Fingerprints> {
        let path = self.directory.join("run/fingerprints.json");
        let text = fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
        Fingerprints::read(&text)
    }
}

/// The fingerprint in use of each secret, by its name.
struct Fingerprints(BTreeMap<String, String>);

impl Fingerprints {
    fn read(text: &str) -> Outcome<Self> {
        let value: serde_json::Value =
            serde_json::from_str(text).map_err(|error| format!("the application shows no JSON: {error}"))?;
        let current = |value: &serde_json::Value| {
            value.get("current").unwrap_or(value).as_str().unwrap_or("none").to_owned()
        };
        let object = value.as_object().ok_or("the application shows no mapping")?;
        Ok(Self(object.iter().map(|(name, value)| (name.clone(), current(value))).collect()))
    }

    fn get(&self, name: &str) -> Option<&String> {
        self.0.get(name)
    }
}

fn show_the_move(before: &Fingerprints, after: &Fingerprints) -> Outcome<()> {
    println!("\n# What the application itself shows (fingerprints of the values it uses):");
    let mut moved = 0;
    for (name, old) in &before.0 {
        let new = after.get(name).map_or("none", String::as_str);
        println!("  {name:<22} {old} → {new}");
        moved += usize::from(old != new);
    }
    if moved == SECRETS {
        Ok(())
    } else {
        Err(format!("the application moved to {moved} new values instead of {SECRETS}"))
    }
}

fn pause() {
    #[expect(clippy::disallowed_methods, reason = "waits for a real process")]
    thread::sleep(Duration::from_millis(10));
}
