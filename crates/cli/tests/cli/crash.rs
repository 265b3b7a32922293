//! Killed at a boundary, the binary finds its way: `cargo test --features failpoints`.

use std::os::unix::process::ExitStatusExt;

use rstest::rstest;

use crate::world::World;

/// Boundaries of a rotation of `session`: three actions, four points each.
const BOUNDARIES: u64 = 12;

#[rstest]
#[case("SIGKILL", Some(9))]
#[case("abort", Some(6))]
#[case("exit", None)]
fn every_boundary_is_survived(#[case] with: &str, #[case] signal: Option<i32>) {
    let world = World::settled();
    for at in 1..=BOUNDARIES {
        let killed = world
            .command("rotate session --yes --force")
            .env("KEYWHEEL_CRASH_AT", at.to_string())
            .env("KEYWHEEL_CRASH_WITH", with)
            .output()
            .unwrap();
        assert_eq!(killed.status.signal(), signal, "boundary {at}");
        world.succeeds("resume --yes");
        world.succeeds("verify session");
        assert!(world.succeeds("history session --limit 1").contains("succeeded"), "boundary {at}");
    }
}

#[rstest]
#[case("SIGTERM")]
#[case("SIGINT")]
fn a_signal_ends_the_run_between_two_steps(#[case] with: &str) {
    let world = World::settled();
    let ended = world
        .command("rotate session --yes")
        .env("KEYWHEEL_CRASH_AT", "1")
        .env("KEYWHEEL_CRASH_WITH", with)
        .output()
        .unwrap();
    assert_eq!(ended.status.code(), Some(21));
    assert!(String::from_utf8_lossy(&ended.stdout).contains("`keywheel resume session` goes on"));
    world.succeeds("resume session --yes");
}

#[test]
fn the_log_has_a_line_for_each_boundary() {
    let world = World::settled();
    let done = world.command("rotate session --yes").env("KEYWHEEL_CRASH_LOG", world.path("log")).output();
    assert!(done.unwrap().status.success());
    let log = world.read("log");
    assert_eq!(log.lines().next(), Some("1\tsession\tstage in app-dir\tbefore the intent"));
    assert_eq!(log.lines().count() as u64, BOUNDARIES);
}

#[test]
fn a_bug_tells_its_place_and_not_its_payload() {
    let world = World::settled();
    let mut command = world.command("rotate session --yes");
    let ended = command.env("KEYWHEEL_CRASH_AT", "2").env("KEYWHEEL_CRASH_WITH", "panic").output().unwrap();
    let told = String::from_utf8_lossy(&ended.stderr);
    assert_eq!(ended.status.code(), Some(70), "{told}");
    assert!(told.contains("failpoints.rs") && !told.contains("payload"), "{told}");
    world.succeeds("resume --yes");
}
