//! From nothing to a rotated secret, as the first steps of the documentation go.

use std::fmt::Write;

use insta::assert_snapshot;

use crate::world::{World, redacted};

#[test]
fn what_init_writes_works_as_it_is() {
    let _redacted = redacted();
    let world = World::empty();
    let mut story = String::new();
    for arguments in [
        "init",
        "init",
        "check",
        "plan",
        "plan --check",
        "rotate --due --yes",
        "status",
        "plan --check",
        "verify",
        "history session-secret",
        "rotate session-secret --yes",
        "retire session-secret --yes",
        "check",
        "list",
    ] {
        let _ = writeln!(story, "$ keywheel {arguments}\n{}", world.shows(arguments));
    }
    assert_snapshot!("first-steps", story);
}

#[test]
fn rolling_back_brings_the_old_value_back_into_every_store() {
    let _redacted = redacted();
    let world = World::settled();
    let (file, variable) = (world.read("secrets/db-password"), world.read("app.env"));
    world.succeeds("rotate db-password --yes --reason 'seen in a log'");
    assert_ne!(world.read("secrets/db-password"), file);
    assert_snapshot!("rollback", world.shows("rollback db-password --yes --reason 'it was another one'"));
    assert_eq!(world.read("secrets/db-password"), file);
    // Quotes that another value needed may stay.
    assert_eq!(world.read("app.env").replace('\'', ""), variable.replace('\'', ""));
    assert_snapshot!("rollback-history", world.succeeds("history db-password --limit 1"));
}

#[test]
fn a_secret_in_its_overlap_is_not_rotated_again() {
    let _redacted = redacted();
    let world = World::settled();
    world.succeeds("rotate db-password --yes");
    assert_snapshot!("named-in-overlap", world.shows("rotate db-password --yes"));
    assert_eq!(world.exit("rotate --all --yes"), 0);
}

#[test]
fn retiring_ends_the_overlap_once() {
    let world = World::settled();
    world.succeeds("rotate db-password --yes");
    assert_eq!(world.exit("retire db-password --yes"), 0);
    assert_eq!(world.exit("retire db-password --yes"), 1);
    assert_eq!(world.exit("rollback db-password --yes"), 1);
    assert_eq!(world.exit("vouch db-password --reason seen --yes"), 1);
}

#[test]
fn a_frozen_secret_is_refused_by_name() {
    let world = World::new();
    let told = world.shows("rotate dev-thing --yes");
    assert!(told.starts_with("exit 1\n") && told.contains("shared by everyone"), "{told}");
}

#[test]
fn a_provided_value_comes_from_stdin_and_shows_nowhere() {
    let world = World::new();
    world.write("value", "a-value-from-the-console-of-x\n");
    let rotate = || {
        let mut command = world.command("rotate api-key --value-from-stdin --yes");
        command.stdin(std::fs::File::open(world.path("value")).unwrap()).output().unwrap()
    };
    let first = rotate();
    assert!(first.status.success());
    assert_eq!(world.read("secrets/api-key"), "a-value-from-the-console-of-x");
    let told = [first.stdout, first.stderr].concat();
    assert!(!String::from_utf8_lossy(&told).contains("from-the-console"));
    // Twice the same is a clear outcome, not a failure.
    let again = rotate();
    assert!(again.status.success());
    assert!(String::from_utf8_lossy(&again.stdout).contains("current one already"));
}
