//! Values that are documents: stores hold the whole, targets are told the password.

use keywheel_core::{document::Layout, rotation::Outcome, rotator::Strategy, secret::Stage};
use keywheel_engine::{Ended, verify};
use keywheel_testkit::memory::MemoryTarget;
use rstest::rstest;

use crate::{
    scene::{OLD, Scene},
    world::World,
};

fn world(strategy: Strategy) -> World {
    let mut world = World::of(Scene::credential(strategy));
    world.entry(0).layout = Layout::Document;
    world
}

fn document(user: &str) -> serde_json::Value {
    let password = std::str::from_utf8(OLD).unwrap();
    serde_json::json!({ "username": user, "password": password, "pool": { "size": 4 } })
}

fn hold(world: &World, value: &serde_json::Value) {
    world.view().secrets[0].overwrite(value.to_string().as_bytes());
}

fn held(world: &World) -> serde_json::Value {
    serde_json::from_slice(&world.view().secrets[0].bytes_at(Stage::Current).unwrap()).unwrap()
}

fn target(world: &World) -> &MemoryTarget {
    world.view().target.as_ref().unwrap()
}

#[rstest]
#[case(Strategy::InPlace, "app", "app")]
#[case(Strategy::Overlap, "app", "app")]
#[case(Strategy::Alternating, "b", "a")]
#[tokio::test]
async fn the_document_is_stored_whole_and_its_password_is_what_the_target_accepts(
    #[case] strategy: Strategy,
    #[case] before: &str,
    #[case] after: &str,
) {
    let world = world(strategy);
    hold(&world, &document(before));
    let ended = world.rotate().await;
    assert!(matches!(ended, Ended::Finished { outcome: Outcome::Succeeded, .. }), "{ended:?}");
    let now = held(&world);
    assert_eq!(now["username"], after);
    assert_eq!(now["pool"]["size"], 4, "what is not keywheel's stays");
    assert_eq!((&now["engine"], &now["port"]), (&"memory".into(), &5432.into()));
    let password = now["password"].as_str().unwrap().as_bytes();
    assert_ne!(password, OLD);
    assert!(target(&world).accepts(after, password));
    assert!(!target(&world).accepts(before, OLD), "the old one is dead");
    let verified = verify(&world.engine(), &[world.name()]).await.unwrap();
    assert_eq!((verified[0].accepted, verified[0].problems.as_slice()), (Some(true), [].as_slice()));
}

/// The store keeps no mark, the journal is empty, and the inventory names the first user: the document knows better.
#[tokio::test]
async fn whose_turn_it_is_is_read_in_the_document() {
    let mut world = world(Strategy::Alternating);
    world.entry(0).identity = Some("a".into());
    hold(&world, &document("b"));
    world.rotate().await;
    assert_eq!(held(&world)["username"], "a");
}

#[tokio::test]
async fn what_is_no_document_stops_the_rotation_before_anything_happened() {
    let world = world(Strategy::InPlace);
    let ended = world.rotate().await;
    assert!(matches!(ended, Ended::Finished { outcome: Outcome::RolledBack, .. }), "{ended:?}");
    assert_eq!(world.view().secrets[0].bytes_at(Stage::Current).as_deref(), Some(OLD));
    assert!(target(&world).accepts("app", OLD));
}
