//! Whole rotations through the real engine: what they cost, and what becomes of a thousand on a server that is asked too
//! much.

use std::{collections::BTreeSet, path::Path, sync::Arc, time::Duration};

use keywheel_core::{
    Clock, OsEntropy, Result, SecretValue,
    inventory::{self, Inventory},
    plan::{Options, Selection, plan},
    provider::Kinds,
    rotation::Outcome,
};
use keywheel_engine::{
    Ended, Engine, EngineParts, Keys, NoBoundary, ProvidedValues, RunReport, Silent, StdinValue, SystemClock,
    observe,
};
use keywheel_testkit::{ManualClock, memory::MemoryJournal};
use keywheel_testservers::{
    Stopwatch,
    vault::{Fake, Throttle},
};
use serde_json::json;
use tempfile::TempDir;

struct Nothing;

impl ProvidedValues for Nothing {
    fn variable(&self, _: &Path, _: &str) -> Result<Option<SecretValue>> {
        Ok(None)
    }

    fn file(&self, _: &Path) -> Result<Option<SecretValue>> {
        Ok(None)
    }
}

/// An engine over an inventory with secrets in a fake.
struct Works {
    engine: Arc<Engine>,
    clock: Arc<dyn Clock>,
    _directory: TempDir,
}

impl Works {
    fn new(fake: &Fake, clock: Arc<dyn Clock>, more: &str, secrets: &str) -> Self {
        let directory = tempfile::tempdir().unwrap();
        std::fs::write(directory.path().join("token"), Fake::ROOT).unwrap();
        let text = format!(
            "version: 1\n{more}stores:\n  vault:\n    vault: {{ address: '{}', auth: {{ token: 'file:token' }} }}\n    \
             concurrency: 400\nsecrets:\n{secrets}",
            fake.url()
        );
        let kinds = Kinds { stores: keywheel_provider_vault::stores::kinds(), ..Kinds::default() };
        let path = directory.path().join("keywheel.yaml");
        let inventory = inventory::read(&path, text.into_bytes(), &kinds, &clock);
        let inventory: Arc<Inventory> = Arc::new(inventory.unwrap_or_else(|mistakes| panic!("{mistakes:?}")));
        let keys = Keys::open_or_create(&inventory, &OsEntropy).unwrap();
        let engine = Engine::new(EngineParts {
            inventory,
            journal: Arc::new(MemoryJournal::new(ManualClock::at(jiff::Timestamp::UNIX_EPOCH))),
            clock: Arc::clone(&clock),
            entropy: Arc::new(OsEntropy),
            keys,
            provided: Arc::new(Nothing),
            stdin: StdinValue::default(),
            observer: Arc::new(Silent),
            boundary: Arc::new(NoBoundary),
            initiator: "tester".into(),
            patience: Duration::from_mins(20),
        });
        Self { engine, clock, _directory: directory }
    }

    /// Rotates every secret; with `force` those as well that were rotated a moment ago.
    async fn rotate(&self, fake: &Fake, force: bool) -> RunReport {
        let now = self.clock.now();
        let observed = observe(&self.engine, &Selection::All, now).await.unwrap();
        fake.seen();
        let options = Options { force, ..Options::default() };
        let plan = plan(self.engine.inventory(), &observed, &Selection::All, options, now);
        self.engine.run(&plan, None).await.unwrap()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_thousand_rotations_on_a_throttled_server_none_is_lost() {
    const ROTATIONS: usize = 1000;
    let fake = Fake::start();
    let mut entries = String::new();
    for number in 0..ROTATIONS {
        let old = json!({"value": format!("the-old-value-of-{number}")});
        fake.state(|state| state.kv("secret").put(&format!("app/{number}"), old));
        let entry = format!(
            "  s{number}: {{ generate: password, stores: [{{ store: vault, key: app/{number} }}], overlap: 0s }}\n"
        );
        entries.push_str(&entry);
    }
    // Most of the time they wait for the second to be over.
    let works = Works::new(&fake, Arc::new(SystemClock), "concurrency: 400\n", &entries);
    let throttle = Throttle { percent: 30, retry_after_seconds: 1 };
    fake.throttle(Some(throttle));
    let watch = Stopwatch::start();
    let (mut finished, mut undone, mut runs, mut sent) = (0, 0, 0, 0);
    // Whoever could not be looked at, or was undone, has its turn in the next run.
    while finished < ROTATIONS && runs < 3 {
        for item in works.rotate(&fake, false).await.items {
            let Ended::Finished { outcome, .. } = item.ended else { panic!("{item:?}") };
            match outcome {
                Outcome::Succeeded => finished += 1,
                // A machine that stands still for longer than a call may take.
                Outcome::RolledBack => undone += 1,
                Outcome::Unchanged => panic!("{} was not rotated", item.secret),
            }
        }
        runs += 1;
        sent += fake.seen().len();
    }
    let throttled = fake.throttled();
    println!(
        "{finished} of {ROTATIONS} rotations finished in {runs} runs and {:.0?}, {undone} more were undone: {sent} requests, of which {throttled} were put off",
        watch.elapsed()
    );
    assert_eq!(finished, ROTATIONS);
    assert!(undone * 100 <= ROTATIONS, "{undone} were undone");
    assert!(throttled * 100 > sent * 25, "{throttled} of {sent} are no 30 %");
    // Nobody came back before the second was over, and they did not all come back when it was.
    let told = Duration::from_secs(1);
    let came_back = fake.came_back().into_iter();
    // What several ask at once is not told apart.
    let came_back: Vec<_> =
        came_back.filter(|(words, _)| words.contains("/app/")).map(|(_, after)| after).collect();
    let early = came_back.iter().filter(|after| **after < told).count();
    let soon = came_back.iter().filter(|after| **after < told * 5 / 4).count();
    println!("{early} of {} came back too early, {soon} in the first quarter", came_back.len());
    // But for those that were given up, and asked anew by the engine.
    assert!(came_back.len() > throttled / 2 && early * 200 < came_back.len(), "{early} came back too early");
    assert!(soon * 100 < came_back.len() * 35, "{soon} of {} came back at once", came_back.len());
    let current: BTreeSet<_> = (0..ROTATIONS)
        .map(|number| {
            let path = format!("app/{number}");
            let (document, version, record) = fake.state(|state| {
                let kv = state.kv("secret");
                let record = kv.latest(&format!("keywheel/{path}/value"));
                (kv.latest(&path), kv.version(&path), record)
            });
            assert_eq!(version, 2, "{path} was rotated once");
            assert!(
                record["pending"].is_null() && record["previous"].is_null(),
                "something is left of {path}"
            );
            document["value"].as_str().unwrap().to_owned()
        })
        .collect();
    assert_eq!(current.len(), ROTATIONS, "each has a value of its own");
    assert!(current.iter().all(|value| !value.starts_with("the-old-value")));
}

/// A rotation of a secret that nobody checks looks three times: before it stages, before it promotes, before it retires.
/// A look is two requests, and one more when there is a previous version. Then it writes five times: what is pending, the
/// document, the notes, the end of the older version, the notes.
const LEAST: usize = 2 + 2 + 3 + 5;

/// Beside the least: `stage` asks how many versions the path keeps.
const MADE: usize = LEAST + 1;

#[tokio::test]
async fn a_rotation_makes_as_many_requests_as_is_said_here() {
    let fake = Fake::start();
    fake.state(|state| {
        state.kv("secret").put("app/database", json!({"value": "the-old-value", "port": 5432}));
    });
    let entry = "  db: { generate: password, stores: [{ store: vault, key: app/database }], overlap: 0s }\n";
    let works = Works::new(&fake, Arc::new(SystemClock), "", entry);
    // The first one has the engine keep one version of the notes.
    for made in [MADE + 1, MADE, MADE] {
        let report = works.rotate(&fake, true).await;
        assert!(matches!(report.items[0].ended, Ended::Finished { outcome: Outcome::Succeeded, .. }));
        let seen = fake.seen();
        println!("{} requests for a rotation, and the least possible are {LEAST}", seen.len());
        assert_eq!(seen.len(), made, "{seen:#?}");
    }
}
