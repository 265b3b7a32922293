//! Dependencies: what must come first comes first, and holds up whatever depends on it when it fails.

use std::time::Duration;

use keywheel_core::{
    SecretName,
    plan::{Selection, WaitingFor},
    rotation::{Action, Event, Outcome},
    rotator::Strategy,
};
use keywheel_engine::{Ended, RunReport};
use keywheel_testkit::memory::Behaviour;

use crate::{
    scene::{HOUR, Scene},
    world::{Settings, World, run},
};

fn ended<'r>(report: &'r RunReport, name: &str) -> &'r Ended {
    &report.items.iter().find(|item| item.secret.as_str() == name).expect("it was planned").ended
}

fn succeeded(ended: &Ended) -> bool {
    *ended == Ended::Finished { outcome: Outcome::Succeeded, reason: None }
}

/// `web` after `app` after `admin`, declared in the order that is least convenient, and `other` by itself.
fn chain(admin: Scene) -> World {
    let scene = |name| Scene::credential(Strategy::Overlap).named(name);
    let scenes = [
        scene("web").after(&["app"]),
        scene("app").after(&["admin"]).used_by(Behaviour::AfterLooks(3)),
        scene("other"),
        admin.named("admin"),
    ];
    World::with(scenes, Settings::default())
}

async fn rotate_all(world: &World) -> RunReport {
    run(&world.engine(), &Selection::All, world.now()).await.unwrap()
}

/// Where the first record of `name` stands, and the last.
fn span(world: &World, name: &str) -> (usize, usize) {
    let records = world.records();
    let of_it = |record: &keywheel_core::rotation::Record| record.body.secret.as_str() == name;
    (records.iter().position(of_it).unwrap(), records.iter().rposition(of_it).unwrap())
}

#[tokio::test]
async fn work_is_done_in_the_order_of_its_dependencies() {
    let world = chain(Scene::credential(Strategy::Overlap));
    let report = rotate_all(&world).await;
    assert!(report.items.iter().all(|item| succeeded(&item.ended)), "{report:?}");
    let (admin, app, web) = (span(&world, "admin"), span(&world, "app"), span(&world, "web"));
    assert!(admin.1 < app.0 && app.1 < web.0, "{admin:?} {app:?} {web:?}");
    world.assert_right_at_the_end().await;
}

#[tokio::test]
async fn what_waits_in_its_overlap_holds_nobody_up() {
    let world = chain(Scene::credential(Strategy::Overlap).overlapping(HOUR));
    let report = rotate_all(&world).await;
    assert!(matches!(ended(&report, "admin"), Ended::Waiting { why: WaitingFor::Overlap, .. }));
    assert!(succeeded(ended(&report, "app")) && succeeded(ended(&report, "web")), "{report:?}");
    world.clock.advance(HOUR);
    world.run_due().await;
    world.assert_right_at_the_end().await;
}

#[tokio::test]
async fn a_failure_leaves_whatever_depends_on_it_untouched() {
    let world = chain(Scene::credential(Strategy::Overlap));
    world.view_of("admin").target.as_ref().unwrap().set_reachable(false);
    let before: Vec<_> = ["app", "web"].map(|name| world.view_of(name).everything()).into();
    let report = rotate_all(&world).await;
    assert!(
        matches!(ended(&report, "admin"), Ended::Finished { outcome: Outcome::RolledBack, .. }),
        "{report:?}"
    );
    for (name, first) in [("app", "admin"), ("web", "app")] {
        let because = format!("`{first}` must come first and did not succeed");
        assert_eq!(*ended(&report, name), Ended::NotBegun { because });
        assert_eq!(world.history_of(name), None);
    }
    assert_eq!(["app", "web"].map(|name| world.view_of(name).everything()).to_vec(), before);
    assert!(succeeded(ended(&report, "other")), "nobody else is held up: {report:?}");
}

#[tokio::test]
async fn a_parked_dependency_keeps_its_dependents_back_until_a_person_ends_it() {
    let world = chain(Scene::credential(Strategy::Overlap).used_by(Behaviour::Never));
    let report = rotate_all(&world).await;
    assert!(matches!(ended(&report, "admin"), Ended::Parked { .. }), "{report:?}");
    assert!(matches!(ended(&report, "app"), Ended::NotBegun { .. }), "{report:?}");
    let plan = world.plan(&Selection::Names(vec!["app".into()])).await;
    assert!(plan.items.is_empty());
    assert!(plan.kept[0].refused && plan.kept[0].why.contains("`admin` must come first, and is parked"));
    world.view_of("admin").consumers[0].restart();
    world.engine().vouch(&"admin".into(), "seen with my own eyes").await.unwrap();
    world.clock.advance(2 * HOUR);
    let names: Vec<SecretName> = vec!["app".into(), "web".into()];
    let report = run(&world.engine(), &Selection::Names(names), world.now()).await.unwrap();
    assert!(report.items.iter().all(|item| succeeded(&item.ended)), "{report:?}");
    world.assert_right_at_the_end().await;
}

#[tokio::test]
async fn dependents_wait_until_the_consumers_of_what_comes_first_have_moved() {
    let admin = Scene::credential(Strategy::Overlap).used_by(Behaviour::AfterLooks(5));
    let world = chain(admin);
    rotate_all(&world).await;
    let records = world.records();
    let moved = records.iter().position(|record| {
        record.body.secret.as_str() == "admin"
            && matches!(record.body.event, Event::Done { action: Action::Adopt(..), .. })
    });
    assert!(moved.unwrap() < span(&world, "app").0);
    world.assert_right_at_the_end().await;
}

#[tokio::test]
async fn a_run_that_is_asked_to_stop_begins_nothing_more() {
    let world = chain(Scene::credential(Strategy::Overlap));
    let plan = world.plan(&Selection::All).await;
    let engine = world.engine();
    engine.stop().request();
    let report = engine.run(&plan, None).await.unwrap();
    assert!(report.items.iter().all(|item| matches!(item.ended, Ended::NotBegun { .. })), "{report:?}");
    assert_eq!(world.records(), []);
    world.clock.advance(Duration::from_secs(1));
    assert!(rotate_all(&world).await.items.iter().all(|item| succeeded(&item.ended)));
}

#[tokio::test]
async fn what_has_begun_does_not_wait_for_new_work_that_it_depends_on() {
    let app = Scene::credential(Strategy::Overlap).named("app").after(&["admin"]).overlapping(HOUR);
    let admin = Scene::credential(Strategy::Overlap).named("admin");
    let world = World::with([app, admin], Settings::default());
    run(&world.engine(), &Selection::Names(vec!["app".into()]), world.now()).await.unwrap();
    world.clock.advance(2 * HOUR);
    let report = rotate_all(&world).await;
    assert!(report.items.iter().all(|item| succeeded(&item.ended)), "{report:?}");
    assert!(report.items.len() == 2 && report.items[0].secret.as_str() == "app", "{report:?}");
    world.assert_right_at_the_end().await;
}
