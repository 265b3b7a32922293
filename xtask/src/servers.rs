//! What tests run against besides Rust: programs from the system's package manager.

use std::process::Command;

use crate::command::{self, Outcome, answers};

/// A program that tests use.
struct Needed {
    program: &'static str,
    package: &'static str,
    what_for: &'static str,
}

const NEEDED: [Needed; 6] = [
    Needed {
        program: "mount",
        package: "mount",
        what_for: "small and read-only file systems, for full disks and read-only stores",
    },
    Needed {
        // Not in the search path on Debian; elsewhere the package manager says that it is there already.
        program: "/usr/lib/postgresql/15/bin/postgres",
        package: "postgresql",
        what_for: "the rotator `postgres`",
    },
    Needed { program: "redis-server", package: "redis-server", what_for: "the rotator `redis`" },
    Needed { program: "mariadbd", package: "mariadb-server", what_for: "the rotator `mysql`" },
    Needed {
        // The one in the search path of Debian becomes another user first.
        program: "/usr/lib/rabbitmq/bin/rabbitmqctl",
        package: "rabbitmq-server",
        what_for: "the rotator `rabbitmq`",
    },
    Needed { program: "aiosmtpd", package: "python3-aiosmtpd", what_for: "mail to people" },
];

/// Installs what is missing.
pub(crate) fn install_missing() -> Outcome<()> {
    for needed in missing() {
        command::run(Command::new("apt-get").args(["install", "--yes", needed.package]))?;
    }
    Ok(())
}

/// Tells what is there and what would be installed.
pub(crate) fn run() -> String {
    let missing: Vec<_> = missing().map(|needed| needed.program).collect();
    for needed in &NEEDED {
        let state = if missing.contains(&needed.program) { "would be installed" } else { "present" };
        println!("{:<10} {state:<18} package {}: {}", needed.program, needed.package, needed.what_for);
    }
    let present = NEEDED.len() - missing.len();
    format!("servers: {present} of {} programs present; keywheel itself needs none of them", NEEDED.len())
}

fn missing() -> impl Iterator<Item = &'static Needed> {
    NEEDED.iter().filter(|needed| !answers(needed.program, &["--version"]))
}
