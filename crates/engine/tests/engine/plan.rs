//! The plan: what is due and why, from the inventory, the observations and the time alone.

use std::{collections::HashSet, sync::Arc};

use jiff::{SignedDuration, Timestamp};
use keywheel_core::{
    ErrorKind, RotationId, SecretName, SecretValue, VersionId,
    fingerprint::Fingerprinter,
    inventory::{Automation, Environment, Period, ProvidedFrom},
    journal::LastRotation,
    plan::{
        Kept, Observed, Options, Plan, ProvidedSeen, Reason, Selection, StoreSeen, Work, candidates, plan,
    },
    rotation::{Outcome, Source},
    secret::{RotationMark, Stage, VersionInfo, Versions},
};
use keywheel_testkit::faults::{Fault, FaultPlan};
use rstest::rstest;

use crate::{
    scene::{OLD, Scene},
    world::{Settings, World, run, start},
};

const DAY: Period = Period::from_secs(86_400);

/// Secrets called `a`, `b`, `c` with a period of a day, `b` after `c`.
fn world() -> World {
    let scene = |name| Scene { every: Some(DAY), ..Scene::unchecked().named(name) };
    World::with([scene("a"), scene("b").after(&["c"]), scene("c")], Settings::default())
}

fn print(value: &str) -> keywheel_core::Fingerprint {
    Fingerprinter::plain().of(&SecretValue::copy_from(value.as_bytes()))
}

fn version(stage: Stage, value: &str) -> VersionInfo {
    VersionInfo {
        id: VersionId::from(value),
        stage,
        fingerprint: print(value),
        created_at: None,
        mark: None,
        identity: None,
    }
}

fn holding(versions: Vec<VersionInfo>) -> Vec<StoreSeen> {
    vec![StoreSeen::Versions(Versions(versions))]
}

fn hours_ago(hours: i64) -> Timestamp {
    start() - SignedDuration::from_hours(hours)
}

fn last(name: &str, rotated_at: Timestamp) -> (SecretName, LastRotation) {
    let last = LastRotation {
        secret: name.into(),
        rotation: RotationId::from_random([1; 16]),
        outcome: Outcome::Succeeded,
        finished_at: rotated_at,
        rotated_at: Some(rotated_at),
        current: Some(print("old")),
    };
    (last.secret.clone(), last)
}

/// All three rotated so many hours ago, their stores holding `old`.
fn seen(hours: i64) -> Observed {
    let mut observed = Observed::default();
    for name in ["a", "b", "c"] {
        observed.last.extend([last(name, hours_ago(hours))]);
        observed.stores.insert(name.into(), holding(vec![version(Stage::Current, "old")]));
    }
    observed
}

fn planned(world: &World, observed: &Observed, selection: &Selection) -> Plan {
    let made = plan(&world.inventory, observed, selection, Options::default(), start());
    let text = serde_json::to_string(&made).unwrap();
    assert_eq!(serde_json::from_str::<Plan>(&text).unwrap(), made, "a saved plan is the plan");
    made
}

fn named(name: &str) -> Selection {
    Selection::Names(vec![name.into()])
}

fn work(plan: &Plan) -> Vec<&str> {
    plan.items.iter().map(|item| item.secret.as_str()).collect()
}

#[track_caller]
fn only_kept(plan: &Plan) -> &Kept {
    assert_eq!(work(plan), [""; 0]);
    assert_eq!(plan.kept.len(), 1, "{plan:?}");
    &plan.kept[0]
}

#[test]
fn what_is_older_than_its_period_is_due_and_what_is_not_is_not() {
    let world = world();
    let mut observed = seen(23);
    observed.last.extend([last("b", hours_ago(24)), last("c", hours_ago(12))]);
    let plan = planned(&world, &observed, &Selection::Due);
    assert_eq!(work(&plan), ["b"], "a period is over when it is over, and not before");
    assert_eq!(plan.items[0].reasons, [Reason::Age { since: hours_ago(24), every: DAY, by_store: false }]);
    assert_eq!((plan.items[0].work.clone(), plan.not_due), (Work::Rotate, 2));
    assert_eq!(plan.next_due, Some(hours_ago(-1)), "`a`, in an hour");
    assert!(plan.something_is_due());
}

#[test]
fn what_nobody_rotated_yet_is_as_old_as_its_store_says() {
    let world = world();
    let mut observed = seen(0);
    observed.last.clear();
    let aged = |hours| {
        holding(vec![VersionInfo { created_at: Some(hours_ago(hours)), ..version(Stage::Current, "old") }])
    };
    observed.stores.insert("a".into(), aged(25));
    observed.stores.insert("b".into(), aged(1));
    let plan = planned(&world, &observed, &Selection::Due);
    assert_eq!(work(&plan), ["a"]);
    assert_eq!(plan.items[0].reasons, [Reason::Age { since: hours_ago(25), every: DAY, by_store: true }]);
    assert_eq!(plan.not_due, 2, "and one of which nobody knows the age is left alone");
    assert_eq!(plan.next_due, Some(hours_ago(-23)));
}

#[test]
fn a_secret_without_a_value_gets_its_first_one() {
    let world = world();
    let mut observed = seen(1);
    observed.last.remove(&SecretName::from("a"));
    observed.stores.insert("a".into(), holding(Vec::new()));
    let plan = planned(&world, &observed, &Selection::Due);
    assert_eq!(work(&plan), ["a"]);
    assert_eq!((plan.items[0].work.clone(), &*plan.items[0].reasons), (Work::Create, &[Reason::NoValue][..]));
}

#[rstest]
#[case(Selection::Due, false)]
#[case(Selection::All, false)]
#[case(named("a"), true)]
fn a_frozen_secret_is_never_rotated(#[case] selection: Selection, #[case] refused: bool) {
    let mut world = world();
    let frozen = Environment { name: "archive".into(), frozen: Some("under legal hold".into()) };
    world.entry(0).environment = Some(Arc::new(frozen));
    let mut observed = seen(48);
    observed.stores.remove(&SecretName::from("a"));
    let plan = planned(&world, &observed, &selection);
    assert!(!work(&plan).contains(&"a"));
    let why = plan.kept.iter().find(|kept| kept.secret.as_str() == "a");
    assert_eq!(why.is_some(), selection != Selection::Due);
    if let Some(kept) = why {
        assert!(kept.why.contains("under legal hold") && kept.refused == refused, "{kept:?}");
    }
    assert!(!candidates(&world.inventory, &observed, &selection, start()).contains(&0));
}

#[rstest]
#[case::manual_and_due(Automation::Manual, Selection::Due, Err((false, true)))]
#[case::manual_and_named(Automation::Manual, named("a"), Err((true, true)))]
#[case::semi_automated_and_due(Automation::SemiAutomated, Selection::Due, Err((false, true)))]
#[case::semi_automated_and_all(Automation::SemiAutomated, Selection::All, Err((false, true)))]
#[case::semi_automated_and_named(Automation::SemiAutomated, named("a"), Ok(()))]
#[case::automated_and_due(Automation::Automated, Selection::Due, Ok(()))]
fn who_rotates_a_secret_is_what_its_entry_says(
    #[case] automation: Automation,
    #[case] selection: Selection,
    #[case] expected: Result<(), (bool, bool)>,
) {
    let mut world = world();
    world.entry(0).automation = automation;
    let plan = planned(&world, &seen(48), &selection);
    let kept = plan.kept.iter().find(|kept| kept.secret.as_str() == "a");
    match expected {
        Ok(()) => assert!(work(&plan).contains(&"a") && kept.is_none()),
        Err((refused, due)) => {
            assert!(!work(&plan).contains(&"a"));
            let kept = kept.expect("it is said why");
            assert_eq!((kept.refused, kept.due), (refused, due), "{kept:?}");
        }
    }
}

#[rstest]
#[case::a_new_one(ProvidedSeen::Ready(print("new")), 1, Selection::Due, "work")]
#[case::the_current_one(ProvidedSeen::Ready(print("old")), 1, Selection::Due, "nothing")]
#[case::the_current_one_when_due(ProvidedSeen::Ready(print("old")), 48, Selection::Due, "due")]
#[case::the_current_one_when_asked(ProvidedSeen::Ready(print("old")), 1, named("a"), "kept")]
#[case::none(ProvidedSeen::Missing("put it there".to_owned()), 1, Selection::Due, "nothing")]
#[case::none_when_due(ProvidedSeen::Missing("put it there".to_owned()), 48, Selection::Due, "due")]
#[case::none_when_asked(ProvidedSeen::Missing("put it there".to_owned()), 1, named("a"), "kept")]
fn a_provided_value_is_rotated_in_when_it_is_new(
    #[case] provided: ProvidedSeen,
    #[case] hours: i64,
    #[case] selection: Selection,
    #[case] expected: &str,
) {
    let mut world = World::of(Scene { every: Some(DAY), ..Scene::unchecked().named("a") });
    world.entry(0).source = Source::Provided;
    world.entry(0).provided_from = Some(Box::new(ProvidedFrom::File("value".into())));
    let mut observed = seen(hours);
    observed.provided.insert("a".into(), provided);
    let plan = planned(&world, &observed, &selection);
    match expected {
        "work" => {
            assert_eq!(work(&plan), ["a"]);
            assert_eq!(plan.items[0].reasons, [Reason::NewValueProvided]);
        }
        "nothing" => assert_eq!((plan.items.len(), plan.kept.len(), plan.not_due), (0, 0, 1)),
        other => assert_eq!(only_kept(&plan).due, other == "due"),
    }
}

#[rstest]
#[case::by_itself(Selection::Due, false)]
#[case::with_many_others(Selection::All, false)]
#[case::by_name(named("a"), true)]
fn a_provided_value_that_was_given_back_is_taken_up_again_by_name_only(
    #[case] selection: Selection,
    #[case] taken_up: bool,
) {
    let mut world = World::of(Scene::unchecked().named("a"));
    world.entry(0).source = Source::Provided;
    let mut observed = seen(3);
    observed.provided.insert("a".into(), ProvidedSeen::Ready(print("new")));
    observed.given_back.insert("a".into(), print("new"));
    let plan = planned(&world, &observed, &selection);
    assert_eq!(work(&plan), if taken_up { vec!["a"] } else { vec![] });
    observed.given_back.insert("a".into(), print("another"));
    assert_eq!(work(&planned(&world, &observed, &selection)), ["a"]);
}

#[rstest]
#[case::minutes_ago(0, Selection::Due, false)]
#[case::two_hours_ago(2, Selection::Due, true)]
#[case::minutes_ago_by_name(0, named("a"), true)]
fn what_was_rolled_back_lately_is_not_tried_again_at_once(
    #[case] hours: i64,
    #[case] selection: Selection,
    #[case] again: bool,
) {
    let world = World::of(Scene { every: Some(DAY), ..Scene::unchecked().named("a") });
    let mut observed = seen(48);
    let rolled_back = observed.last.get_mut("a").expect("`a` was rotated once");
    rolled_back.outcome = Outcome::RolledBack;
    rolled_back.finished_at = hours_ago(hours);
    let plan = planned(&world, &observed, &selection);
    assert_eq!(work(&plan), if again { vec!["a"] } else { vec![] });
    assert!(plan.something_is_due(), "it is still due");
}

#[test]
fn a_provided_value_that_one_store_lost_is_put_back() {
    let mut world = World::of(Scene::unchecked().named("a").in_stores(2));
    world.entry(0).source = Source::Provided;
    let mut observed = seen(1);
    observed.provided.insert("a".into(), ProvidedSeen::Ready(print("old")));
    let mut stores = holding(vec![version(Stage::Current, "old")]);
    stores.extend(holding(vec![version(Stage::Current, "drifted")]));
    observed.stores.insert("a".into(), stores);
    assert_eq!(work(&planned(&world, &observed, &Selection::Due)), ["a"]);
}

#[rstest]
#[case::minutes_ago(0, false, Selection::All, false)]
#[case::minutes_ago_with_force(0, true, Selection::All, true)]
#[case::minutes_ago_by_name(0, false, Selection::Names(vec!["a".into(), "b".into(), "c".into()]), true)]
#[case::an_hour_ago(1, false, Selection::All, true)]
fn a_command_over_many_leaves_alone_what_was_rotated_just_now(
    #[case] hours: i64,
    #[case] force: bool,
    #[case] selection: Selection,
    #[case] rotates: bool,
) {
    let world = world();
    let options = Options { force, ..Options::default() };
    let plan = plan(&world.inventory, &seen(hours), &selection, options, start());
    assert_eq!((plan.items.len(), plan.kept.len()), if rotates { (3, 0) } else { (0, 3) });
    assert!(plan.kept.iter().all(|kept| !kept.refused && !kept.due));
}

#[test]
fn a_pending_version_that_the_journal_does_not_know_is_left_alone() {
    let world = world();
    let mark = RotationMark {
        rotation: RotationId::from_random([9; 16]),
        started_at: hours_ago(2),
        initiator: "somebody@elsewhere".into(),
    };
    let foreign = VersionInfo { mark: Some(mark.clone()), ..version(Stage::Pending, "theirs") };
    let mut observed = seen(48);
    observed.stores.insert("a".into(), holding(vec![version(Stage::Current, "old"), foreign]));
    let plan = planned(&world, &observed, &named("a"));
    let kept = only_kept(&plan);
    assert!(kept.refused);
    for word in [&mark.rotation.to_string(), "somebody@elsewhere", &mark.started_at.to_string()] {
        assert!(kept.why.contains(word), "{}", kept.why);
    }
}

#[test]
fn what_a_finished_rotation_left_is_nobody_in_flight() {
    let world = world();
    let staged = |stage, number| {
        let mark = RotationMark {
            rotation: RotationId::from_random([number; 16]),
            started_at: hours_ago(2),
            initiator: "tester".into(),
        };
        VersionInfo { mark: Some(mark), ..version(stage, "left") }
    };
    let mut observed = seen(48);
    observed.finished.insert(RotationId::from_random([9; 16]));
    let current = version(Stage::Current, "old");
    observed.stores.insert("a".into(), holding(vec![current.clone(), staged(Stage::Pending, 9)]));
    assert_eq!(work(&planned(&world, &observed, &named("a"))), ["a"]);
    let beside = holding(vec![current, staged(Stage::Pending, 9), staged(Stage::Next, 8)]);
    observed.stores.insert("a".into(), beside);
    let plan = planned(&world, &observed, &named("a"));
    assert!(only_kept(&plan).why.contains(&RotationId::from_random([8; 16]).to_string()));
}

#[test]
fn a_store_that_cannot_be_read_is_said_and_its_secret_left_alone() {
    let world = world();
    let mut observed = seen(48);
    let failed =
        StoreSeen::Failed { kind: keywheel_core::ErrorKind::Unavailable, message: "no route".to_owned() };
    observed.stores.insert("a".into(), vec![failed]);
    let plan = planned(&world, &observed, &Selection::Due);
    assert_eq!(work(&plan), ["c", "b"], "everybody else is rotated");
    assert!(plan.kept[0].why.contains("no route") && plan.kept[0].refused);
}

#[test]
fn only_the_stores_of_what_may_be_due_are_looked_at() {
    let mut world = world();
    let looked = |world: &World, observed: &Observed, selection: &Selection| -> HashSet<usize> {
        candidates(&world.inventory, observed, selection, start()).into_iter().collect()
    };
    let mut observed = seen(1);
    assert_eq!(looked(&world, &observed, &Selection::Due), HashSet::new());
    observed.last.extend([last("b", hours_ago(24))]);
    observed.last.remove(&SecretName::from("c"));
    assert_eq!(looked(&world, &observed, &Selection::Due), HashSet::from([1, 2]), "due, and of unknown age");
    assert_eq!(looked(&world, &observed, &named("a")), HashSet::from([0]), "asked for");
    world.entry(0).source = Source::Provided;
    assert!(looked(&world, &observed, &Selection::Due).contains(&0), "a person may have provided one");
}

#[test]
fn what_depends_comes_after_and_the_rest_by_name() {
    let world = world();
    let plan = planned(&world, &seen(48), &Selection::Due);
    assert_eq!(work(&plan), ["a", "c", "b"]);
    let after: Vec<_> = plan.items.iter().map(|item| item.after.clone()).collect();
    assert_eq!(after, [vec![], vec![], vec![SecretName::from("c")]]);
    assert_eq!(
        planned(&world, &seen(48), &named("b")).items[0].after,
        [],
        "what is not planned holds nobody up"
    );
}

#[tokio::test]
async fn unfinished_work_comes_first_and_says_where_it_stands() {
    let faults = FaultPlan::at([(14, Fault::CrashAfter)]);
    let scenes: Vec<_> = world().views.iter().map(|view| view.scene.clone()).collect();
    let mut world = World::with(scenes, Settings { faults, ..Settings::default() });
    let (engine, selection) = (world.engine(), named("c"));
    let process = run(&engine, &selection, world.now());
    assert!(world.faults.clone().until_crash(process).await.is_none());
    world.restart();
    let rotation = world.history_of("c").expect("it began").id;
    let plan = world.plan(&Selection::All).await;
    assert_eq!(work(&plan), ["c", "a", "b"]);
    let Work::Resume { rotation: resumed, undoing, .. } = &plan.items[0].work else { panic!("{plan:?}") };
    assert_eq!((*resumed, *undoing), (rotation, false));
}

#[tokio::test]
async fn a_plan_holds_no_value() {
    let world = World::of(Scene::unchecked());
    let plan = world.plan(&Selection::All).await;
    assert_eq!(plan.items.len(), 1);
    let text = serde_json::to_string(&plan).unwrap();
    assert!(!text.contains(std::str::from_utf8(OLD).unwrap()), "{text}");
}

#[tokio::test]
async fn a_plan_says_what_the_limits_of_stores_may_do() {
    let world = World::with([Scene { stores: 2, ..Scene::unchecked() }], Settings::default());
    world.view().secrets[1].caution("it keeps one version");
    let plan = world.plan(&Selection::All).await;
    let told: Vec<_> =
        plan.items[0].warnings.iter().filter(|warning| warning.contains("it keeps one version")).collect();
    assert_eq!(told, [&format!("{}: it keeps one version", plan.items[0].spec.stores[1].store)]);
    assert_eq!(world.plan(&Selection::Due).await.items, [], "nothing is due for it");
}

#[tokio::test]
async fn limits_that_cannot_be_read_are_said_and_hold_nothing_up() {
    let calm = World::of(Scene::unchecked());
    calm.plan(&Selection::All).await;
    let number = calm.faults.calls().iter().find(|call| call.operation == "cautions").unwrap().number;
    let faults = FaultPlan::at([(number, Fault::Refusal(ErrorKind::PermissionDenied))]);
    let world = World::with([Scene::unchecked()], Settings { faults, ..Settings::default() });
    let plan = world.plan(&Selection::All).await;
    let warnings = &plan.items[0].warnings;
    assert!(warnings.iter().any(|warning| warning.contains("its limits cannot be read")), "{warnings:?}");
}
