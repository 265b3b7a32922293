//! Several processes over one journal: one of them works, and whoever lost the lease stops.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use futures::FutureExt;
use keywheel_core::{
    CallContext, ErrorKind, Initiator,
    journal::{Acquired, Journal, Lease},
    plan::Selection,
    rotation::{Action, Event, History, Outcome},
    rotator::Strategy,
    secret::{Secret, Stage},
};
use keywheel_engine::{Boundary, Ended, Point};
use keywheel_testkit::{
    ManualClock,
    memory::{Behaviour, MemoryJournal, MemorySecret},
};
use rstest::rstest;

use crate::{
    process::live,
    scene::{OLD, Scene},
    world::{World, run},
};

const LIFETIME: Duration = Duration::from_mins(1);

async fn acquired(journal: &MemoryJournal, world: &World) -> Lease {
    match journal.acquire(&world.name(), &Initiator::from("replica"), LIFETIME).await.unwrap() {
        Acquired::Yes(lease) | Acquired::TakenOver(lease) => lease,
        Acquired::HeldBy(holder) => panic!("{holder:?}"),
    }
}

#[tokio::test]
async fn whoever_finds_the_lease_taken_changes_nothing() {
    let world = World::of(Scene::credential(Strategy::Overlap));
    let other = world.journal.another_process();
    let lease = acquired(&other, &world).await;
    let before = world.view().everything();
    let Ended::Held(holder) = world.rotate().await else { panic!("the lease is taken") };
    assert_eq!(holder.initiator.as_str(), "replica");
    assert_eq!(world.view().everything(), before);
    assert_eq!(world.records(), []);
    let report = world.engine().go_on(&world.name()).await.unwrap();
    assert!(matches!(report.ended, Ended::Held(_)), "{report:?}");
    other.release(&lease).await.unwrap();
    world.rotate().await;
    world.assert_right_at_the_end().await;
}

#[tokio::test]
async fn of_two_that_run_one_plan_at_once_one_rotates() {
    let world = World::of(Scene::credential(Strategy::Overlap).used_by(Behaviour::AfterLooks(2)));
    let first = world.engine();
    let second = world.engine_over(Arc::new(world.journal.another_process()));
    let plan = world.plan(&Selection::All).await;
    let (first, second) = tokio::join!(first.run(&plan, None), second.run(&plan, None));
    let ended = [first.unwrap().items.remove(0).ended, second.unwrap().items.remove(0).ended];
    let rotated = |ended: &&Ended| matches!(ended, Ended::Finished { outcome: Outcome::Succeeded, .. });
    let came_second = |ended: &&Ended| matches!(ended, Ended::Held(_) | Ended::NotBegun { .. });
    assert_eq!(ended.iter().filter(rotated).count(), 1, "{ended:?}");
    assert_eq!(ended.iter().filter(came_second).count(), 1, "{ended:?}");
    world.assert_right_at_the_end().await;
}

#[tokio::test]
async fn a_plan_that_another_process_carried_out_is_not_carried_out_again() {
    let world = World::of(Scene::credential(Strategy::Overlap));
    let stale = world.plan(&Selection::All).await;
    world.clock.advance(Duration::from_secs(1));
    let second = world.engine_over(Arc::new(world.journal.another_process()));
    run(&second, &Selection::All, world.now()).await.unwrap();
    let before = world.view().everything();
    let report = world.engine().run(&stale, None).await.unwrap();
    let Ended::NotBegun { because } = &report.items[0].ended else { panic!("{report:?}") };
    assert!(because.contains("after the plan was made"), "{because}");
    assert_eq!(world.view().everything(), before);
    world.assert_right_at_the_end().await;
}

/// At one point of one action another process takes the lease, as after a long silence of this one.
struct TakeOver {
    at: Point,
    of: fn(Action) -> bool,
    clock: ManualClock,
    ours: MemoryJournal,
    theirs: MemoryJournal,
    /// The other process writes into it, if the store compares fences.
    secret: Option<MemorySecret>,
    done: AtomicBool,
    lease: Mutex<Option<Lease>>,
}

impl Boundary for TakeOver {
    fn at(&self, point: Point, history: &History, action: Action) {
        if point != self.at || !(self.of)(action) || self.done.swap(true, Ordering::Relaxed) {
            return;
        }
        self.ours.fall_silent();
        self.clock.advance(LIFETIME);
        let initiator = Initiator::from("replica");
        let name = history.spec().secret.clone();
        let answer = self.theirs.acquire(&name, &initiator, LIFETIME).now_or_never();
        let Some(Ok(Acquired::TakenOver(lease))) = answer else { panic!("it expired: {answer:?}") };
        if let Some(secret) = &self.secret {
            let context = CallContext {
                rotation: history.id,
                started_at: history.started_at,
                initiator,
                deadline: std::time::Duration::MAX,
                fence: lease.fence,
            };
            let _ = secret.retire(&context, &"nothing".into()).now_or_never();
        }
        *self.lease.lock().expect("nobody panicked under it") = Some(lease);
    }
}

/// A world in which the lease is lost, and what takes it.
fn losing(scene: Scene, at: Point, of: fn(Action) -> bool) -> (World, Arc<TakeOver>) {
    let compares = scene.compares_fences;
    let mut world = World::of(scene);
    let taking = Arc::new(TakeOver {
        at,
        of,
        clock: world.clock.clone(),
        ours: world.journal.clone(),
        theirs: world.journal.another_process(),
        secret: compares.then(|| world.view().secrets[0].clone()),
        done: AtomicBool::new(false),
        lease: Mutex::default(),
    });
    world.boundary = taking.clone();
    (world, taking)
}

#[rstest]
#[tokio::test]
async fn a_late_record_is_fenced_and_its_writer_stops(
    #[values(Point::BeforeIntent, Point::AfterIntent, Point::AfterEffect)] at: Point,
    #[values(
        |action| matches!(action, Action::Stage(_)),
        |action| action == Action::Apply,
        |action| matches!(action, Action::Promote(_)),
        |action| action == Action::Revoke,
        |action| matches!(action, Action::Retire(_))
    )]
    of: fn(Action) -> bool,
    #[values(Strategy::InPlace, Strategy::Overlap)] strategy: Strategy,
) {
    if !strategy.keeps_old() && of(Action::Revoke) {
        return;
    }
    let (mut world, taking) = losing(Scene::credential(strategy), at, of);
    let ended = world.rotate().await;
    assert!(matches!(ended, Ended::Stopped { kind: ErrorKind::Fenced, .. }), "{ended:?}");
    let newest = world.records().pop().unwrap().body.event;
    let written = matches!(newest, Event::Begin { action } if of(action));
    assert_eq!(written, at != Point::BeforeIntent, "{newest:?}");
    world.assert_right();
    // The other process goes on where the journal stands.
    world.journal = taking.theirs.clone();
    let outcome = live(&mut world).await.unwrap();
    assert_eq!(outcome, Outcome::Succeeded);
}

#[tokio::test]
async fn a_store_that_compares_fences_refuses_the_late_effect_too() {
    let scene = Scene::credential(Strategy::Overlap).comparing_fences();
    let (mut world, taking) =
        losing(scene, Point::AfterIntent, |action| matches!(action, Action::Promote(_)));
    let ended = world.rotate().await;
    assert!(matches!(ended, Ended::Stopped { kind: ErrorKind::Fenced, .. }), "{ended:?}");
    assert_eq!(world.view().primary(Stage::Current).as_deref(), Some(OLD));
    world.journal = taking.theirs.clone();
    live(&mut world).await.unwrap();
    assert_ne!(world.view().primary(Stage::Current).as_deref(), Some(OLD));
}

#[tokio::test]
async fn a_plan_that_another_process_has_overtaken_begins_nothing() {
    let world = World::of(Scene::credential(Strategy::Overlap).overlapping(crate::scene::HOUR));
    let stale = world.plan(&Selection::All).await;
    let second = world.engine_over(Arc::new(world.journal.another_process()));
    run(&second, &Selection::All, world.now()).await.unwrap();
    let before = world.view().everything();
    let report = world.engine().run(&stale, None).await.unwrap();
    let Ended::NotBegun { because } = &report.items[0].ended else { panic!("{report:?}") };
    assert!(because.contains("another process began rotation"), "{because}");
    assert_eq!(world.view().everything(), before);
    world.assert_right();
}
