//! Whole rotations of file secrets, beside a bare loop that does the same writes and fsyncs and nothing else.

use std::{
    fs::{self, File},
    io::{self, Write},
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

use crate::{
    inventory::Shape,
    life::{self, Life},
    measure::{Outcome, Verdict, milliseconds, per_second, timed, words},
    parts::{self, Parts},
};

const SECRETS: usize = 10_000;
const LEAST_RATE: f64 = 0.5;
pub(crate) const THREADS: usize = 8;

pub(crate) fn run() -> Outcome {
    println!("file: {SECRETS} secrets, one file each, through the whole life");
    let bare_before = bare(1, SECRETS)?;
    let (run, parts) = keywheel()?;
    let bare_after = bare(1, SECRETS)?;
    let threaded = bare(THREADS, SECRETS)?;
    let bare = (bare_before + bare_after) / 2;
    let rate = |time| per_second(SECRETS, time);
    let ratio = rate(run.time) / rate(bare);
    println!("  bare loop, one thread      {:>7.0} rotations/s (8 fsyncs each)", rate(bare));
    println!("  bare loop, {THREADS} threads       {:>7.0} rotations/s", rate(threaded));
    println!("  keywheel, journal, audit   {:>7.0} rotations/s", rate(run.time));
    println!("  ratio to one thread        {ratio:>7.2} (at least {LEAST_RATE})");
    println!("  ratio to {THREADS} threads         {:>7.2}", rate(run.time) / rate(threaded));
    println!("  where the rest goes, each measured by itself (in the run they overlap):");
    println!(
        "    journal {:>7.0} ms for {} records and as many leases taken and given back as secrets",
        milliseconds(parts.journal),
        parts.records
    );
    println!("    audit   {:>7.0} ms for its lines, hashes and MACs", milliseconds(parts.audit));
    println!("    files   {:>7.0} ms, the bare loop with {THREADS} threads", milliseconds(threaded));
    println!(
        "    processor time of the whole run: {:.0} ms, on the clock {:.0} ms",
        milliseconds(run.processor),
        milliseconds(run.time)
    );
    Ok(if ratio < LEAST_RATE {
        Verdict::Beyond(format!("{ratio:.2} of the bare loop's rate; at least {LEAST_RATE}"))
    } else {
        Verdict::Within
    })
}

/// Rotates every secret once, and then measures the parts by themselves.
fn keywheel() -> Outcome<(Life, Parts)> {
    let directory = tempfile::tempdir_in(".").map_err(words)?;
    let path = Shape::of_files(SECRETS, "at-once").write(directory.path())?;
    life::fill_store(directory.path(), SECRETS, old_value)?;
    let life = life::of_all(&path)?;
    let parts = parts::measure(&path, directory.path())?;
    Ok((life, parts))
}

fn old_value(number: usize) -> Vec<u8> {
    format!("{number:032}").into_bytes()
}

/// The writes and fsyncs of one rotation, and nothing else: stage, keep the old value, replace the current one, drop the
/// pending one, drop the old one.
pub(crate) fn bare(threads: usize, secrets: usize) -> Outcome<Duration> {
    let directory = tempfile::tempdir_in(".").map_err(words)?;
    let places = Arc::new(Places {
        current: directory.path().join("secrets"),
        pending: directory.path().join("pending"),
        previous: directory.path().join("previous"),
    });
    for place in [&places.current, &places.pending, &places.previous] {
        fs::create_dir(place).map_err(words)?;
    }
    for number in 0..secrets {
        fs::write(places.current.join(number.to_string()), old_value(number)).map_err(words)?;
    }
    let next = Arc::new(AtomicUsize::new(0));
    let (time, results) = timed(|| {
        let workers: Vec<_> = (0..threads)
            .map(|_| {
                let (places, next) = (Arc::clone(&places), Arc::clone(&next));
                thread::spawn(move || places.rotate_all(&next, secrets))
            })
            .collect();
        workers
            .into_iter()
            .map(|worker| worker.join().map_err(|_| "a worker panicked".to_owned()))
            .collect::<Vec<_>>()
    });
    for result in results {
        result?.map_err(words)?;
    }
    Ok(time)
}

struct Places {
    current: std::path::PathBuf,
    pending: std::path::PathBuf,
    previous: std::path::PathBuf,
}

impl Places {
    fn rotate_all(&self, next: &AtomicUsize, secrets: usize) -> io::Result<()> {
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            if number >= secrets {
                return Ok(());
            }
            let name = number.to_string();
            replace(&self.pending, &name, b"a new value of thirty-two bytes.")?;
            let old = fs::read(self.current.join(&name))?;
            replace(&self.previous, &name, &old)?;
            replace(&self.current, &name, b"a new value of thirty-two bytes.")?;
            remove(&self.pending, &name)?;
            remove(&self.previous, &name)?;
        }
    }
}

fn replace(directory: &Path, name: &str, value: &[u8]) -> io::Result<()> {
    let temporary = directory.join(format!(".{name}.tmp"));
    let mut file = File::create(&temporary)?;
    file.write_all(value)?;
    file.sync_all()?;
    fs::rename(&temporary, directory.join(name))?;
    File::open(directory)?.sync_all()
}

fn remove(directory: &Path, name: &str) -> io::Result<()> {
    fs::remove_file(directory.join(name))?;
    File::open(directory)?.sync_all()
}
