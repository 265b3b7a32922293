//! The world in which engines of a test live and die: the models stay, whatever happens to a process.

use std::{
    path::Path,
    sync::{Arc, OnceLock},
    time::Duration,
};

use jiff::Timestamp;
use keywheel_core::{
    Clock, ConsumerName, Fingerprinter, RotatorName, SecretName, StoreName,
    document::Layout,
    fingerprint::FingerprintMode,
    inventory::{
        Automation, CredentialRef, DeclaredConsumer, DeclaredStore, DeclaredTarget, Inventory, Period,
        SecretEntry,
    },
    journal::Journal,
    plan::{Options, Plan, Selection, plan},
    rotation::{Action, History, Record, StoreRef},
    rotator::{Rotator, Strategy},
    secret::Secret,
};
use keywheel_engine::{
    Boundary, Ended, Engine, EngineEvent, EngineParts, Keys, NoBoundary, Observer, RunReport, StdinValue,
    observe,
};
use keywheel_testkit::{
    ManualClock, SeededEntropy,
    faults::{FaultPlan, Faulty},
    memory::{MemoryConsumer, MemoryJournal, MemoryStore, MemoryTarget},
};
use tempfile::TempDir;

use crate::{
    parts::{Files, SceneConsumer, SceneStore, SceneTarget, Wrap, bare},
    scene::Scene,
    view::View,
    witness::Witness,
};

/// How long a consumer may take to move, where a test says nothing else.
pub(crate) const DEADLINE: Period = Period::from_secs(60);

/// A bit more than the lifetime of a lease.
const SILENCE: Duration = Duration::from_secs(61);

/// What a test changes about every engine and its parts.
pub(crate) struct Settings {
    pub(crate) faults: FaultPlan,
    /// How long one run waits for a retry.
    pub(crate) patience: Duration,
    pub(crate) clock: ManualClock,
    /// Calls to one store or target at once.
    pub(crate) calls_at_once: usize,
    /// Around every handle of the store with this number.
    pub(crate) wrap_store: (usize, Wrap<dyn Secret>),
    /// Around the rotator of the secret with this name.
    pub(crate) wrap_target: (&'static str, Wrap<dyn Rotator>),
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            faults: FaultPlan::none(),
            patience: Duration::from_mins(20),
            clock: ManualClock::moved_by_sleep(start()),
            calls_at_once: 4,
            wrap_store: (0, bare()),
            wrap_target: ("", bare()),
        }
    }
}

/// When every test begins.
pub(crate) fn start() -> Timestamp {
    Timestamp::from_second(1_790_000_000).expect("a time in 2026")
}

/// Models, journal, inventory, and the process that is alive.
pub(crate) struct World {
    pub(crate) clock: ManualClock,
    pub(crate) faults: FaultPlan,
    pub(crate) witness: Witness,
    pub(crate) inventory: Arc<Inventory>,
    pub(crate) views: Vec<View>,
    pub(crate) files: Arc<Files>,
    pub(crate) boundary: Arc<dyn Boundary>,
    /// The journal as the process that is alive has it, without faults.
    pub(crate) journal: MemoryJournal,
    entropy: Arc<SeededEntropy>,
    keys: Keys,
    patience: Duration,
    _directory: TempDir,
}

impl World {
    /// One secret.
    pub(crate) fn of(scene: Scene) -> Self {
        Self::with([scene], Settings::default())
    }

    /// Several secrets; the first is the one that the short forms below speak of.
    pub(crate) fn with(scenes: impl IntoIterator<Item = Scene>, settings: Settings) -> Self {
        let scenes: Vec<Scene> = scenes.into_iter().collect();
        let directory = tempfile::tempdir().expect("a directory");
        let journal = MemoryJournal::new(settings.clock.clone());
        let witness = Witness::of(&journal);
        let count = scenes.iter().map(|scene| scene.stores).max().unwrap_or(1);
        let stores: Vec<MemoryStore> = (0..count).map(|_| MemoryStore::new()).collect();
        let views: Vec<View> = scenes.into_iter().map(|scene| view(scene, &stores)).collect();
        let mut inventory = inventory(directory.path(), &views);
        for (index, store) in stores.iter().enumerate() {
            let label = format!("store-{index}");
            let name = StoreName::new(label.as_str());
            let store = Arc::new(SceneStore {
                model: store.clone(),
                label,
                faults: settings.faults.clone(),
                witness: witness.clone(),
                wrap: if settings.wrap_store.0 == index { settings.wrap_store.1.clone() } else { bare() },
            });
            let declared =
                DeclaredStore { kind: "memory", store, concurrency: settings.calls_at_once, rate: None };
            inventory.stores.insert(name, declared);
        }
        for view in &views {
            declare_target(&mut inventory, view, &settings, &witness);
            declare_consumers(&mut inventory, view, &settings, &witness);
        }
        let entropy = Arc::new(SeededEntropy::new(7));
        let keys = keys(&inventory, &entropy);
        Self {
            clock: settings.clock,
            faults: settings.faults,
            witness,
            inventory: Arc::new(inventory),
            views,
            files: Arc::default(),
            boundary: Arc::new(NoBoundary),
            journal,
            entropy,
            keys,
            patience: settings.patience,
            _directory: directory,
        }
    }

    /// What the inventory says about the secret at `position`, before any engine has it.
    pub(crate) fn entry(&mut self, position: usize) -> &mut SecretEntry {
        &mut Arc::get_mut(&mut self.inventory).expect("no engine has it yet").secrets[position]
    }

    /// Has logins of the first secret tried at `target`, and no longer where its credentials are made.
    pub(crate) fn log_in_at(&mut self, target: MemoryTarget) {
        let inventory = Arc::get_mut(&mut self.inventory).expect("no engine has it yet");
        let name = RotatorName::from("login");
        let target = Arc::new(target);
        let declared = DeclaredTarget { kind: "memory", target, concurrency: 1, rate: None };
        inventory.targets.insert(name.clone(), declared);
        inventory.secrets[0].login = Some(name);
    }

    /// The first secret.
    pub(crate) fn view(&self) -> &View {
        &self.views[0]
    }

    /// The secret called `name`.
    pub(crate) fn view_of(&self, name: &str) -> &View {
        self.views.iter().find(|view| view.scene.name == name).expect("the world has this secret")
    }

    pub(crate) fn name(&self) -> SecretName {
        self.view().scene.name.into()
    }

    /// A fresh engine of the process that is alive.
    pub(crate) fn engine(&self) -> Arc<Engine> {
        let journal = Faulty::new(Arc::new(self.journal.clone()), self.faults.clone(), "journal");
        self.engine_over(Arc::new(journal))
    }

    /// A fresh engine over a journal of its own.
    pub(crate) fn engine_over(&self, journal: Arc<dyn Journal>) -> Arc<Engine> {
        Engine::new(EngineParts {
            inventory: Arc::clone(&self.inventory),
            journal,
            clock: Arc::new(self.clock.clone()),
            entropy: self.entropy.clone(),
            keys: self.keys.clone(),
            provided: self.files.clone(),
            stdin: StdinValue::default(),
            observer: Arc::new(Watch { views: self.views.clone(), witness: self.witness.clone() }),
            boundary: Arc::clone(&self.boundary),
            initiator: "tester".into(),
            patience: self.patience,
        })
    }

    /// The process is gone, and after a while another one takes its place.
    pub(crate) fn restart(&mut self) {
        self.journal.end();
        self.journal = self.journal.another_process();
        self.clock.advance(SILENCE);
        self.faults.restart();
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Rotates the first secret, due or not.
    pub(crate) async fn rotate(&self) -> Ended {
        let report = run(&self.engine(), &Selection::Names(vec![self.name()]), self.now())
            .await
            .expect("the run takes place");
        assert_eq!(report.items.len(), 1, "{report:?}");
        report.items[0].ended.clone()
    }

    /// Runs whatever is due, unfinished rotations first.
    pub(crate) async fn run_due(&self) -> RunReport {
        run(&self.engine(), &Selection::Due, self.now()).await.expect("the run takes place")
    }

    /// The plan for `selection`, as an operator would see it now.
    pub(crate) async fn plan(&self, selection: &Selection) -> Plan {
        planned(&self.engine(), selection, self.now()).await.expect("the run takes place")
    }

    /// The newest rotation of the first secret, from the journal.
    pub(crate) fn history(&self) -> Option<History> {
        self.history_of(self.view().scene.name)
    }

    /// The newest rotation of the secret called `name`, from the journal.
    pub(crate) fn history_of(&self, name: &str) -> Option<History> {
        let records = self.journal.all_records();
        let newest = records.iter().rev().find(|record| record.body.secret.as_str() == name)?.body.rotation;
        History::replay(records.iter().filter(|record| record.body.rotation == newest))
            .expect("the journal can be folded")
    }

    pub(crate) fn records(&self) -> Vec<Record> {
        self.journal.all_records()
    }

    /// Whether an intent of such an action was ever written.
    pub(crate) fn began(&self, wanted: impl Fn(Action) -> bool) -> bool {
        self.records().iter().any(|record| {
            matches!(record.body.event, keywheel_core::rotation::Event::Begin { action } if wanted(action))
        })
    }

    /// Everything that was or is wrong, from the first record until now.
    pub(crate) fn wrongs(&self) -> Vec<String> {
        let mut wrongs = self.witness.objections();
        wrongs.extend(self.views.iter().flat_map(View::wrongs));
        for (rotation, values) in self.witness.staged() {
            // Where the target was made to make another one meanwhile, that one is staged in the place of the first.
            let reissues = self.views.iter().any(|view| view.scene.strategy.is_some_and(Strategy::reissues));
            if values.len() > 1 + usize::from(reissues) {
                wrongs.push(format!("rotation {rotation} staged {} values", values.len()));
            }
        }
        wrongs
    }

    /// Everything that is wrong after the newest rotation of every secret has ended.
    pub(crate) async fn wrongs_at_the_end(&self) -> Vec<String> {
        let mut wrongs = self.wrongs();
        for view in &self.views {
            match self.history_of(view.scene.name).and_then(|history| history.outcome) {
                Some(outcome) => wrongs.extend(view.wrongs_at_the_end(outcome)),
                None => wrongs.push(format!("{} has not finished", view.scene.name)),
            }
        }
        let engine = self.engine_over(Arc::new(self.journal.clone()));
        if let Err(error) = engine.audit().catch_up(&self.journal).await {
            wrongs.push(format!("the audit: {error}"));
        }
        let verdict = engine.audit().verify(&self.journal).await.expect("the audit can be read");
        if !verdict.is_intact() || !verdict.head_checked {
            wrongs.push(format!("the audit: {verdict:?}"));
        }
        wrongs
    }

    #[track_caller]
    pub(crate) fn assert_right(&self) {
        assert_eq!(self.wrongs(), Vec::<String>::new());
    }

    pub(crate) async fn assert_right_at_the_end(&self) {
        let wrongs = self.wrongs_at_the_end().await;
        let events: Vec<_> =
            self.records().iter().map(|record| format!("{} {:?}", record.seq, record.body.event)).collect();
        assert!(wrongs.is_empty(), "{wrongs:#?} in {events:#?}");
    }
}

/// Plans `selection` now.
pub(crate) async fn planned(
    engine: &Arc<Engine>,
    selection: &Selection,
    now: Timestamp,
) -> keywheel_core::Result<Plan> {
    let observed = observe(engine, selection, now).await?;
    Ok(plan(engine.inventory(), &observed, selection, Options::default(), now))
}

/// Plans `selection` now and runs the plan.
pub(crate) async fn run(
    engine: &Arc<Engine>,
    selection: &Selection,
    now: Timestamp,
) -> keywheel_core::Result<RunReport> {
    let plan = planned(engine, selection, now).await?;
    engine.run(&plan, None).await
}

/// Looks at everything whenever something was written down.
struct Watch {
    views: Vec<View>,
    witness: Witness,
}

impl Observer for Watch {
    fn on(&self, event: &EngineEvent<'_>) {
        let EngineEvent::Recorded { record, .. } = event else { return };
        let concerned = self.views.iter().filter(|view| view.scene.name == record.body.secret.as_str());
        for wrong in concerned.flat_map(View::wrongs) {
            self.witness.object(format!("after record {} {:?}: {wrong}", record.seq, record.body.event));
        }
    }
}

fn view(scene: Scene, stores: &[MemoryStore]) -> View {
    let secrets: Vec<_> = (0..scene.stores)
        .map(|index| {
            let secret = scene.secret(index);
            stores[index].put(scene.name, secret.clone());
            secret
        })
        .collect();
    let consumers = scene
        .consumers
        .iter()
        .map(|behaviour| MemoryConsumer::of(&secrets[secrets.len() - 1], behaviour.clone()))
        .collect();
    View { target: scene.target(), secrets, consumers, scene }
}

fn inventory(state: &Path, views: &[View]) -> Inventory {
    let secrets: Vec<SecretEntry> = views.iter().map(|view| entry(&view.scene)).collect();
    Inventory {
        path: state.join("inventory.yaml"),
        base: state.to_owned(),
        digest: "digest".to_owned(),
        state: state.to_owned(),
        audit_log: state.join("audit.jsonl"),
        audit_key: CredentialRef::File(state.join("keys/audit.key")),
        environments: std::collections::BTreeMap::new(),
        tiers: std::collections::BTreeMap::new(),
        stores: std::collections::BTreeMap::new(),
        targets: std::collections::BTreeMap::new(),
        consumers: std::collections::BTreeMap::new(),
        notices: std::collections::BTreeMap::new(),
        index: secrets.iter().enumerate().map(|(at, entry)| (entry.name.clone(), at)).collect(),
        secrets,
        concurrency: 4,
    }
}

fn entry(scene: &Scene) -> SecretEntry {
    let store =
        |index| StoreRef { store: StoreName::new(format!("store-{index}")), location: scene.location() };
    SecretEntry {
        name: scene.name.into(),
        line: 1,
        owner: None,
        environment: None,
        tier: None,
        tags: Box::default(),
        automation: Automation::Automated,
        flow: scene.flow,
        source: scene.source(),
        provided_from: None,
        stores: (0..scene.stores).map(store).collect(),
        target: scene.strategy.map(|_| target_name(scene)),
        login: None,
        identity: scene.identity(),
        layout: Layout::Plain,
        consumers: (0..scene.consumers.len()).map(|index| consumer_name(scene, index)).collect(),
        every: scene.every,
        overlap: Period::from_secs(scene.overlap.as_secs()),
        fingerprint: FingerprintMode::Plain,
        depends_on: scene.depends_on.iter().map(|name| SecretName::from(*name)).collect(),
    }
}

fn target_name(scene: &Scene) -> RotatorName {
    RotatorName::new(format!("{}-target", scene.name))
}

fn consumer_name(scene: &Scene, index: usize) -> ConsumerName {
    ConsumerName::new(format!("{}-consumer-{index}", scene.name))
}

fn declare_target(inventory: &mut Inventory, view: &View, settings: &Settings, witness: &Witness) {
    let Some(model) = view.target.clone() else { return };
    let (wrapped, wrap) = &settings.wrap_target;
    let target = Arc::new(SceneTarget {
        model,
        primary: view.secrets[0].seen_with(Fingerprinter::plain()),
        faults: settings.faults.clone(),
        witness: witness.clone(),
        wrap: if *wrapped == view.scene.name { wrap.clone() } else { bare() },
    });
    let declared = DeclaredTarget { kind: "memory", target, concurrency: settings.calls_at_once, rate: None };
    inventory.targets.insert(target_name(&view.scene), declared);
}

fn declare_consumers(inventory: &mut Inventory, view: &View, settings: &Settings, witness: &Witness) {
    for (index, model) in view.consumers.iter().enumerate() {
        let name = consumer_name(&view.scene, index);
        let consumer = Arc::new(SceneConsumer {
            model: model.clone(),
            label: name.to_string(),
            faults: settings.faults.clone(),
            witness: witness.clone(),
        });
        let on_deadline = view.scene.on_deadline;
        let declared = DeclaredConsumer { kind: "memory", consumer, deadline: DEADLINE, on_deadline };
        inventory.consumers.insert(name, declared);
    }
}

/// Made once for all worlds: nothing here depends on which keys they are.
fn keys(inventory: &Inventory, entropy: &SeededEntropy) -> Keys {
    static KEYS: OnceLock<Keys> = OnceLock::new();
    KEYS.get_or_init(|| Keys::open_or_create(inventory, entropy).expect("keys")).clone()
}
