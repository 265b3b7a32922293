//! Inventories of any size, with a journal that says when each secret was rotated.

use std::{
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use keywheel::{
    core::{
        Initiator, OsEntropy, SecretName,
        inventory::Inventory,
        journal::{Acquired, Journal},
        rotation::{Event, NewRecord, Outcome as Ended, Started},
    },
    engine::{Engine, SystemClock},
    open::{self, LoadError, Opening},
};

use crate::measure::{Outcome, words};

const DAY: i64 = 86_400;

/// What an inventory is made of.
#[derive(Clone, Copy)]
pub(crate) struct Shape<'a> {
    pub(crate) secrets: usize,
    pub(crate) tier: &'a str,
    /// Rotations at once, and calls at once to each store and target.
    pub(crate) at_once: usize,
    /// The target that checks the values, as the inventory declares it. Secret `n` is for `user-n` there.
    pub(crate) target: Option<&'a str>,
    /// Where the secrets are.
    pub(crate) store: Kept<'a>,
}

/// Where an inventory keeps its secrets.
#[derive(Clone, Copy)]
pub(crate) enum Kept<'a> {
    /// Files below the inventory's directory.
    Files,
    /// On a server: the store as the inventory declares it, and the path below which the secrets are.
    Server { declaration: &'a str, path: &'a str },
}

impl Shape<'_> {
    /// Secrets that nobody checks, 64 at once.
    pub(crate) fn of_files(secrets: usize, tier: &str) -> Shape<'_> {
        Shape { secrets, tier, at_once: 64, target: None, store: Kept::Files }
    }

    /// Writes the inventory into `directory`.
    pub(crate) fn write(&self, directory: &Path) -> Outcome<PathBuf> {
        let Self { secrets, tier, at_once, target, store } = *self;
        let declaration = match store {
            Kept::Files => "directory: { path: ./secrets }",
            Kept::Server { declaration, .. } => declaration,
        };
        let mut text = String::with_capacity(secrets * 220);
        let _ = write!(
            text,
            "version: 1\nconcurrency: {at_once}\nenvironments:\n  production: {{}}\ntiers:\n  \
             quarterly: {{ every: 90d, overlap: 24h }}\n  at-once: {{ overlap: 0s }}\nstores:\n  kept:\n    \
             {declaration}\n    concurrency: {at_once}\n",
        );
        if let Some(target) = target {
            let _ = write!(text, "rotators:\n  server:\n    {target}\n    concurrency: {at_once}\n");
        }
        text.push_str("secrets:\n");
        for number in 0..secrets {
            let kept = match store {
                Kept::Files => "kept".to_owned(),
                Kept::Server { path, .. } => format!("{{ store: kept, key: {path}/{} }}", secret(number)),
            };
            let _ = write!(
                text,
                "  {}:\n    owner: team-{}\n    environment: production\n    tier: {tier}\n    \
                 tags: [service-{}, database]\n    generate: {{ password: {{ length: 32 }} }}\n    stores: [{kept}]\n",
                secret(number),
                number % 97,
                number % 1009,
            );
            if target.is_some() {
                let _ = write!(text, "    rotator: server\n    identity: {}\n", user(number));
            }
        }
        let path = directory.join("keywheel.yaml");
        fs::write(&path, text).map_err(words)?;
        Ok(path)
    }
}

/// The name of one of its secrets, and of the file with the value.
pub(crate) fn secret(number: usize) -> String {
    format!("service-{number:06}-password")
}

/// Whom its value is for.
pub(crate) fn user(number: usize) -> String {
    format!("user-{number:06}")
}

/// Reads it.
pub(crate) fn load(path: &Path) -> Outcome<Arc<Inventory>> {
    open::load(path).map(Arc::new).map_err(|error| match error {
        LoadError::Unreadable(error) => error.to_string(),
        LoadError::Mistakes(mistakes) => mistakes.render(keywheel::core::yaml::Style::Plain),
    })
}

/// An engine over it.
pub(crate) fn engine(inventory: &Arc<Inventory>, read_only: bool) -> Outcome<Arc<Engine>> {
    let opening = Opening { read_only, ..Opening::new(Initiator::from("bench")) };
    open::engine(Arc::clone(inventory), opening).map_err(words)
}

/// Fills the journal: every secret was rotated yesterday, but the first `due`, which were 91 days ago.
pub(crate) async fn fill_journal(inventory: &Arc<Inventory>, due: usize) -> Outcome<()> {
    use keywheel::core::{Clock as _, Entropy as _};

    let engine = engine(inventory, false)?;
    let now = SystemClock.now();
    let ago = |days: i64| now.checked_sub(jiff_seconds(days * DAY)).unwrap_or(now);
    let mut tasks = tokio::task::JoinSet::new();
    for (number, entry) in inventory.secrets.iter().enumerate() {
        let journal = Arc::clone(engine.journal());
        let spec = inventory.spec(entry);
        let secret = entry.name.clone();
        let rotated_at = ago(if number < due { 91 } else { 1 });
        let rotation = OsEntropy.rotation_id().map_err(words)?;
        tasks.spawn(async move { note(journal, secret, rotation, spec, rotated_at).await });
        if tasks.len() >= 512 {
            tasks.join_next().await.ok_or("no task")?.map_err(words)??;
        }
    }
    while let Some(done) = tasks.join_next().await {
        done.map_err(words)??;
    }
    Ok(())
}

fn jiff_seconds(seconds: i64) -> Duration {
    Duration::from_secs(seconds.unsigned_abs())
}

async fn note(
    journal: Arc<dyn Journal>,
    secret: SecretName,
    rotation: keywheel::core::RotationId,
    spec: keywheel::core::rotation::RotationSpec,
    at: keywheel::jiff::Timestamp,
) -> Outcome<()> {
    let initiator = Initiator::from("bench");
    let lease = match journal.acquire(&secret, &initiator, Duration::from_mins(1)).await.map_err(words)? {
        Acquired::Yes(lease) | Acquired::TakenOver(lease) => lease,
        Acquired::HeldBy(_) => return Err("somebody else holds the lease".to_owned()),
    };
    let started = Event::Started(Box::new(Started { spec, reason: "bench".to_owned(), initiator }));
    let finished = Event::Finished { outcome: Ended::Succeeded, rotated_at: Some(at), current: None };
    for event in [started, finished] {
        let record = NewRecord { rotation, secret: secret.clone(), at, fence: lease.fence, event };
        journal.append(&lease, record).await.map_err(words)?;
    }
    journal.release(&lease).await.map_err(words)
}
