//! Durable before effect, and one value for a rotation however often its process dies.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex},
};

use async_trait::async_trait;
use keywheel_core::{
    CallContext, ErrorKind, Identity, Result, SecretValue, VersionId,
    rotation::{Action, Event, Outcome, StoreIndex},
    rotator::Strategy,
    secret::{Secret, SecretCapabilities, Stage, VersionInfo, Versions},
};
use keywheel_engine::Ended;
use keywheel_testkit::{
    faults::{Fault, FaultPlan},
    memory::Behaviour,
};
use rstest::rstest;

use crate::{
    process::live,
    scene::Scene,
    view::print,
    world::{Settings, World},
};

fn scene(strategy: Strategy) -> Scene {
    Scene::credential(strategy).in_stores(2).used_by(Behaviour::Immediately)
}

fn world(strategy: Strategy, faults: impl IntoIterator<Item = (u64, Fault)>) -> World {
    World::with([scene(strategy)], Settings { faults: FaultPlan::at(faults), ..Settings::default() })
}

/// The number of each call that writes a record, with the event that it writes, in a life without faults.
async fn appends(strategy: Strategy) -> Vec<(u64, Event)> {
    let world = world(strategy, []);
    world.rotate().await;
    let calls = world.faults.calls();
    let numbers = calls.iter().filter(|call| call.operation == "append").map(|call| call.number);
    numbers.zip(world.records().into_iter().map(|record| record.body.event)).collect()
}

/// The number of the first call of `operation`.
async fn first_call(strategy: Strategy, operation: &str) -> u64 {
    let world = world(strategy, []);
    world.rotate().await;
    let calls = world.faults.calls();
    calls.iter().find(|call| call.operation == operation).expect("it is called").number
}

/// The calls that change a store, a target or a consumer.
const CHANGES: [&str; 10] = [
    "stage",
    "publish",
    "promote",
    "retire",
    "apply",
    "revoke",
    "mint",
    "reissue",
    "revoke_orphan",
    "notify",
];

fn changes(world: &World) -> usize {
    world.faults.calls().iter().filter(|call| CHANGES.contains(&call.operation)).count()
}

#[rstest]
#[tokio::test]
async fn what_cannot_be_written_down_is_not_done(
    #[values(
        Strategy::InPlace,
        Strategy::Overlap,
        Strategy::Alternating,
        Strategy::Minted,
        Strategy::Reissued,
        Strategy::Versioned
    )]
    strategy: Strategy,
    #[values(ErrorKind::Unavailable, ErrorKind::PermissionDenied)] kind: ErrorKind,
) {
    for (number, event) in appends(strategy).await {
        let Event::Begin { action } = event else { continue };
        let calm = world(strategy, []);
        calm.rotate().await;
        let calls = calm.faults.calls();
        let before = calls.iter().filter(|call| call.number < number && CHANGES.contains(&call.operation));
        let world = world(strategy, [(number, Fault::Refusal(kind))]);
        let ended = world.rotate().await;
        assert!(matches!(&ended, Ended::Stopped { kind: failed, .. } if *failed == kind), "{ended:?}");
        assert_eq!(changes(&world), before.count(), "{action:?} was done");
        world.assert_right();
    }
}

#[tokio::test]
async fn a_rotation_of_which_the_beginning_cannot_be_written_down_does_not_begin() {
    let (number, event) = appends(Strategy::Overlap).await.remove(0);
    assert!(matches!(event, Event::Started(_)));
    let world = world(Strategy::Overlap, [(number, Fault::Refusal(ErrorKind::Unavailable))]);
    let before = world.view().everything();
    let ended = world.rotate().await;
    assert!(matches!(ended, Ended::Stopped { kind: ErrorKind::Unavailable, .. }), "{ended:?}");
    assert_eq!(world.view().everything(), before);
    assert_eq!(world.records(), []);
}

#[tokio::test]
async fn an_audit_that_cannot_be_written_keeps_everything_from_beginning() {
    let calm = world(Strategy::Overlap, []);
    calm.rotate().await;
    let number = calm.faults.calls().iter().find(|call| call.operation == "since").unwrap().number;
    let world = world(Strategy::Overlap, [(number, Fault::Refusal(ErrorKind::Unavailable))]);
    let before = world.view().everything();
    let plan = world.plan(&keywheel_core::plan::Selection::All).await;
    assert_eq!(plan.items.len(), 1);
    // The plan above took the calls before it, and the run is the one that meets the fault.
    let error = world.engine().run(&plan, None).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Unavailable);
    assert_eq!(world.view().everything(), before);
    assert_eq!(world.records(), []);
}

#[rstest]
#[tokio::test]
async fn what_was_done_and_not_written_down_is_found_done(
    #[values(
        Strategy::InPlace,
        Strategy::Overlap,
        Strategy::Alternating,
        Strategy::Minted,
        Strategy::Reissued,
        Strategy::Versioned
    )]
    strategy: Strategy,
    #[values(Fault::Refusal(ErrorKind::Unavailable), Fault::CrashBefore)] fault: Fault,
) {
    for (number, event) in appends(strategy).await {
        let Event::Done { action, .. } = event else { continue };
        let mut world = world(strategy, [(number, fault)]);
        let outcome = live(&mut world)
            .await
            .unwrap_or_else(|wrongs| panic!("{action:?} was done and not written down: {wrongs:#?}"));
        assert_eq!(outcome, Outcome::Succeeded, "{action:?}");
        let calls = world.faults.calls();
        let count = |operation| calls.iter().filter(|call| call.operation == operation).count();
        assert_eq!(count("stage"), 2, "{action:?}: each store gets the value once");
        let made = match strategy {
            Strategy::InPlace | Strategy::Overlap | Strategy::Alternating => [1, 0, 0],
            Strategy::Minted => [0, 1, 0],
            Strategy::Reissued | Strategy::Versioned => [0, 0, 1],
        };
        assert_eq!(["apply", "mint", "reissue"].map(count), made, "{action:?}");
    }
}

#[rstest]
#[case::dies_before_it_hears(Fault::CrashAfter)]
#[case::hears_nothing(Fault::LostReply)]
#[tokio::test]
async fn a_staged_value_is_never_generated_again(
    #[values(
        Strategy::InPlace,
        Strategy::Overlap,
        Strategy::Alternating,
        Strategy::Minted,
        Strategy::Reissued,
        Strategy::Versioned
    )]
    strategy: Strategy,
    #[case] fault: Fault,
) {
    let number = first_call(strategy, "stage").await;
    let mut world = world(strategy, [(number, fault)]);
    world.faults.clone().until_crash(world.rotate()).await;
    if world.faults.has_crashed() {
        world.restart();
    }
    let staged = world.witness.staged();
    assert_eq!(staged.len(), 1);
    let values = staged.into_values().next().unwrap();
    assert_eq!(values.len(), 1);
    live(&mut world).await.unwrap();
    let current = world.view().primary(Stage::Current).unwrap();
    assert_eq!(BTreeSet::from([print(&current)]), values);
}

#[rstest]
#[case::the_store_does_not_show_it_yet(Fault::LostRequest)]
#[case::it_was_refused(Fault::Refusal(ErrorKind::Unavailable))]
#[tokio::test]
async fn one_process_makes_one_value_for_a_rotation(
    #[values(Strategy::InPlace, Strategy::Overlap, Strategy::Alternating)] strategy: Strategy,
    #[case] fault: Fault,
) {
    let number = first_call(strategy, "stage").await;
    let offered: Arc<Mutex<Vec<Vec<u8>>>> = Arc::default();
    let seen = Arc::clone(&offered);
    let wrap =
        move |inner: Arc<dyn Secret>| Arc::new(Offered { inner, seen: Arc::clone(&seen) }) as Arc<dyn Secret>;
    let settings = Settings {
        faults: FaultPlan::at([(number, fault)]),
        wrap_store: (0, Arc::new(wrap)),
        ..Settings::default()
    };
    let world = World::with([scene(strategy)], settings);
    let ended = world.rotate().await;
    assert!(matches!(ended, Ended::Finished { outcome: Outcome::Succeeded, .. }), "{ended:?}");
    let offered = offered.lock().unwrap().clone();
    assert_eq!(offered.len(), 2, "it was staged again");
    assert!(offered[0] == offered[1], "the first request may still arrive, and then there are two values");
}

/// Sees what is offered to a store, whether it arrives or not.
struct Offered {
    inner: Arc<dyn Secret>,
    seen: Arc<Mutex<Vec<Vec<u8>>>>,
}

#[async_trait]
impl Secret for Offered {
    fn capabilities(&self) -> SecretCapabilities {
        self.inner.capabilities()
    }

    async fn versions(&self) -> Result<Versions> {
        self.inner.versions().await
    }

    async fn cautions(&self) -> Result<Vec<String>> {
        self.inner.cautions().await
    }

    async fn read(&self, stage: Stage) -> Result<SecretValue> {
        self.inner.read(stage).await
    }

    async fn stage(
        &self,
        context: &CallContext,
        value: &SecretValue,
        identity: Option<&Identity>,
    ) -> Result<VersionInfo> {
        self.seen.lock().expect("nobody panicked with it").push(value.expose_secret().to_vec());
        self.inner.stage(context, value, identity).await
    }

    async fn publish(&self, context: &CallContext, version: &VersionId) -> Result<()> {
        self.inner.publish(context, version).await
    }

    async fn promote(
        &self,
        context: &CallContext,
        version: &VersionId,
        expected: Option<&VersionId>,
    ) -> Result<()> {
        self.inner.promote(context, version, expected).await
    }

    async fn retire(&self, context: &CallContext, version: &VersionId) -> Result<()> {
        self.inner.retire(context, version).await
    }
}

#[rstest]
#[case::dies_before_it_hears(Fault::CrashAfter)]
#[case::hears_nothing(Fault::LostReply)]
#[tokio::test]
async fn a_minted_key_that_nobody_knows_is_revoked(#[case] fault: Fault) {
    let number = first_call(Strategy::Minted, "mint").await;
    let mut world = world(Strategy::Minted, [(number, fault)]);
    let outcome = live(&mut world).await.unwrap();
    assert_eq!(outcome, Outcome::Succeeded);
    let calls = world.faults.calls();
    assert_eq!(calls.iter().filter(|call| call.operation == "revoke_orphan").count(), 1);
    let accepted = world.view().target.as_ref().unwrap().accepted();
    assert_eq!(accepted.keys().map(Identity::as_str).collect::<Vec<_>>(), ["KEY0002"]);
}

#[tokio::test]
async fn a_lost_answer_is_asked_about_and_not_repeated() {
    let number = first_call(Strategy::InPlace, "apply").await;
    let mut world = world(Strategy::InPlace, [(number, Fault::LostReply)]);
    live(&mut world).await.unwrap();
    let calls = world.faults.calls();
    let told: Vec<_> = calls
        .iter()
        .filter(|call| ["apply", "probe"].contains(&call.operation))
        .map(|call| call.operation)
        .collect();
    assert_eq!(told[..3], ["apply", "probe", "probe"], "ask, then the login that verifies");
    assert!(world.began(|action| action == Action::Stage(StoreIndex(1))));
}
