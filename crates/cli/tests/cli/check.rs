//! Mistakes are found all at once, with places and hints.

use insta::assert_snapshot;

use crate::world::{World, redacted};

#[test]
fn every_mistake_in_the_inventory_is_shown() {
    let _redacted = redacted();
    let world = World::empty();
    world.write(
        "keywheel.yaml",
        "version: 1\nstores:\n  here: { directory: { path: ./secrets } }\nsecrets:\n  one: { generate: pasword, \
         stores: [here] }\n  two: { generate: password, stores: [there] }\n",
    );
    assert_snapshot!("mistakes", world.shows("check"));
    assert_eq!(world.exit("plan"), 3);
}

#[test]
fn a_missing_inventory_points_to_init() {
    let _redacted = redacted();
    assert_snapshot!("no-inventory", World::empty().shows("plan"));
}

#[test]
fn a_value_that_anybody_would_guess_fails_the_check_and_is_not_shown() {
    let _redacted = redacted();
    let world = World::settled();
    world.write("secrets/db-password", "changeme");
    let told = world.shows("check");
    assert_snapshot!("weak-value", told);
    assert!(!told.contains("changeme"));
}

#[test]
fn without_values_no_store_is_touched() {
    let world = World::new();
    world.succeeds("check --no-values");
    assert!(!world.path(".keywheel").exists());
}

#[test]
fn stores_that_disagree_are_found() {
    let world = World::settled();
    assert_eq!(world.exit("verify"), 1, "two secrets have no value yet");
    assert_eq!(world.exit("verify db-password"), 0);
    world.write("secrets/db-password", "another-value-than-the-variable");
    let told = world.shows("verify db-password");
    assert!(told.starts_with("exit 1\n") && told.contains("different values"), "{told}");
}

#[test]
fn what_the_first_inventory_shows_in_comments_works_too() {
    let world = World::empty();
    world.succeeds("init");
    let lines = world.read("keywheel.yaml");
    let lines: Vec<_> = lines.lines().map(uncommented).collect();
    world.write("keywheel.yaml", &(lines.join("\n") + "\n"));
    assert!(world.succeeds("check --no-values").contains("2 secrets, 2 stores, 0 rotators, 1 consumer"));
}

/// A line of an example without its `#`; sentences stay comments.
fn uncommented(line: &str) -> String {
    let Some((indent, rest)) = line.split_once("# ") else { return line.to_owned() };
    let example = rest.trim_start().split(' ').next().is_some_and(|word| word.ends_with(':') || word == "#");
    if indent.trim().is_empty() && example { format!("{indent}{rest}") } else { line.to_owned() }
}
