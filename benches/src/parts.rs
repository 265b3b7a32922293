//! What the parts of a run cost by themselves: its journal without its files, its audit without either.

use std::{path::Path, sync::Arc, time::Duration};

use keywheel::{
    core::{
        Initiator, OsEntropy,
        inventory::Inventory,
        journal::{Acquired, Journal},
        rotation::Record,
    },
    engine::{Engine, Keys, SystemClock, audit::Audit},
    open::{self, Opening},
};
use tokio::task::JoinSet;

use crate::{
    inventory,
    measure::{Outcome, words},
};

/// The times of the parts.
pub(crate) struct Parts {
    pub(crate) records: usize,
    pub(crate) journal: Duration,
    pub(crate) audit: Duration,
}

/// Writes the records of the journal of the inventory at `path` once more, into an empty journal, as many rotations at
/// once as the run had; then projects them into an empty audit.
pub(crate) fn measure(path: &Path, directory: &Path) -> Outcome<Parts> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(words)?;
    let inventory = inventory::load(path)?;
    let engine = inventory::engine(&inventory, true)?;
    runtime.block_on(again(&engine, &inventory, directory))
}

async fn again(engine: &Arc<Engine>, inventory: &Arc<Inventory>, directory: &Path) -> Outcome<Parts> {
    let rotations = rotations(engine).await?;
    let records = rotations.iter().map(Vec::len).sum();
    let again =
        open::journal(&directory.join("again.db"), &Opening::new(Initiator::from("bench"))).map_err(words)?;
    #[expect(clippy::disallowed_methods, reason = "a benchmark measures real time")]
    let start = std::time::Instant::now();
    let mut tasks = JoinSet::new();
    for rotation in rotations {
        if tasks.len() >= inventory.concurrency {
            tasks.join_next().await.ok_or("no task")?.map_err(words)??;
        }
        tasks.spawn(write(Arc::clone(&again), rotation));
    }
    while let Some(done) = tasks.join_next().await {
        done.map_err(words)??;
    }
    let journal = start.elapsed();

    let keys = Keys::open_or_create(inventory, &OsEntropy).map_err(words)?;
    let audit = Audit::new(&directory.join("again.jsonl"), keys, Arc::new(SystemClock));
    #[expect(clippy::disallowed_methods, reason = "a benchmark measures real time")]
    let start = std::time::Instant::now();
    audit.catch_up(again.as_ref()).await.map_err(words)?;
    Ok(Parts { records, journal, audit: start.elapsed() })
}

async fn rotations(engine: &Arc<Engine>) -> Outcome<Vec<Vec<Record>>> {
    let mut rotations = Vec::new();
    for entry in &engine.inventory().secrets {
        for rotation in engine.journal().rotations_of(&entry.name, 1).await.map_err(words)? {
            rotations.push(engine.journal().records(rotation).await.map_err(words)?);
        }
    }
    Ok(rotations)
}

async fn write(journal: Arc<dyn Journal>, records: Vec<Record>) -> Outcome<()> {
    let Some(first) = records.first() else { return Ok(()) };
    let initiator = Initiator::from("bench");
    let lease =
        match journal.acquire(&first.body.secret, &initiator, Duration::from_mins(1)).await.map_err(words)? {
            Acquired::Yes(lease) | Acquired::TakenOver(lease) => lease,
            Acquired::HeldBy(_) => return Err("somebody else holds the lease".to_owned()),
        };
    for mut record in records {
        record.body.fence = lease.fence;
        journal.append(&lease, record.body).await.map_err(words)?;
    }
    journal.release(&lease).await.map_err(words)
}
