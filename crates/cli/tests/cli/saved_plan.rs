//! A saved plan runs only in the world that it was made in.

use std::os::unix::fs::PermissionsExt;

use crate::world::World;

fn refused(world: &World, words: &str) {
    let before = world.read("secrets/session");
    let told = world.shows("rotate --plan saved --yes");
    assert!(told.starts_with("exit 23\n") && told.contains(words), "{told}");
    assert_eq!(world.read("secrets/session"), before);
}

#[test]
fn it_runs_what_it_says() {
    let world = World::settled();
    world.succeeds("plan session --out saved");
    let before = world.read("secrets/session");
    world.succeeds("rotate --plan saved --yes");
    assert_ne!(world.read("secrets/session"), before);
}

#[test]
fn one_made_before_the_keys_existed_runs() {
    let world = World::new();
    world.succeeds("plan --due --out saved");
    world.succeeds("rotate --plan saved --yes");
}

#[test]
fn only_its_owner_can_read_it_and_it_overwrites_nothing() {
    let world = World::settled();
    world.succeeds("plan session --out saved");
    let mode = std::fs::metadata(world.path("saved")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    assert_eq!(world.exit("plan session --out saved"), 1);
    assert_eq!(world.exit("plan session --out saved --force"), 0);
}

#[test]
fn another_rotation_meanwhile_makes_it_stale() {
    let world = World::settled();
    world.succeeds("plan session --out saved");
    world.succeeds("rotate session --yes");
    refused(&world, "session: app-dir held");
}

#[test]
fn a_value_that_somebody_wrote_makes_it_stale() {
    let world = World::settled();
    world.succeeds("plan session --out saved");
    world.write("secrets/session", "written by hand, past keywheel");
    refused(&world, "session: app-dir held");
}

#[test]
fn an_edit_of_the_inventory_makes_it_stale() {
    let world = World::settled();
    world.succeeds("plan session --out saved");
    world.write("keywheel.yaml", &format!("{}# edited\n", world.read("keywheel.yaml")));
    refused(&world, "the inventory was edited");
}

#[test]
fn a_rotation_that_began_meanwhile_makes_it_stale() {
    let world = World::settled();
    world.succeeds("plan db-password --out saved");
    world.succeeds("rotate db-password --yes");
    refused(&world, "db-password: an unfinished rotation waits now");
}

#[test]
fn what_is_no_plan_is_refused() {
    let world = World::settled();
    world.write("saved", "{\"format\": 99}");
    let told = world.shows("rotate --plan saved --yes");
    assert!(told.starts_with("exit 1\n") && told.contains("format 99"), "{told}");
}

/// serde's own words repeat what they found, and a path is easily mistaken.
#[rstest::rstest]
#[case::text("\"a-json-string-that-is-a-secret\"")]
#[case::digits("918273645546372819")]
#[case::a_field("{ \"format\": \"a-secret-in-a-document\" }")]
#[case::deeper("{ \"format\": 1, \"at\": \"a-secret-in-a-document\" }")]
fn a_secret_in_place_of_a_plan_is_not_repeated(#[case] secret: &str) {
    let world = World::settled();
    world.write("secrets/session", secret);
    let told = world.shows("rotate --plan secrets/session --yes");
    assert!(
        told.starts_with("exit 1\n") && told.contains("is no plan that can be run: line 1, column"),
        "{told}"
    );
    for part in ["a-secret", "a-json", "9182736"] {
        assert!(!told.contains(part), "{told}");
    }
}
