//! A plan over a large inventory of which little is due, beside what its YAML library needs to parse the file into plain
//! values.

use std::{fs, path::Path, process::Command};

use keywheel::{
    core::{
        Clock as _,
        plan::{Options, Selection, plan},
    },
    engine::{SystemClock, observe},
};

use crate::{
    inventory::{self, Shape},
    measure::{Outcome, Verdict, mib, peak_memory, timed, words},
};

const SIZES: [usize; 3] = [1_000, 10_000, 100_000];
const DUE: usize = 100;
const RUNS: usize = 3;
const MOST_TIME: f64 = 3.0;
const MOST_MEMORY: f64 = 10.0;

pub(crate) fn run() -> Outcome {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(words)?;
    println!("plan: {DUE} secrets are due; `plain values` is the YAML library's own parse of the same file");
    println!(
        "{:>9} {:>9} {:>13} {:>9} {:>7} {:>10} {:>12}",
        "secrets", "file MiB", "plain values", "plan", "ratio", "peak MiB", "peak / file"
    );
    let mut verdict = Verdict::Within;
    for size in SIZES {
        let directory = tempfile::tempdir().map_err(words)?;
        let path = Shape::of_files(size, "quarterly").write(directory.path())?;
        fs::create_dir(directory.path().join("secrets")).map_err(words)?;
        for number in 0..DUE {
            let file = directory.path().join(format!("secrets/service-{number:06}-password"));
            fs::write(file, "an old value").map_err(words)?;
        }
        runtime.block_on(inventory::fill_journal(&inventory::load(&path)?, DUE))?;
        let file = fs::metadata(&path).map_err(words)?.len();
        let (values, _) = best("values-of", &path)?;
        let (planned, memory) = best("plan-of", &path)?;
        #[expect(clippy::cast_precision_loss, reason = "a figure for people")]
        let (time, space) = (planned / values, memory as f64 / file as f64);
        println!(
            "{size:>9} {:>9.1} {:>11.0}ms {:>7.0}ms {time:>7.2} {:>10.1} {space:>12.1}",
            mib(file),
            values * 1000.0,
            planned * 1000.0,
            mib(memory)
        );
        // A process has a few MiB of its own, which say nothing about a small file.
        if size == SIZES[2] && time > MOST_TIME {
            verdict =
                Verdict::Beyond(format!("the plan took {time:.2} times the parse; at most {MOST_TIME}"));
        } else if size == SIZES[2] && space > MOST_MEMORY {
            verdict =
                Verdict::Beyond(format!("the plan held {space:.1} times the file; at most {MOST_MEMORY}"));
        }
    }
    Ok(verdict)
}

/// Seconds and bytes of the fastest of a few runs.
fn best(what: &str, path: &Path) -> Outcome<(f64, u64)> {
    let mut best: Option<(f64, u64)> = None;
    for _ in 0..RUNS {
        let this = std::env::current_exe().map_err(words)?;
        let output = Command::new(this).arg(what).arg(path).output().map_err(words)?;
        if !output.status.success() {
            return Err(String::from_utf8_lossy(&output.stderr).into_owned());
        }
        let text = String::from_utf8_lossy(&output.stdout);
        let (seconds, bytes) = text.trim().split_once(' ').ok_or("a measurement has two figures")?;
        let figures = (seconds.parse().map_err(words)?, bytes.parse().map_err(words)?);
        if best.is_none_or(|(fastest, _)| figures.0 < fastest) {
            best = Some(figures);
        }
    }
    best.ok_or_else(|| "nothing was measured".to_owned())
}

/// What `keywheel plan` does, from the file to the plan.
pub(crate) fn plan_of(path: &Path) -> Outcome<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(words)?;
    let (time, planned) = timed(|| {
        let inventory = inventory::load(path)?;
        let engine = inventory::engine(&inventory, true)?;
        let now = SystemClock.now();
        let observed = runtime.block_on(observe(&engine, &Selection::Due, now)).map_err(words)?;
        Ok::<_, String>(plan(&inventory, &observed, &Selection::Due, Options::default(), now))
    });
    let planned = planned?;
    if planned.items.len() != DUE {
        return Err(format!("{} secrets are planned instead of {DUE}", planned.items.len()));
    }
    println!("{} {}", time.as_secs_f64(), peak_memory());
    Ok(())
}

/// What the YAML library does with the same file.
pub(crate) fn values_of(path: &Path) -> Outcome<()> {
    let text = fs::read_to_string(path).map_err(words)?;
    let options = serde_saphyr::options! { budget: None };
    let (time, value) = timed(|| serde_saphyr::from_str_with_options::<serde_json::Value>(&text, options));
    let value = value.map_err(words)?;
    if !value.is_object() {
        return Err("the inventory is no mapping".to_owned());
    }
    println!("{} {}", time.as_secs_f64(), peak_memory());
    Ok(())
}
