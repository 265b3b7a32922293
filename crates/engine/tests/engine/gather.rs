//! Many secrets that one consumer reads: it is told once.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use keywheel_core::{
    CallContext, ConsumerName, Error, ErrorKind, Fingerprinter, Result, SecretValue,
    inventory::DeclaredConsumer,
    notifier::{Adoption, Notice, Notifier},
    plan::{Selection, WaitingFor},
    provider::{Consumer, Finding},
    rotation::{OnDeadline, Outcome},
};
use keywheel_engine::Ended;
use keywheel_testkit::ManualClock;

use crate::{
    scene::Scene,
    view::View,
    world::{DEADLINE, Settings, World, run, start},
};

const SECRETS: usize = 20;

/// A workload that reads the values of all its secrets when it is told.
#[derive(Clone)]
struct Workload(Arc<Mutex<State>>);

struct State {
    views: Vec<View>,
    uses: BTreeMap<String, Option<Vec<u8>>>,
    reloads: usize,
    refuses: bool,
}

#[async_trait]
impl Notifier for Workload {
    async fn notify(&self, _context: &CallContext, _notice: &Notice) -> Result<()> {
        let mut state = self.0.lock().expect("nobody panicked under it");
        state.reloads += 1;
        if state.refuses {
            return Err(Error::maybe_applied(ErrorKind::Unavailable, "reload", "it does not come up"));
        }
        state.uses =
            state.views.iter().map(|view| (view.scene.name.to_owned(), view.current()[0].clone())).collect();
        Ok(())
    }

    async fn adopted(&self, notice: &Notice) -> Result<Adoption> {
        let state = self.0.lock().expect("nobody panicked under it");
        let used = state.uses.get(notice.secret.as_str()).cloned().flatten();
        let print = used.map(|bytes| Fingerprinter::plain().of(&SecretValue::from_vec(bytes)));
        Ok(if print == notice.expected {
            Adoption::Yes { evidence: "it uses it".to_owned() }
        } else {
            Adoption::NotYet { why: "it uses another".to_owned() }
        })
    }

    fn tells_everything(&self) -> bool {
        true
    }

    async fn examine(&self) -> Vec<Finding> {
        Vec::new()
    }
}

impl Consumer for Workload {
    fn describe(&self) -> String {
        "web".to_owned()
    }

    fn shows_plain_fingerprints(&self) -> bool {
        true
    }

    fn trusted(&self) -> Option<String> {
        None
    }

    fn notifier(&self) -> Arc<dyn Notifier> {
        Arc::new(self.clone())
    }
}

/// Twenty secrets of one workload; four rotations run at once.
fn twenty(patience: Duration) -> (World, Workload) {
    let scenes = (0..SECRETS).map(|number| {
        let name: &'static str = Box::leak(format!("secret-{number:02}").into_boxed_str());
        Scene::unchecked().named(name)
    });
    let settings = Settings { patience, clock: ManualClock::at(start()), ..Settings::default() };
    let mut world = World::with(scenes, settings);
    let workload = Workload(Arc::new(Mutex::new(State {
        views: world.views.clone(),
        uses: BTreeMap::new(),
        reloads: 0,
        refuses: false,
    })));
    let web = ConsumerName::new("web");
    for position in 0..SECRETS {
        world.entry(position).consumers = Box::new([web.clone()]);
    }
    let inventory = Arc::get_mut(&mut world.inventory).expect("no engine has it yet");
    let declared = DeclaredConsumer {
        kind: "memory",
        consumer: Arc::new(workload.clone()),
        deadline: DEADLINE,
        on_deadline: OnDeadline::Park,
    };
    inventory.consumers.insert(web, declared);
    (world, workload)
}

#[tokio::test]
async fn twenty_secrets_that_one_consumer_reads_reload_it_once() {
    let (world, workload) = twenty(Duration::ZERO);
    let report = run(&world.engine(), &Selection::All, world.now()).await.unwrap();
    assert_eq!(report.items.len(), SECRETS);
    for item in &report.items {
        let ended = &item.ended;
        assert!(matches!(ended, Ended::Finished { outcome: Outcome::Succeeded, .. }), "{ended:?}");
    }
    assert_eq!(workload.0.lock().expect("nobody panicked under it").reloads, 1);
    world.assert_right_at_the_end().await;
}

#[tokio::test]
async fn when_the_one_reload_fails_every_secret_is_told_again_later() {
    let (world, workload) = twenty(Duration::ZERO);
    workload.0.lock().expect("nobody panicked under it").refuses = true;
    let report = run(&world.engine(), &Selection::All, world.now()).await.unwrap();
    for item in &report.items {
        let Ended::Waiting { why: WaitingFor::Retry(why), .. } = &item.ended else {
            panic!("{:?}", item.ended)
        };
        assert!(why.contains("does not come up"), "{why}");
    }
    assert_eq!(workload.0.lock().expect("nobody panicked under it").reloads, 1);
    workload.0.lock().expect("nobody panicked under it").refuses = false;
    world.clock.advance(Duration::from_mins(1));
    // What is half done is not waited for, so it may take more than one call; nobody is left out.
    run(&world.engine(), &Selection::All, world.now()).await.unwrap();
    world.assert_right_at_the_end().await;
}
