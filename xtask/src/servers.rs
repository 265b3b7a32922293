//! What tests run against besides Rust: programs from the system's package manager.

use std::{path::PathBuf, process::Command};

use crate::command::{self, Outcome, answers};

/// A program that tests use.
struct Needed {
    /// Where it may be: one of them is enough.
    programs: &'static [&'static str],
    package: &'static str,
    what_for: &'static str,
}

const NEEDED: [Needed; 6] = [
    Needed {
        programs: &["mount"],
        package: "mount",
        what_for: "small and read-only file systems, for full disks and read-only stores",
    },
    Needed {
        // Debian keeps them out of the search path.
        programs: &[
            "/usr/lib/postgresql/18/bin/postgres",
            "/usr/lib/postgresql/17/bin/postgres",
            "/usr/lib/postgresql/16/bin/postgres",
            "/usr/lib/postgresql/15/bin/postgres",
        ],
        package: "postgresql",
        what_for: "the rotator `postgres`",
    },
    Needed { programs: &["redis-server"], package: "redis-server", what_for: "the rotator `redis`" },
    Needed { programs: &["mariadbd"], package: "mariadb-server", what_for: "the rotator `mysql`" },
    Needed {
        // The one in the search path of Debian becomes another user first.
        programs: &["/usr/lib/rabbitmq/bin/rabbitmqctl"],
        package: "rabbitmq-server",
        what_for: "the rotator `rabbitmq`",
    },
    Needed { programs: &["aiosmtpd"], package: "python3-aiosmtpd", what_for: "mail to people" },
];

impl Needed {
    fn is_there(&self) -> bool {
        self.programs.iter().any(|program| answers(program, &["--version"]))
    }
}

/// Installs what is missing.
pub(crate) fn install_missing() -> Outcome<()> {
    let mut missing: Vec<_> =
        NEEDED.iter().filter(|needed| !needed.is_there()).map(|needed| needed.package).collect();
    // Debian keeps it out of its Python.
    if !moto_is_there() && !answers("python3", &["-c", "import ensurepip, venv"]) {
        missing.push("python3-venv");
    }
    if !missing.is_empty() {
        install_packages(&missing)?;
    }
    if moto_is_there() { Ok(()) } else { install_moto() }
}

fn install_packages(missing: &[&str]) -> Outcome<()> {
    println!("installing what the tests run against: {}", missing.join(", "));
    let apt = |arguments: &[&str]| {
        let mut command = Command::new("apt-get");
        command.args(arguments).env("DEBIAN_FRONTEND", "noninteractive");
        command
    };
    // A fresh machine has no lists of packages yet.
    command::run(&mut apt(&["update", "--quiet"]))?;
    command::run(apt(&["install", "--quiet", "--yes", "--no-install-recommends"]).args(missing))
}

/// What stands in for AWS. No distribution has it, so it lives in an environment of its own.
fn moto() -> PathBuf {
    command::target().join("venv")
}

fn moto_is_there() -> bool {
    moto().join("bin").join("moto_server").is_file()
}

fn install_moto() -> Outcome<()> {
    println!("installing moto, which stands in for AWS, in {}", moto().display());
    command::run(Command::new("python3").args(["-m", "venv"]).arg(moto()))?;
    let mut pip = Command::new(moto().join("bin").join("pip"));
    command::run(pip.args(["install", "--quiet", "--disable-pip-version-check", "moto[server]>=5.2,<6"]))
}

/// Tells what is there and what would be installed.
pub(crate) fn run() -> String {
    let mut present = 0;
    for needed in &NEEDED {
        let there = needed.is_there();
        present += usize::from(there);
        let state = if there { "present" } else { "would be installed" };
        println!("{:<18} {state:<18} for {}", needed.package, needed.what_for);
    }
    let state = if moto_is_there() { "present" } else { "would be installed" };
    println!("{:<18} {state:<18} for what is in AWS, by pip in {}", "moto", moto().display());
    format!("servers: {present} of {} packages present; keywheel itself needs none of them", NEEDED.len())
}
