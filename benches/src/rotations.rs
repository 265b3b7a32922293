//! Rotations of secrets on a server, beside a bare loop that asks the same server for the same things in the same order, as
//! many at once, and does nothing else: no journal, no audit, no engine.

use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use keywheel::core::plan::Options;
use tokio::{
    runtime::{Builder, Runtime},
    task::JoinSet,
};

use crate::{
    inventory::{self, Kept, Shape},
    life,
    measure::{Outcome, Verdict, milliseconds, per_second, timed, words},
    processor,
};

/// The rate of the bare loop that keywheel is to reach.
pub(crate) const LEAST_RATE: f64 = 0.9;

/// The value of every secret before it is rotated.
pub(crate) const OLD: &str = "the-old-value-of-thirty-two-byte";

/// The value that the bare loop gives them.
pub(crate) const NEW: &str = "the-new-value-of-thirty-two-byte";

/// A server that keeps secrets.
pub(crate) trait Server: Send + Sync + 'static {
    /// The store as an inventory in `directory` declares it; what it logs in with is put there.
    fn declaration(&self, directory: &Path) -> Outcome<String>;

    /// Where the secrets of one run are.
    fn path(&self, run: usize) -> String;

    /// A secret with its old value.
    fn fill(&self, key: &str) -> impl Future<Output = Outcome<()>> + Send;

    /// What keywheel asks for in a rotation, and nothing else.
    fn rotate(&self, key: &str) -> impl Future<Output = Outcome<()>> + Send;

    /// What whoever asks for the secret gets.
    fn current(&self, key: &str) -> impl Future<Output = Outcome<String>> + Send;

    /// How many requests it has been asked so far, if it counts them.
    fn asked(&self) -> Option<usize>;
}

/// What a number of rotations took.
struct Took {
    time: Duration,
    processor: Duration,
    requests: Option<usize>,
}

/// One server, and as many secrets for each run.
pub(crate) struct Comparison<S> {
    server: Arc<S>,
    secrets: usize,
    runs: AtomicUsize,
    runtime: Runtime,
}

impl<S: Server> Comparison<S> {
    pub(crate) fn of(server: Arc<S>, secrets: usize) -> Outcome<Self> {
        let runtime = Builder::new_multi_thread().enable_all().build().map_err(words)?;
        Ok(Self { server, secrets, runs: AtomicUsize::new(0), runtime })
    }

    /// Bare, keywheel, bare, keywheel, bare, for each number at once; the ratio of the mean rates where keywheel is fastest.
    pub(crate) fn best(&self, at_once: &[usize]) -> Outcome<f64> {
        println!(
            "{:>9} {:>12} {:>9} {:>7} {:>28}",
            "at once", "keywheel/s", "bare/s", "ratio", "processor ms each, and bare"
        );
        let mut best: Option<(f64, f64)> = None;
        for at_once in at_once.iter().copied() {
            let mut bare = vec![self.bare(at_once)?];
            let mut ours = Vec::new();
            for _ in 0..2 {
                ours.push(self.keywheel(at_once)?);
                bare.push(self.bare(at_once)?);
            }
            let wanted = bare[0].requests;
            if let Some(other) = ours.iter().chain(&bare).find(|took| took.requests != wanted) {
                return Err(format!(
                    "{:?} and {wanted:?} requests for {} rotations: no loop of the same",
                    other.requests, self.secrets
                ));
            }
            let rate =
                |all: &[Took]| per_second(self.secrets * all.len(), all.iter().map(|took| took.time).sum());
            let processor = |all: &[Took]| {
                let all: Vec<f64> =
                    all.iter().map(|took| milliseconds(took.processor) / as_float(self.secrets)).collect();
                all.iter().sum::<f64>() / as_float(all.len())
            };
            let (keywheel, loops) = (rate(&ours), rate(&bare));
            println!(
                "{at_once:>9} {keywheel:>12.0} {loops:>9.0} {:>7.2} {:>21.2} {:>6.2}",
                keywheel / loops,
                processor(&ours),
                processor(&bare)
            );
            if best.is_none_or(|(fastest, _)| keywheel > fastest) {
                best = Some((keywheel, keywheel / loops));
            }
        }
        best.map(|(_, ratio)| ratio).ok_or_else(|| "nothing was measured".to_owned())
    }

    /// The keys of a run of its own, each with its old value.
    fn fresh(&self) -> Outcome<(String, Vec<String>)> {
        let path = self.server.path(self.runs.fetch_add(1, Ordering::Relaxed));
        let keys: Vec<_> =
            (0..self.secrets).map(|number| format!("{path}/{}", inventory::secret(number))).collect();
        // One after the other: the stand-in for AWS looks through all secrets while others are made, and fails.
        self.runtime.block_on(self.each(&keys, 1, Work::Fill))?;
        Ok((path, keys))
    }

    /// Does something with each secret, so many at once.
    async fn each(&self, keys: &[String], at_once: usize, work: Work) -> Outcome<()> {
        let (next, keys): (_, Arc<[String]>) = (Arc::new(AtomicUsize::new(0)), keys.into());
        let mut workers = JoinSet::new();
        for _ in 0..at_once {
            let (server, next, keys) = (Arc::clone(&self.server), Arc::clone(&next), Arc::clone(&keys));
            workers.spawn(async move {
                while let Some(key) = keys.get(next.fetch_add(1, Ordering::Relaxed)) {
                    match work {
                        Work::Fill => server.fill(key).await?,
                        Work::Rotate => server.rotate(key).await?,
                    }
                }
                Ok::<_, String>(())
            });
        }
        while let Some(done) = workers.join_next().await {
            done.map_err(words)??;
        }
        Ok(())
    }

    fn bare(&self, at_once: usize) -> Outcome<Took> {
        let (_, keys) = self.fresh()?;
        let (asked, used) = (self.server.asked(), processor::this_process()?);
        let (time, done) = timed(|| self.runtime.block_on(self.each(&keys, at_once, Work::Rotate)));
        done?;
        let processor = processor::this_process()?.saturating_sub(used);
        let requests = since(asked, self.server.asked());
        self.all_have(&keys, |value| value == NEW)?;
        Ok(Took { time, processor, requests })
    }

    fn keywheel(&self, at_once: usize) -> Outcome<Took> {
        let (path, keys) = self.fresh()?;
        let directory = tempfile::tempdir_in(".").map_err(words)?;
        let declaration = self.server.declaration(directory.path())?;
        let store = Kept::Server { declaration: &declaration, path: &path };
        let shape = Shape { secrets: self.secrets, tier: "at-once", at_once, target: None, store };
        let inventory = shape.write(directory.path())?;
        let mut asked = None;
        let life = self
            .runtime
            .block_on(life::run(&inventory, Options::default(), || asked = self.server.asked()))?;
        let requests = since(asked, self.server.asked());
        self.all_have(&keys, |value| value != OLD && value != NEW)?;
        Ok(Took { time: life.time, processor: life.processor, requests })
    }

    fn all_have(&self, keys: &[String], is_right: impl Fn(&str) -> bool) -> Outcome<()> {
        for key in keys.iter().step_by(10) {
            if !is_right(&self.runtime.block_on(self.server.current(key))?) {
                return Err(format!("{key} does not have its new value"));
            }
        }
        Ok(())
    }
}

fn since(before: Option<usize>, now: Option<usize>) -> Option<usize> {
    now?.checked_sub(before?)
}

#[derive(Clone, Copy)]
enum Work {
    Fill,
    Rotate,
}

fn as_float(count: usize) -> f64 {
    per_second(count, Duration::from_secs(1))
}

/// What a ratio means for the command.
pub(crate) fn judged(ratio: f64) -> Verdict {
    println!("  ratio to the bare loop, where keywheel is fastest {ratio:>7.2} (at least {LEAST_RATE})");
    if ratio < LEAST_RATE {
        Verdict::Beyond(format!("{ratio:.2} of the bare loop's rate; at least {LEAST_RATE}"))
    } else {
        Verdict::Within
    }
}
