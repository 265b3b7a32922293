//! The systems of one life, and engines over them.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use jiff::Timestamp;
use keywheel_core::{
    ConsumerName, Fingerprinter, Result, RotatorName, SecretName, SecretValue, StoreName,
    document::Layout,
    fingerprint::FingerprintMode,
    inventory::{
        Automation, CredentialRef, DeclaredConsumer, DeclaredStore, DeclaredTarget, Inventory, Period,
        SecretEntry,
    },
    plan::{Options, Selection, plan},
    rotation::{Location, StoreRef},
};
use keywheel_engine::{Engine, EngineParts, Keys, NoBoundary, ProvidedValues, Silent, StdinValue, observe};
use keywheel_testkit::{
    ManualClock, SeededEntropy,
    memory::{MemoryConsumer, MemoryJournal, MemoryTarget},
};
use tempfile::TempDir;

use crate::{
    judge::Judge,
    models::{Shelf, SimConsumer, SimJournal, SimStore, SimTarget},
    network::{Network, ProcessClock, ProcessId},
    scenario::{Goal, Habit, OLD, Scenario},
    schedule::Schedule,
};

/// The secret of every life.
pub(crate) const SECRET: &str = "db-password";

/// How long a consumer may take to move.
const DEADLINE: Period = Period::from_secs(60);

/// How long one run waits: for retries where somebody may come and want the old value back, else to the end.
fn patience(goal: Goal) -> Duration {
    if goal.is_undo() { Duration::from_mins(20) } else { Duration::from_hours(2) }
}

const STORES: [&str; 2] = ["store", "second-store"];
const CONSUMERS: [&str; 2] = ["consumer", "second-consumer"];

/// Where lives take place, one after another: a directory for audits, and keys.
pub struct Workbench {
    directory: TempDir,
    keys: Keys,
}

impl Workbench {
    /// A directory in memory, where there is such a file system: an audit is synced at every step of every life.
    ///
    /// # Errors
    /// When the directory or the keys cannot be made.
    pub fn new() -> std::io::Result<Self> {
        let memory = Path::new("/dev/shm");
        let directory = if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() }?;
        let inventory = inventory(&directory.path().join(INSTALLATIONS[0]));
        let keys = Keys::open_or_create(&inventory, &SeededEntropy::new(1))
            .map_err(|error| std::io::Error::other(error.to_string()))?;
        Ok(Self { directory, keys })
    }

    fn state_of(&self, installation: usize) -> PathBuf {
        self.directory.path().join(INSTALLATIONS[installation])
    }
}

/// One has the inventory under its care; another one knows nothing of it.
const INSTALLATIONS: [&str; 2] = ["ours", "rival"];
const JOURNALS: [&str; 2] = ["journal", "rival-journal"];

/// The models of one life.
pub(crate) struct World<'b> {
    bench: &'b Workbench,
    pub(crate) scenario: Arc<Scenario>,
    pub(crate) network: Network,
    pub(crate) judge: Judge,
    pub(crate) secret: SecretName,
    shelves: Vec<Shelf>,
    target: Option<MemoryTarget>,
    consumers: Vec<MemoryConsumer>,
    /// One for each installation.
    pub(crate) journals: Vec<MemoryJournal>,
    entropy: Arc<SeededEntropy>,
    processes: usize,
}

impl<'b> World<'b> {
    pub(crate) fn new(bench: &'b Workbench, scenario: &Arc<Scenario>, schedule: Schedule) -> Self {
        let clock = ManualClock::moved_by_sleep(Timestamp::from_second(1_790_000_000).unwrap_or_default());
        let network = Network::new(schedule, clock.clone());
        let shelves: Vec<Shelf> = (0..scenario.stores).map(|_| Shelf::new()).collect();
        for shelf in &shelves {
            shelf.overwrite(OLD);
        }
        let target = scenario.target.make();
        let last = &shelves[shelves.len() - 1];
        let consumers: Vec<_> = scenario
            .consumers
            .iter()
            .map(|habit| {
                let reads = Arc::new(last.clone());
                let model = MemoryConsumer::reading(reads, Fingerprinter::plain(), habit.behaviour());
                if *habit == Habit::Handed { model.handed_values() } else { model }
            })
            .collect();
        let journals = vec![MemoryJournal::new(clock)];
        let secret = SecretName::from(SECRET);
        let judge = Judge::new(
            Arc::clone(scenario),
            secret.clone(),
            network.clone(),
            journals.clone(),
            shelves.clone(),
            target.clone(),
            consumers.clone(),
        );
        let watching = judge.clone();
        network.after_every_change(move || watching.look());
        for installation in 0..INSTALLATIONS.len() {
            // What the life before left behind; there need not be any.
            let _ = fs::remove_file(bench.state_of(installation).join("audit.jsonl"));
        }
        Self {
            bench,
            scenario: Arc::clone(scenario),
            network,
            judge,
            secret,
            shelves,
            target,
            consumers,
            journals,
            entropy: Arc::new(SeededEntropy::new(7)),
            processes: 0,
        }
    }

    /// The number of another installation, made when it is first needed.
    pub(crate) fn rival(&mut self) -> usize {
        if self.journals.len() == 1 {
            let journal = MemoryJournal::new(self.network.clock().clone());
            self.journals.push(journal.clone());
            self.judge.joined_by(journal);
        }
        1
    }

    /// Every consumer reads its value again.
    pub(crate) fn restart_consumers(&self) {
        self.consumers.iter().for_each(MemoryConsumer::restart);
    }

    /// A new process of `installation`: its number, its handle of the journal, and its engine.
    pub(crate) fn process(&mut self, installation: usize) -> (ProcessId, MemoryJournal, Arc<Engine>) {
        let process = ProcessId(self.processes);
        self.processes += 1;
        let journal = self.journals[installation].another_process();
        self.judge.meets(process, journal.clone());
        let engine = Engine::new(EngineParts {
            inventory: Arc::new(self.inventory(installation)),
            journal: Arc::new(SimJournal {
                model: journal.clone(),
                label: JOURNALS[installation],
                network: self.network.clone(),
                judge: self.judge.clone(),
            }),
            clock: Arc::new(ProcessClock { network: self.network.clone(), process }),
            entropy: self.entropy.clone(),
            keys: self.bench.keys.clone(),
            provided: Arc::new(Nothing),
            stdin: StdinValue::default(),
            observer: Arc::new(Silent),
            boundary: Arc::new(NoBoundary),
            initiator: INSTALLATIONS[installation].into(),
            patience: patience(self.scenario.goal),
        });
        (process, journal, engine)
    }

    /// An engine that nothing befalls, for a look at the audit.
    pub(crate) fn auditor(&self, installation: usize) -> Arc<Engine> {
        Engine::new(EngineParts {
            inventory: Arc::new(self.inventory(installation)),
            journal: Arc::new(self.journals[installation].another_process()),
            clock: Arc::new(self.network.clock().clone()),
            entropy: self.entropy.clone(),
            keys: self.bench.keys.clone(),
            provided: Arc::new(Nothing),
            stdin: StdinValue::default(),
            observer: Arc::new(Silent),
            boundary: Arc::new(NoBoundary),
            initiator: "auditor".into(),
            patience: Duration::ZERO,
        })
    }

    fn inventory(&self, installation: usize) -> Inventory {
        let mut inventory = inventory(&self.bench.state_of(installation));
        for (shelf, label) in self.shelves.iter().zip(STORES) {
            let store = Arc::new(SimStore {
                model: self.scenario.store,
                shelf: shelf.clone(),
                label,
                network: self.network.clone(),
                judge: Some(self.judge.clone()),
            });
            let declared = DeclaredStore { kind: "model", store, concurrency: 4, rate: None };
            inventory.stores.insert(StoreName::from(label), declared);
        }
        if let Some(model) = &self.target {
            let target = Arc::new(SimTarget {
                model: model.clone(),
                network: self.network.clone(),
                judge: self.judge.clone(),
            });
            let declared = DeclaredTarget { kind: "model", target, concurrency: 4, rate: None };
            inventory.targets.insert(RotatorName::from("target"), declared);
        }
        for ((model, habit), label) in self.consumers.iter().zip(&self.scenario.consumers).zip(CONSUMERS) {
            let consumer = Arc::new(SimConsumer {
                model: model.clone(),
                label,
                network: self.network.clone(),
                judge: self.judge.clone(),
            });
            let on_deadline = habit.on_deadline();
            let declared = DeclaredConsumer { kind: "model", consumer, deadline: DEADLINE, on_deadline };
            inventory.consumers.insert(ConsumerName::from(label), declared);
        }
        inventory.secrets.push(self.entry());
        inventory.index.insert(self.secret.clone(), 0);
        inventory
    }

    fn entry(&self) -> SecretEntry {
        let scenario = &self.scenario;
        let location = Location { key: SECRET.into(), next: None, previous: None };
        SecretEntry {
            name: self.secret.clone(),
            line: 1,
            owner: None,
            environment: None,
            tier: None,
            tags: Box::default(),
            automation: Automation::Automated,
            flow: scenario.flow(),
            source: scenario.source(),
            provided_from: None,
            stores: STORES[..scenario.stores]
                .iter()
                .map(|label| StoreRef { store: StoreName::from(*label), location: location.clone() })
                .collect(),
            target: self.target.as_ref().map(|_| RotatorName::from("target")),
            login: None,
            identity: scenario.identity(),
            layout: Layout::Plain,
            consumers: CONSUMERS[..scenario.consumers.len()]
                .iter()
                .map(|label| ConsumerName::from(*label))
                .collect(),
            every: None,
            overlap: Period::from_secs(scenario.overlap.as_secs()),
            fingerprint: FingerprintMode::Plain,
            depends_on: Box::default(),
        }
    }

    /// The text of an installation's audit.
    pub(crate) fn audit_text(&self, installation: usize) -> String {
        fs::read_to_string(self.bench.state_of(installation).join("audit.jsonl")).unwrap_or_default()
    }
}

impl Drop for World<'_> {
    fn drop(&mut self) {
        self.network.take_down();
    }
}

/// Plans `selection` now and runs the plan.
pub(crate) async fn run(
    engine: &Arc<Engine>,
    selection: &Selection,
    now: Timestamp,
) -> Result<keywheel_engine::RunReport> {
    let observed = observe(engine, selection, now).await?;
    let plan = plan(engine.inventory(), &observed, selection, Options::default(), now);
    engine.run(&plan, None).await
}

fn inventory(state: &Path) -> Inventory {
    Inventory {
        path: state.join("inventory.yaml"),
        base: state.to_owned(),
        digest: "digest".to_owned(),
        state: state.to_owned(),
        audit_log: state.join("audit.jsonl"),
        audit_key: CredentialRef::File(state.join("keys/audit.key")),
        environments: BTreeMap::new(),
        tiers: BTreeMap::new(),
        stores: BTreeMap::new(),
        targets: BTreeMap::new(),
        consumers: BTreeMap::new(),
        notices: BTreeMap::new(),
        index: std::collections::HashMap::new(),
        secrets: Vec::new(),
        concurrency: 4,
    }
}

/// Nobody provides a value.
struct Nothing;

impl ProvidedValues for Nothing {
    fn variable(&self, _path: &Path, _variable: &str) -> Result<Option<SecretValue>> {
        Ok(None)
    }

    fn file(&self, _path: &Path) -> Result<Option<SecretValue>> {
        Ok(None)
    }
}
