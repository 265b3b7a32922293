//! A process that stood still between an intent and its effect: whether the lease is still its own is asked first.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use futures::FutureExt;
use keywheel_core::{
    Effect, ErrorKind, Initiator,
    journal::{Acquired, Journal},
    plan::Selection,
    rotation::{Action, Event, History, Outcome},
    rotator::Strategy,
};
use keywheel_engine::{Boundary, Ended, Point};
use keywheel_testkit::{
    ManualClock,
    faults::{Fault, FaultPlan},
    memory::{Behaviour, MemoryJournal},
};
use rstest::rstest;

use crate::{
    process::live,
    scene::Scene,
    world::{Settings, World},
};

const LIFETIME: Duration = Duration::from_mins(1);

/// What became of the lease while the process stood still.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Lease {
    /// Nobody asked for it.
    Ours,
    /// Another process has it.
    Taken,
    /// Another process had it, and gave it back.
    TakenAndFree,
}

/// How the wall clock went on meanwhile.
#[derive(Clone, Copy, Debug)]
enum Time {
    Passed(Duration),
    /// It shows nothing of the time that passed.
    Hidden(Duration),
}

/// Stands still between the intent and the effect of one action.
struct StandsStill {
    of: fn(Action) -> bool,
    time: Time,
    lease: Lease,
    clock: ManualClock,
    ours: MemoryJournal,
    theirs: MemoryJournal,
    faults: FaultPlan,
    done: AtomicBool,
    /// How many changes had been made until then.
    changes: AtomicUsize,
}

/// The calls that change a store, a target or a consumer.
const CHANGES: [&str; 9] =
    ["stage", "publish", "promote", "retire", "apply", "revoke", "mint", "revoke_orphan", "notify"];

fn count(faults: &FaultPlan, operations: &[&str]) -> usize {
    faults.calls().iter().filter(|call| operations.contains(&call.operation)).count()
}

impl Boundary for StandsStill {
    fn at(&self, point: Point, history: &History, action: Action) {
        if point != Point::AfterIntent || !(self.of)(action) || self.done.swap(true, Ordering::Relaxed) {
            return;
        }
        self.changes.store(count(&self.faults, &CHANGES), Ordering::Relaxed);
        self.ours.fall_silent();
        match self.time {
            Time::Passed(time) => self.clock.advance(time),
            Time::Hidden(time) => {
                self.clock.advance(time);
                self.clock.set_back(time);
            }
        }
        if self.lease != Lease::Ours {
            let initiator = Initiator::from("replica");
            let answer = self.theirs.acquire(&history.spec().secret, &initiator, LIFETIME).now_or_never();
            let Some(Ok(Acquired::TakenOver(lease))) = answer else { panic!("it expired: {answer:?}") };
            if self.lease == Lease::TakenAndFree {
                self.theirs.release(&lease).now_or_never().unwrap().unwrap();
            }
        }
        self.ours.come_back();
    }
}

fn world(
    of: fn(Action) -> bool,
    time: Time,
    lease: Lease,
    faults: impl IntoIterator<Item = (u64, Fault)>,
) -> (World, Arc<StandsStill>) {
    let scene = Scene::credential(Strategy::Overlap).used_by(Behaviour::Immediately);
    let settings = Settings { faults: FaultPlan::at(faults), ..Settings::default() };
    let mut world = World::with([scene], settings);
    let standing = Arc::new(StandsStill {
        of,
        time,
        lease,
        clock: world.clock.clone(),
        ours: world.journal.clone(),
        theirs: world.journal.another_process(),
        faults: world.faults.clone(),
        done: AtomicBool::new(false),
        changes: AtomicUsize::new(0),
    });
    world.boundary = standing.clone();
    (world, standing)
}

#[rstest]
#[tokio::test]
async fn no_effect_begins_under_a_lease_that_was_lost(
    #[values(
        |action| matches!(action, Action::Stage(_)),
        |action| action == Action::Apply,
        |action| matches!(action, Action::Promote(_)),
        |action| matches!(action, Action::Notify(..)),
        |action| action == Action::Revoke,
        |action| matches!(action, Action::Retire(_))
    )]
    of: fn(Action) -> bool,
    #[values(Lease::Taken, Lease::TakenAndFree)] lease: Lease,
) {
    let (mut world, standing) = world(of, Time::Passed(LIFETIME), lease, []);
    let ended = world.rotate().await;
    assert!(matches!(ended, Ended::Stopped { kind: ErrorKind::Fenced, .. }), "{ended:?}");
    assert!(standing.done.load(Ordering::Relaxed));
    assert_eq!(
        count(&world.faults, &CHANGES),
        standing.changes.load(Ordering::Relaxed),
        "nothing was sent after that"
    );
    let newest = world.records().pop().unwrap().body.event;
    assert!(matches!(newest, Event::Begin { action } if of(action)), "{newest:?}");
    if lease == Lease::TakenAndFree {
        // What the question itself brought was given back: nobody has to wait for it to expire.
        let third = world.journal.another_process();
        let answer = third.acquire(&world.name(), &"third".into(), LIFETIME).await.unwrap();
        let Acquired::Yes(lease) = answer else { panic!("{answer:?}") };
        third.release(&lease).await.unwrap();
    }
    world.journal = standing.theirs.clone();
    let outcome = live(&mut world).await.unwrap();
    assert_eq!(outcome, Outcome::Succeeded);
}

#[rstest]
#[case::at_once(Time::Passed(Duration::ZERO), 1)]
#[case::a_while_later(Time::Passed(Duration::from_secs(20)), 1)]
#[case::too_long_ago(Time::Passed(Duration::from_secs(21)), 2)]
#[case::too_long_ago_by_no_wall_clock(Time::Hidden(Duration::from_secs(21)), 2)]
#[tokio::test]
async fn a_lease_that_is_still_ours_is_asked_about_and_the_rotation_goes_on(
    #[case] time: Time,
    #[case] asked: usize,
    #[values(|action| matches!(action, Action::Promote(_)), |action| matches!(action, Action::Notify(..)))]
    of: fn(Action) -> bool,
) {
    let (world, _standing) = world(of, time, Lease::Ours, []);
    let ended = world.rotate().await;
    assert!(matches!(ended, Ended::Finished { outcome: Outcome::Succeeded, .. }), "{ended:?}");
    assert_eq!(count(&world.faults, &["acquire"]), asked);
    world.assert_right_at_the_end().await;
}

#[rstest]
#[tokio::test]
async fn without_an_answer_about_the_lease_nothing_is_sent_and_it_is_asked_again(
    #[values(Fault::Refusal(ErrorKind::PermissionDenied), Fault::LostReply, Fault::LostRequest)] fault: Fault,
) {
    let promote: fn(Action) -> bool = |action| matches!(action, Action::Promote(_));
    let late = Time::Passed(Duration::from_secs(40));
    let (calm, _standing) = world(promote, late, Lease::Ours, []);
    calm.rotate().await;
    let calls = calm.faults.calls();
    let question = calls.iter().filter(|call| call.operation == "acquire").nth(1).expect("it asks").number;
    let (world, _standing) = world(promote, late, Lease::Ours, [(question, fault)]);
    let ended = world.rotate().await;
    assert!(matches!(ended, Ended::Finished { outcome: Outcome::Succeeded, .. }), "{ended:?}");
    let next = world.faults.calls().into_iter().find(|call| call.number == question + 1).unwrap();
    assert_eq!(next.operation, "append", "the outcome comes next");
    let failed = world.records().into_iter().any(|record| {
        matches!(
            record.body.event,
            Event::Failed { action, kind: ErrorKind::Unavailable, effect: Effect::NotApplied, .. }
                if promote(action)
        )
    });
    assert!(failed, "{:?}", world.records());
    world.assert_right_at_the_end().await;
}

/// Another process has the lease, and others take it for expired while it lives.
async fn taken_for_expired(world: &World) -> MemoryJournal {
    let living = world.journal.another_process();
    living.acquire(&world.name(), &Initiator::from("replica"), LIFETIME).await.unwrap();
    living.look_expired();
    living
}

#[tokio::test]
async fn whoever_takes_over_from_a_living_process_waits_until_that_one_has_noticed() {
    let world = World::of(Scene::credential(Strategy::InPlace));
    let _living = taken_for_expired(&world).await;
    let planned = world.plan(&Selection::All).await;
    let (before, calls) = (world.now(), world.faults.calls().len());
    let report = world.engine().run(&planned, None).await.unwrap();
    let ended = &report.items[0].ended;
    assert!(matches!(ended, Ended::Finished { outcome: Outcome::Succeeded, .. }), "{ended:?}");
    let began = world.records()[0].body.at;
    assert!(began.duration_since(before) >= LIFETIME.try_into().unwrap(), "{began} after {before}");
    let looked = world.faults.calls().split_off(calls);
    let asked = looked.iter().position(|call| call.operation == "acquire").unwrap();
    assert_eq!(
        looked[asked + 1].operation,
        "unfinished_of",
        "what was read before may have changed: {looked:?}"
    );
    let next = world.journal.another_process();
    let answer = next.acquire(&world.name(), &"next".into(), LIFETIME).await.unwrap();
    assert!(matches!(answer, Acquired::Yes(_)), "whoever waited has given it back: {answer:?}");
}

#[tokio::test]
async fn whoever_is_asked_to_stop_before_it_has_waited_leaves_the_waiting_to_the_next() {
    let world = World::of(Scene::credential(Strategy::InPlace));
    let _living = taken_for_expired(&world).await;
    let wish = world.engine();
    wish.stop().request();
    let report = wish.go_on(&world.name()).await.unwrap();
    assert!(matches!(report.ended, Ended::NotBegun { .. }), "{report:?}");
    world.journal.end();
    let next = world.journal.another_process();
    let answer = next.acquire(&world.name(), &"next".into(), LIFETIME).await.unwrap();
    assert!(matches!(answer, Acquired::TakenOver(_)), "nobody has waited yet: {answer:?}");
}
