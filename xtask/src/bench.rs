//! The benchmarks: measured by `keywheel-benches` in release, each as a ratio within one run.

use crate::{
    command::{self, Outcome, cargo},
    servers,
};

const NAMES: [&str; 8] = ["plan", "file", "postgres", "redis", "vault", "secrets-manager", "ssm", "startup"];

/// Those that start servers.
const SERVERS: [&str; 5] = ["postgres", "redis", "secrets-manager", "ssm", "vault"];

pub(crate) fn run(names: &[String]) -> Outcome {
    if let Some(unknown) = names.iter().find(|name| !NAMES.contains(&name.as_str())) {
        return Err(format!("there is no benchmark `{unknown}`; there are {}", NAMES.join(", ")));
    }
    command::run(cargo().args(["build", "--release", "--package", "keywheel-benches"]))?;
    let wanted: Vec<&str> =
        if names.is_empty() { NAMES.to_vec() } else { names.iter().map(String::as_str).collect() };
    if wanted.contains(&"startup") {
        command::run(cargo().args(["build", "--release", "--package", "keywheel-cli"]))?;
    }
    if wanted.iter().any(|name| SERVERS.contains(name)) {
        servers::install_missing()?;
    }
    let mut figures = Vec::new();
    for name in wanted {
        let mut bench = std::process::Command::new(command::target().join("release/keywheel-benches"));
        bench.arg(name).env("KEYWHEEL", command::target().join("release/keywheel"));
        command::run(&mut bench)?;
        figures.push(name);
    }
    Ok(format!("bench: {} within their limits", figures.join(", ")))
}
