//! What arrives after its rotation has ended: it is cleared away if the rotation was ours, and left alone if it was not.

use keywheel_core::{
    CallContext, Fence, Identity, RotationId, SecretValue,
    plan::Selection,
    rotation::{Action, Event, Outcome},
    rotator::{Rotator, Strategy},
    secret::{Secret, Stage},
};
use keywheel_engine::{Ended, verify};
use keywheel_testkit::memory::Behaviour;
use rstest::rstest;

use crate::{
    scene::{HOUR, Scene},
    world::{Settings, World, run},
};

fn late(world: &World, rotation: RotationId) -> CallContext {
    CallContext {
        rotation,
        started_at: world.now(),
        initiator: "tester".into(),
        deadline: std::time::Duration::MAX,
        fence: Fence(1),
    }
}

/// A world in which a rotation has been undone, and that rotation.
async fn undone(scene: Scene) -> (World, RotationId) {
    let world = World::of(scene.overlapping(HOUR));
    world.rotate().await;
    world.engine().roll_back(&world.name(), "back").await.unwrap();
    world.clock.advance(HOUR);
    world.run_due().await;
    let history = world.history().unwrap();
    assert_eq!(history.outcome, Some(Outcome::RolledBack));
    (world, history.id)
}

/// Rotates, and lets the overlap pass.
async fn rotated(world: &World) -> Option<Outcome> {
    world.rotate().await;
    world.clock.advance(HOUR);
    world.run_due().await;
    world.history().unwrap().outcome
}

/// The evidence of the newest rotation's first steps, store by store.
fn evidence(world: &World) -> Vec<String> {
    let newest = world.history().unwrap().id;
    let records = world.records().into_iter().filter(|record| record.body.rotation == newest);
    let evidence = records.filter_map(|record| {
        let Event::Done { action: Action::Stage(_) | Action::Mint, facts } = record.body.event else {
            return None;
        };
        facts.evidence
    });
    evidence.collect()
}

#[rstest]
#[case::alone(Scene::unchecked(), 0)]
#[case::credential(Scene::credential(Strategy::Overlap), 0)]
#[case::in_the_second_store(Scene::credential(Strategy::Alternating).in_stores(2), 1)]
#[case::minted(Scene::credential(Strategy::Minted), 0)]
#[tokio::test]
async fn a_value_that_arrives_after_its_rotation_was_undone_is_dropped_by_the_next_one(
    #[case] scene: Scene,
    #[case] store: usize,
    #[values(false, true)] on_its_way_back: bool,
) {
    let (world, rotation) = undone(scene.used_by(Behaviour::Immediately)).await;
    let mut bytes = *rotation.as_bytes();
    bytes[15] ^= if on_its_way_back { 0xff } else { 0 };
    let mark = RotationId::from_bytes(bytes);
    let value = SecretValue::copy_from(b"came-late");
    world.view().secrets[store].stage(&late(&world, mark), &value, None).await.unwrap();
    let problems = verify(&world.engine(), &[world.name()]).await.unwrap().remove(0).problems;
    assert!(problems[0].contains("which has finished"), "{problems:?}");
    assert_eq!(rotated(&world).await, Some(Outcome::Succeeded));
    let evidence = evidence(&world);
    assert_eq!(evidence.len(), 1, "{evidence:?}");
    let said = format!("dropped the pending version that rotation {mark} left");
    assert!(evidence[0].contains(&said), "{evidence:?}");
    world.assert_right_at_the_end().await;
}

#[tokio::test]
async fn a_value_of_a_rotation_that_this_journal_does_not_know_stays() {
    let (world, _) = undone(Scene::credential(Strategy::Overlap)).await;
    let plan = world.plan(&Selection::All).await;
    let context = late(&world, RotationId::from_random([9; 16]));
    let value = SecretValue::copy_from(b"theirs");
    world.view().secrets[0].stage(&context, &value, None).await.unwrap();
    let refused = world.plan(&Selection::All).await;
    assert_eq!((refused.items.len(), refused.kept.len()), (0, 1), "{refused:?}");
    // Staged between the plan and the run: the store says no, and what is there stays there.
    let report = world.engine().run(&plan, None).await.unwrap();
    let Ended::Finished { outcome: Outcome::RolledBack, .. } = report.items[0].ended else {
        panic!("{report:?}")
    };
    assert_eq!(world.view().primary(Stage::Pending).as_deref(), Some(b"theirs".as_slice()));
}

fn keys(world: &World) -> Vec<Identity> {
    world.view().target.as_ref().unwrap().accepted().into_keys().collect()
}

#[tokio::test]
async fn a_key_that_was_issued_after_its_rotation_was_undone_is_revoked_before_the_next_one() {
    let (world, rotation) = undone(Scene::credential(Strategy::Minted)).await;
    world.view().target.as_ref().unwrap().open().mint(&late(&world, rotation)).await.unwrap();
    assert_eq!(keys(&world), ["KEY0", "KEY0002"].map(Identity::from));
    assert_eq!(rotated(&world).await, Some(Outcome::Succeeded));
    assert!(evidence(&world)[0].contains("revoked KEY0002"), "{:?}", evidence(&world));
    world.assert_right_at_the_end().await;
}

#[tokio::test]
async fn a_key_that_another_installation_was_issued_stays() {
    let (world, _) = undone(Scene::credential(Strategy::Minted)).await;
    let context = late(&world, RotationId::from_random([9; 16]));
    world.view().target.as_ref().unwrap().open().mint(&context).await.unwrap();
    assert_eq!(rotated(&world).await, Some(Outcome::RolledBack), "there is no room for a third key");
    assert_eq!(keys(&world), ["KEY0", "KEY0002"].map(Identity::from));
}

#[tokio::test]
async fn the_key_that_is_current_is_not_taken_for_a_leftover_of_the_rotation_that_brought_it() {
    let world = World::of(Scene::credential(Strategy::Minted).overlapping(HOUR));
    for number in 1..=3 {
        assert_eq!(rotated(&world).await, Some(Outcome::Succeeded));
        assert_eq!(keys(&world), [Identity::new(format!("KEY000{number}"))]);
        assert_eq!(evidence(&world), [""; 0]);
        world.assert_right_at_the_end().await;
    }
}

#[tokio::test]
async fn a_key_that_was_in_use_and_is_not_current_any_more_is_left_to_whoever_replaced_it() {
    let world = World::of(Scene::credential(Strategy::Minted).overlapping(HOUR));
    rotated(&world).await;
    world.view().secrets[0].overwrite(b"by hand");
    rotated(&world).await;
    assert!(keys(&world).contains(&Identity::from("KEY0001")), "{:?}", keys(&world));
}

#[tokio::test]
async fn while_it_is_unknown_whose_the_current_value_is_no_key_is_revoked() {
    let (mut world, rotation) = undone(Scene::credential(Strategy::Minted)).await;
    world.entry(0).identity = None;
    world.view().secrets[0].overwrite(b"by hand");
    world.view().target.as_ref().unwrap().open().mint(&late(&world, rotation)).await.unwrap();
    let before = keys(&world);
    world.rotate().await;
    assert_eq!(keys(&world), before, "any of them may be the one");
}

#[tokio::test]
async fn a_key_of_an_undone_rotation_that_somebody_put_into_use_is_not_revoked() {
    let (mut world, rotation) = undone(Scene::credential(Strategy::Minted)).await;
    let issued = world.view().target.as_ref().unwrap().open().mint(&late(&world, rotation)).await.unwrap();
    world.view().secrets[0].overwrite(issued.value.expose_secret());
    world.entry(0).identity = Some(issued.identity.clone());
    world.rotate().await;
    assert!(world.view().accepts(issued.value.expose_secret()), "it is what is current");
}

#[tokio::test]
async fn a_mark_of_a_rotation_of_another_secret_is_nothing_that_this_one_left() {
    let scenes = ["one", "two"].map(|name| Scene::unchecked().named(name));
    let world = World::with(scenes, Settings::default());
    run(&world.engine(), &Selection::Names(vec!["two".into()]), world.now()).await.unwrap();
    let rotation = world.history_of("two").unwrap().id;
    let value = SecretValue::copy_from(b"misplaced");
    world.view().secrets[0].stage(&late(&world, rotation), &value, None).await.unwrap();
    let plan = world.plan(&Selection::Names(vec![world.name()])).await;
    assert_eq!((plan.items.len(), plan.kept.len()), (0, 1), "{plan:?}");
}
