//! Signing keys: nobody signs with a key that somebody cannot check.

use keywheel_core::{
    notifier::Phase,
    plan::WaitingFor,
    rotation::{Action, Event, OnDeadline, Outcome},
    secret::Stage,
};
use keywheel_engine::Ended;
use keywheel_testkit::memory::Behaviour;

use crate::{
    scene::{HOUR, NEARLY_AN_HOUR, OLD, SECOND, Scene},
    view::verifies,
    world::World,
};

/// The position of the only record of which `wanted` holds.
fn position(world: &World, wanted: impl Fn(&Event) -> bool) -> usize {
    let records = world.records();
    let mut found = records.iter().enumerate().filter(|(_, record)| wanted(&record.body.event));
    let (position, _) = found.next().expect("it was written down");
    assert!(found.next().is_none(), "it was written down once");
    position
}

async fn in_overlap() -> (World, Vec<u8>) {
    let world = World::of(Scene::signing_key());
    let ended = world.rotate().await;
    assert!(matches!(ended, Ended::Waiting { why: WaitingFor::Overlap, .. }), "{ended:?}");
    let new = world.view().primary(Stage::Current).unwrap();
    assert_ne!(new, OLD);
    (world, new)
}

#[tokio::test]
async fn every_verifier_accepts_the_next_key_before_it_becomes_current() {
    let (world, _) = in_overlap().await;
    let done = |wanted: fn(Action) -> bool| move |event: &Event| matches!(event, Event::Done { action, .. } if wanted(*action));
    let published = position(&world, done(|action| matches!(action, Action::PublishNext(_))));
    let promoting = position(
        &world,
        |event| matches!(event, Event::Begin { action } if matches!(action, Action::Promote(_))),
    );
    for index in [0, 1] {
        let accepted = position(&world, |event| {
            matches!(event, Event::Done { action: Action::Adopt(consumer, Phase::NextPublished), .. }
                if consumer.0 == index)
        });
        assert!(published < accepted && accepted < promoting, "{published} {accepted} {promoting}");
    }
    world.assert_right();
}

#[tokio::test]
async fn the_previous_key_is_accepted_until_the_overlap_is_over() {
    let (world, new) = in_overlap().await;
    world.clock.advance(NEARLY_AN_HOUR);
    assert_eq!(world.run_due().await.items, []);
    assert_eq!(world.view().primary(Stage::Previous).as_deref(), Some(OLD));
    assert!(world.view().consumers.iter().all(|consumer| verifies(consumer, OLD)));
    world.clock.advance(SECOND);
    world.run_due().await;
    assert_eq!(world.view().primary(Stage::Previous), None);
    assert_eq!(world.view().primary(Stage::Current), Some(new));
    world.assert_right_at_the_end().await;
}

#[tokio::test]
async fn on_the_way_back_the_new_key_is_accepted_for_an_overlap_of_its_own() {
    let (world, new) = in_overlap().await;
    world.clock.advance(HOUR / 2);
    let report = world.engine().roll_back(&world.name(), "signatures look odd").await.unwrap();
    assert!(matches!(report.ended, Ended::Waiting { why: WaitingFor::OverlapOfUndo, .. }), "{report:?}");
    assert_eq!(world.view().primary(Stage::Current).as_deref(), Some(OLD));
    world.clock.advance(NEARLY_AN_HOUR);
    assert_eq!(world.run_due().await.items, []);
    assert!(world.view().consumers.iter().all(|consumer| verifies(consumer, &new)));
    world.clock.advance(SECOND);
    world.run_due().await;
    assert_eq!(world.history().unwrap().outcome, Some(Outcome::RolledBack));
    world.assert_right_at_the_end().await;
}

#[tokio::test]
async fn a_verifier_that_never_accepts_the_next_key_keeps_it_from_becoming_current() {
    let world = World::of(Scene::signing_key().used_by(Behaviour::Never));
    let ended = world.rotate().await;
    assert!(matches!(ended, Ended::Parked { .. }), "{ended:?}");
    assert!(!world.began(|action| matches!(action, Action::Promote(_))));
    assert_eq!(world.view().primary(Stage::Current).as_deref(), Some(OLD));
    world.view().consumers[2].restart();
    world.engine().go_on(&world.name()).await.unwrap();
    assert_ne!(world.view().primary(Stage::Current).as_deref(), Some(OLD));
    // It accepted the new key and signs with the old one until it is restarted again.
    world.view().consumers[2].restart();
    world.engine().go_on(&world.name()).await.unwrap();
    world.clock.advance(HOUR);
    world.run_due().await;
    assert_eq!(world.history().unwrap().outcome, Some(Outcome::Succeeded));
    world.assert_right();
}

#[tokio::test]
async fn such_a_verifier_turns_the_rotation_back_where_its_entry_says_so() {
    let scene = Scene::signing_key().used_by(Behaviour::Never).on_deadline(OnDeadline::RollBack);
    let world = World::of(scene);
    let ended = world.rotate().await;
    assert!(matches!(ended, Ended::Finished { outcome: Outcome::RolledBack, .. }), "{ended:?}");
    assert!(!world.began(|action| matches!(action, Action::Promote(_))));
    world.assert_right_at_the_end().await;
}
