//! People are told how rotations go, and no rotation waits for it.

use std::{
    collections::BTreeSet,
    future::pending,
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use keywheel_core::{
    Result,
    inventory::{About, DeclaredChannel, Period, Template},
    message::{Message, Messenger, Occasion},
    plan::Selection,
    provider::{Channel, Finding},
    rotation::Outcome,
};
use keywheel_engine::Ended;
use keywheel_testkit::{ManualClock, memory::Behaviour};

use crate::{
    scene::Scene,
    world::{Settings, World, run, start},
};

/// Somebody who keeps what they were told, or never answers.
#[derive(Clone, Default)]
struct Reader {
    got: Arc<Mutex<Vec<Message>>>,
    hangs: bool,
}

#[async_trait]
impl Messenger for Reader {
    async fn send(&self, message: &Message, _limit: Duration) -> Result<()> {
        if self.hangs {
            pending::<()>().await;
        }
        self.got.lock().expect("nobody panicked under it").push(message.clone());
        Ok(())
    }

    async fn examine(&self) -> Vec<Finding> {
        vec![Finding::warning("the reader is a model", "none")]
    }
}

impl Channel for Reader {
    fn describe(&self) -> String {
        "a reader".to_owned()
    }

    fn messenger(&self) -> Arc<dyn Messenger> {
        Arc::new(self.clone())
    }
}

impl Reader {
    fn got(&self) -> Vec<Message> {
        self.got.lock().expect("nobody panicked under it").clone()
    }

    fn occasions(&self) -> Vec<Occasion> {
        self.got().iter().map(|message| message.occasion).collect()
    }
}

fn declared(reader: &Reader, on: &[Occasion]) -> DeclaredChannel {
    DeclaredChannel {
        kind: "model",
        channel: Arc::new(reader.clone()),
        on: on.iter().copied().collect::<BTreeSet<_>>(),
        about: About::default(),
        template: None,
    }
}

fn world(scene: Scene, notices: impl IntoIterator<Item = DeclaredChannel>) -> World {
    let settings =
        Settings { patience: Duration::ZERO, clock: ManualClock::at(start()), ..Settings::default() };
    let mut world = World::with([scene], settings);
    let inventory = Arc::get_mut(&mut world.inventory).expect("no engine has it yet");
    for (number, notice) in notices.into_iter().enumerate() {
        inventory.notices.insert(number.to_string().into(), notice);
    }
    world
}

const ALL: [Occasion; 5] =
    [Occasion::Started, Occasion::Succeeded, Occasion::Failed, Occasion::Parked, Occasion::Overdue];

#[tokio::test]
async fn each_is_told_what_it_asked_for() {
    let (all, troubles, short) = (Reader::default(), Reader::default(), Reader::default());
    let notices = [
        declared(&all, &ALL),
        declared(&troubles, &[Occasion::Failed, Occasion::Parked]),
        DeclaredChannel {
            template: Some(Template::new("{occasion}: {secret}").unwrap()),
            ..declared(&short, &[Occasion::Succeeded])
        },
    ];
    let world = world(Scene::unchecked(), notices);
    let report = run(&world.engine(), &Selection::All, world.now()).await.unwrap();
    assert!(matches!(report.items[0].ended, Ended::Finished { outcome: Outcome::Succeeded, .. }));
    assert_eq!(all.occasions(), [Occasion::Started, Occasion::Succeeded]);
    let rotation = report.items[0].rotation.unwrap();
    assert_eq!(all.got()[1].id, format!("{rotation}/succeeded"));
    assert_eq!(all.got()[1].rotation, Some(rotation));
    assert!(troubles.got().is_empty());
    assert_eq!(short.got()[0].words, "succeeded: db-password");
    let value = world.view().current()[0].clone().unwrap();
    for message in all.got() {
        let text = serde_json::to_vec(&message).unwrap();
        assert!(!text.windows(value.len()).any(|window| window == value), "{message:?}");
    }
}

#[tokio::test]
async fn a_parked_rotation_is_told_with_its_reason() {
    let reader = Reader::default();
    let world = world(Scene::unchecked().used_by(Behaviour::Never), [declared(&reader, &ALL)]);
    let engine = world.engine();
    let now = world.now();
    let running = tokio::spawn(async move { run(&engine, &Selection::All, now).await.unwrap() });
    while !running.is_finished() {
        tokio::task::yield_now().await;
        world.clock.advance(Duration::from_millis(500));
    }
    running.await.unwrap();
    assert_eq!(reader.occasions(), [Occasion::Started, Occasion::Parked]);
    assert!(reader.got()[1].words.contains("did not move"), "{}", reader.got()[1].words);
}

#[tokio::test]
async fn a_reader_who_never_answers_delays_no_rotation() {
    let reader = Reader { hangs: true, ..Reader::default() };
    let world = world(Scene::unchecked(), [declared(&reader, &ALL)]);
    let engine = world.engine();
    let now = world.now();
    let running = tokio::spawn(async move { run(&engine, &Selection::All, now).await.unwrap() });
    // No time passes, and the rotation comes to its end all the same.
    while world.history().is_none_or(|history| history.outcome.is_none()) {
        tokio::task::yield_now().await;
    }
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    assert!(!running.is_finished(), "the end of the run waits a moment for messages");
    world.clock.advance(Duration::from_secs(3));
    let report = running.await.unwrap();
    assert!(matches!(report.items[0].ended, Ended::Finished { outcome: Outcome::Succeeded, .. }));
}

#[tokio::test]
async fn a_secret_that_is_late_by_far_is_told_about_once() {
    let reader = Reader::default();
    let day = Period::from_secs(86_400);
    let scene = Scene { every: Some(day), ..Scene::unchecked() };
    let world = world(scene, [declared(&reader, &[Occasion::Overdue])]);
    run(&world.engine(), &Selection::All, world.now()).await.unwrap();
    // Late by less than a tenth of its period.
    world.clock.advance(Duration::from_hours(26));
    run(&world.engine(), &Selection::Due, world.now()).await.unwrap();
    assert!(reader.got().is_empty(), "{:?}", reader.got());
    world.clock.advance(Duration::from_hours(50));
    let now = world.now();
    let engine = world.engine();
    let plan = crate::world::planned(&engine, &Selection::Due, now).await.unwrap();
    let nothing = keywheel_core::plan::Plan { items: Vec::new(), ..plan };
    engine.run(&nothing, None).await.unwrap();
    assert_eq!(reader.occasions(), [Occasion::Overdue]);
    assert!(reader.got()[0].words.contains("1d 2h"), "{}", reader.got()[0].words);
    // Another process, for the same time at which it was due.
    world.engine().run(&nothing, None).await.unwrap();
    assert_eq!(reader.got().len(), 1);
}
