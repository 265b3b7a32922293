//! libFuzzer over each target for a while, through cargo-fuzz and nightly.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use crate::command::{self, Outcome, answers};

const TARGETS: [&str; 5] = ["audit", "document", "dotenv", "inventory", "journal"];

/// An input that takes this long, in seconds, is a finding: most take less than a millisecond.
const SLOW: u32 = 20;

/// Our crates forbid unsafe code, and `AddressSanitizer` would make every build and every input several times slower to
/// watch over what others wrote; overflow checks and debug assertions are on in any case.
const SANITIZER: [&str; 2] = ["--sanitizer", "none"];

pub(crate) fn run(names: &[String], seconds: u32) -> Outcome {
    if let Some(unknown) = names.iter().find(|name| !TARGETS.contains(&name.as_str())) {
        return Err(format!("there is no fuzz target `{unknown}`; there are {}", TARGETS.join(", ")));
    }
    if seconds == 0 {
        return Err("`--seconds 0` would try for ever; say at least 1".to_owned());
    }
    let wanted: Vec<&str> =
        if names.is_empty() { TARGETS.to_vec() } else { names.iter().map(String::as_str).collect() };
    install_missing()?;
    for name in &wanted {
        command::run(cargo_fuzz("build").arg(name))?;
    }
    let mut executions = 0;
    for name in &wanted {
        let figures = one(name, seconds)?;
        println!("{name:<10} {:>9} executions, {} edges covered", figures.executions, figures.edges);
        executions += figures.executions;
    }
    let (targets, plural) = (wanted.len(), if wanted.len() == 1 { "" } else { "s" });
    Ok(format!("fuzz: {targets} target{plural}, {executions} executions, no finding"))
}

fn install_missing() -> Outcome<()> {
    if !answers("cargo", &["+nightly", "--version"]) {
        let advice = "`rustup toolchain install nightly --profile minimal` installs it";
        return Err(format!("libFuzzer needs the nightly toolchain, and there is none: {advice}"));
    }
    if !answers("cargo", &["+nightly", "fuzz", "--version"]) {
        command::run(Command::new("cargo").args(["install", "--quiet", "--locked", "cargo-fuzz"]))?;
    }
    Ok(())
}

/// `cargo` is found by its name: the one that runs this is of another toolchain and takes no `+nightly`.
fn cargo_fuzz(action: &str) -> Command {
    let mut command = Command::new("cargo");
    command
        .current_dir(command::root())
        .args(["+nightly", "fuzz", action, "--fuzz-dir", "fuzz"])
        .args(SANITIZER)
        .arg("--target-dir")
        .arg(command::target().join("fuzz"));
    command
}

/// What libFuzzer did.
struct Figures {
    executions: u64,
    edges: String,
}

fn one(target: &str, seconds: u32) -> Outcome<Figures> {
    let work = command::target().join("fuzz-runs").join(target);
    // libFuzzer writes what it finds interesting into the first corpus: not into the one that is kept.
    let (found, artifacts) = (work.join("corpus"), work.join("artifacts"));
    for directory in [&found, &artifacts] {
        fs::create_dir_all(directory).map_err(|error| format!("{}: {error}", directory.display()))?;
    }
    let kept = command::root().join("fuzz/corpus").join(target);
    let dictionary = command::root().join("fuzz/dictionaries").join(format!("{target}.dict"));
    let mut run = cargo_fuzz("run");
    run.arg(target).args([&found, &kept]).arg("--");
    run.arg(format!("-max_total_time={seconds}"))
        .arg(format!("-timeout={SLOW}"))
        .arg(format!("-artifact_prefix={}/", artifacts.display()))
        .args(["-max_len=8192", "-print_final_stats=1"]);
    if dictionary.exists() {
        run.arg(format!("-dict={}", dictionary.display()));
    }
    let output =
        run.stdout(Stdio::null()).output().map_err(|error| format!("{run:?} cannot be started: {error}"))?;
    let log = String::from_utf8_lossy(&output.stderr);
    if output.status.success() {
        return figures(&log)
            .ok_or_else(|| format!("libFuzzer did not say what it did with {target}:\n{log}"));
    }
    Err(finding(target, &log, &artifacts))
}

fn figures(log: &str) -> Option<Figures> {
    let executions = log.lines().find_map(|line| line.strip_prefix("stat::number_of_executed_units:"))?;
    let (_, edges) = log.rsplit_once(" cov: ")?;
    Some(Figures {
        executions: executions.trim().parse().ok()?,
        edges: edges.split_whitespace().next()?.to_owned(),
    })
}

/// The end of the log, and how to see the same again.
fn finding(target: &str, log: &str, artifacts: &Path) -> String {
    let input = log.lines().find_map(|line| {
        line.split_once("Test unit written to ").map(|(_, path)| PathBuf::from(path.trim()))
    });
    let Some(input) = input else {
        return format!("{target} could not be run:\n{log}");
    };
    let told = log.find("panicked at").or_else(|| log.find("ERROR: libFuzzer")).map_or(log, |at| &log[at..]);
    let told: Vec<&str> = told.lines().take(40).collect();
    let (input, kept) = (input.display(), artifacts.display());
    let sanitizer = SANITIZER.join(" ");
    format!(
        "{target}: a finding\n{}\n\nReplay it:\n    cargo +nightly fuzz run --fuzz-dir fuzz {sanitizer} {target} {input}\n\
         or, on stable, as a test:\n    cp {input} fuzz/corpus/{target}/ && cargo test --package keywheel-fuzz-properties\n\
         Findings are kept in {kept}",
        told.join("\n")
    )
}
