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

use keywheel::{
    core::{
        Clock as _,
        plan::{Options, Selection, plan},
        rotation::Outcome as Ended,
    },
    engine::{Ended as ItemEnded, SystemClock, observe},
};
use nix::sys::resource::{UsageWho, getrusage};

use crate::{
    inventory,
    measure::{Outcome, Verdict, timed, words},
    parts::{self, Parts},
};

const SECRETS: usize = 10_000;
const LEAST_RATE: f64 = 0.5;
const THREADS: usize = 8;

pub(crate) fn run() -> Outcome {
    println!("file: {SECRETS} secrets, one file each, through the whole life");
    let bare_before = bare(1)?;
    let run = keywheel()?;
    let bare_after = bare(1)?;
    let threaded = bare(THREADS)?;
    let bare = (bare_before + bare_after) / 2;
    let rate = |time: Duration| f64::from(u32::try_from(SECRETS).unwrap_or(u32::MAX)) / time.as_secs_f64();
    let ratio = rate(run.time) / rate(bare);
    println!("  bare loop, one thread      {:>7.0} rotations/s (8 fsyncs each)", rate(bare));
    println!("  bare loop, {THREADS} threads       {:>7.0} rotations/s", rate(threaded));
    println!("  keywheel, journal, audit   {:>7.0} rotations/s", rate(run.time));
    println!("  ratio to one thread        {ratio:>7.2} (at least {LEAST_RATE})");
    println!("  ratio to {THREADS} threads         {:>7.2}", rate(run.time) / rate(threaded));
    println!("  where the rest goes, each measured by itself (in the run they overlap):");
    println!(
        "    journal {:>7.0} ms for {} records and as many leases taken and given back as secrets",
        milliseconds(run.parts.journal),
        run.parts.records
    );
    println!("    audit   {:>7.0} ms for its lines, hashes and MACs", milliseconds(run.parts.audit));
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

/// What a run of keywheel took.
struct Run {
    time: Duration,
    processor: Duration,
    parts: Parts,
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}

/// Rotates every secret once, and then measures the parts by themselves.
fn keywheel() -> Outcome<Run> {
    let directory = tempfile::tempdir_in(".").map_err(words)?;
    let path = inventory::write(directory.path(), SECRETS, "at-once")?;
    let secrets = directory.path().join("secrets");
    fs::create_dir(&secrets).map_err(words)?;
    for number in 0..SECRETS {
        fs::write(secrets.join(format!("service-{number:06}-password")), old_value(number)).map_err(words)?;
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(words)?;
    runtime.block_on(async {
        let loaded = inventory::load(&path)?;
        let engine = inventory::engine(&loaded, false)?;
        let now = SystemClock.now();
        let observed = observe(&engine, &Selection::All, now).await.map_err(words)?;
        let planned = plan(&loaded, &observed, &Selection::All, Options::default(), now);
        let before = processor_time()?;
        #[expect(clippy::disallowed_methods, reason = "a benchmark measures real time")]
        let start = std::time::Instant::now();
        let report = engine.run(&planned, None).await.map_err(words)?;
        let time = start.elapsed();
        let processor = processor_time()?.saturating_sub(before);
        let succeeded =
            |ended: &ItemEnded| matches!(ended, ItemEnded::Finished { outcome: Ended::Succeeded, .. });
        let done = report.items.iter().filter(|item| succeeded(&item.ended)).count();
        if done != SECRETS {
            return Err(format!("{done} of {SECRETS} secrets were rotated"));
        }
        if let Some(number) = (0..SECRETS).find(|number| {
            fs::read(secrets.join(format!("service-{number:06}-password")))
                .is_ok_and(|value| value == old_value(*number))
        }) {
            return Err(format!("secret {number} still has its old value"));
        }
        let parts = parts::measure(&engine, &loaded, directory.path()).await?;
        Ok(Run { time, processor, parts })
    })
}

fn processor_time() -> Outcome<Duration> {
    let usage = getrusage(UsageWho::RUSAGE_SELF).map_err(words)?;
    let microseconds = |time: nix::sys::time::TimeVal| {
        u64::try_from(time.tv_sec() * 1_000_000 + time.tv_usec()).unwrap_or_default()
    };
    Ok(Duration::from_micros(microseconds(usage.user_time()) + microseconds(usage.system_time())))
}

fn old_value(number: usize) -> Vec<u8> {
    format!("{number:032}").into_bytes()
}

/// The writes and fsyncs of one rotation, and nothing else: stage, keep the old value, replace the current one, drop the
/// pending one, drop the old one.
fn bare(threads: usize) -> Outcome<Duration> {
    let directory = tempfile::tempdir_in(".").map_err(words)?;
    let places = Arc::new(Places {
        current: directory.path().join("secrets"),
        pending: directory.path().join("pending"),
        previous: directory.path().join("previous"),
    });
    for place in [&places.current, &places.pending, &places.previous] {
        fs::create_dir(place).map_err(words)?;
    }
    for number in 0..SECRETS {
        fs::write(places.current.join(number.to_string()), old_value(number)).map_err(words)?;
    }
    let next = Arc::new(AtomicUsize::new(0));
    let (time, results) = timed(|| {
        let workers: Vec<_> = (0..threads)
            .map(|_| {
                let (places, next) = (Arc::clone(&places), Arc::clone(&next));
                thread::spawn(move || places.rotate_all(&next))
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
    fn rotate_all(&self, next: &AtomicUsize) -> io::Result<()> {
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            if number >= SECRETS {
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
