//! How long a command takes that has little to do.

use std::{path::Path, process::Command};

use nix::sys::resource::{UsageWho, getrusage};

use crate::{
    inventory::{self, Shape},
    measure::{Outcome, Verdict, mib, timed, words},
};

const RUNS: usize = 41;
const MOST_MILLISECONDS: f64 = 20.0;
const MOST_MIB: f64 = 20.0;

pub(crate) fn run() -> Outcome {
    let keywheel =
        std::env::var("KEYWHEEL").map_err(|_| "KEYWHEEL names no binary: use `cargo xtask bench startup`")?;
    let directory = tempfile::tempdir().map_err(words)?;
    let path = Shape::of_files(20, "quarterly").write(directory.path())?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(words)?;
    runtime.block_on(inventory::fill_journal(&inventory::load(&path)?, 3))?;
    let mut verdict = Verdict::Within;
    for arguments in [&["--version"][..], &["status"][..]] {
        let milliseconds = median(Path::new(&keywheel), directory.path(), arguments)?;
        let name = arguments.join(" ");
        println!("startup: keywheel {name}: {milliseconds:.1} ms (median of {RUNS})");
        if milliseconds > MOST_MILLISECONDS {
            verdict =
                Verdict::Beyond(format!("{name} took {milliseconds:.1} ms; at most {MOST_MILLISECONDS}"));
        }
    }
    let kibibytes = getrusage(UsageWho::RUSAGE_CHILDREN).map_err(words)?.max_rss();
    let memory = mib(u64::try_from(kibibytes).unwrap_or(0) * 1024);
    println!("startup: at most {memory:.1} MiB of memory");
    if memory > MOST_MIB {
        verdict = Verdict::Beyond(format!("{memory:.1} MiB were held; at most {MOST_MIB}"));
    }
    Ok(verdict)
}

fn median(keywheel: &Path, directory: &Path, arguments: &[&str]) -> Outcome<f64> {
    let mut times = Vec::with_capacity(RUNS);
    for _ in 0..RUNS {
        let mut command = Command::new(keywheel);
        command.args(arguments).current_dir(directory);
        let (time, output) = timed(|| command.output());
        let output = output.map_err(words)?;
        if !output.status.success() {
            return Err(String::from_utf8_lossy(&output.stderr).into_owned());
        }
        times.push(time.as_secs_f64() * 1000.0);
    }
    times.sort_by(f64::total_cmp);
    Ok(times[RUNS / 2])
}
