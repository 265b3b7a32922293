//! Two processes at once, clocks that jump, plans that no longer fit, secrets that may not be rotated, values that a
//! person provides.

use std::time::Duration;

use keywheel_tests::{Habit, Said, Scene, files_below, hidden_versions, until};
use rstest::rstest;

const HOUR_BACK: &str = "-3600";
const TWO_HOURS_ON: &str = "7200";

fn value(scene: &Scene) -> Vec<u8> {
    scene.read("secrets/db")
}

fn is_new(scene: &Scene) -> bool {
    value(scene) != Scene::OLD.as_bytes()
}

fn at(scene: &Scene, offset: &str, arguments: &[&str]) -> Said {
    scene.command(arguments).env("KEYWHEEL_CLOCK_OFFSET", offset).run()
}

#[test]
fn of_two_rotations_at_once_one_proceeds_and_the_other_changes_nothing() {
    let scene = Scene::password_with_deadline("60s", "park", "overlap: 0s, consumers: [app]");
    let _consumer = scene.consumer(Habit::ReloadsAfter(Duration::from_secs(4)));
    let first = scene.command(&["rotate", "db", "--yes"]).start();
    // Current is new a moment before the pending copy is dropped: only then is the promote over.
    let promoted = || is_new(&scene) && hidden_versions(scene.path()) == [Scene::OLD.as_bytes()];
    until("the first to wait for the consumer", || promoted().then_some(()));
    let before = (value(&scene), hidden_versions(scene.path()), files_below(&scene.path().join("secrets")));
    for command in [
        &["rotate", "db", "--yes"][..],
        &["resume", "db", "--yes"],
        &["rollback", "db", "--yes", "--reason", "too slow"],
        &["vouch", "db", "--yes", "--reason", "too slow"],
    ] {
        let said = scene.keywheel(command).exits(22);
        said.says(&["works on it since", "changed nothing"]);
    }
    let after = (value(&scene), hidden_versions(scene.path()), files_below(&scene.path().join("secrets")));
    assert!(before == after, "the second one changed something");
    let first = Said::new(&first.wait_with_output().expect("it ends")).exits(0);
    assert_eq!(hidden_versions(scene.path()), Vec::<Vec<u8>>::new(), "{}", first.words());
    scene.is_settled();
}

#[test]
fn a_clock_set_back_an_hour_makes_nothing_due_and_ends_no_overlap() {
    let scene = Scene::password("overlap: 1h, every: 90d");
    scene.keywheel(&["rotate", "db", "--yes"]).exits(0);
    let new = value(&scene);
    at(&scene, HOUR_BACK, &["plan", "--check"]).exits(0);
    at(&scene, HOUR_BACK, &["rotate", "--due", "--yes"]).exits(0);
    at(&scene, HOUR_BACK, &["resume", "--yes"]).exits(0);
    assert_eq!(value(&scene), new);
    assert_eq!(hidden_versions(scene.path()), [Scene::OLD.as_bytes()], "the overlap was cut short");
    at(&scene, HOUR_BACK, &["retire", "db", "--yes"]).exits(0);
    assert_eq!(hidden_versions(scene.path()), Vec::<Vec<u8>>::new());
    scene.is_settled();
}

#[rstest]
fn a_clock_set_back_an_hour_between_crash_and_resume_keeps_nothing_from_ending(
    #[values(1, 3, 5, 7, 9, 11, 13, 15, 17, 19)] number: usize,
) {
    let scene = Scene::password("overlap: 0s, consumers: [app]");
    let _consumer = scene.consumer(Habit::Reloads);
    assert_eq!(scene.command(&["rotate", "db", "--yes"]).dying_at(number, "SIGKILL").run().code(), None);
    at(&scene, HOUR_BACK, &["resume", "--yes"]).exits(0);
    assert!(is_new(&scene));
    at(&scene, HOUR_BACK, &["audit", "verify"]).exits(0);
    scene.is_settled();
}

#[test]
fn a_retry_that_was_due_before_the_clock_was_set_back_is_not_an_hour_away() {
    let scene = Scene::password("overlap: 0s, consumers: [app]");
    // A process without a handler for the signal: it may get one yet.
    let mut bystander = std::process::Command::new("sleep").arg("60").spawn().expect("`sleep` exists");
    scene.write("run/app.pid", bystander.id().to_string());
    scene.keywheel(&["rotate", "db", "--yes", "--patience", "0s"]).exits(21).says(&["retrying"]);
    bystander.kill().and_then(|()| bystander.wait()).expect("it ends");
    let _consumer = scene.consumer(Habit::Reloads);
    at(&scene, HOUR_BACK, &["resume", "--yes"]).exits(0);
    assert!(is_new(&scene));
    scene.is_settled();
}

#[test]
fn an_overlap_that_ended_while_nothing_ran_is_retired_by_the_next_run() {
    let scene = Scene::password("overlap: 1h");
    scene.keywheel(&["rotate", "db", "--yes"]).exits(0);
    at(&scene, "0", &["rotate", "--due", "--yes"]).exits(0);
    assert_eq!(hidden_versions(scene.path()), [Scene::OLD.as_bytes()]);
    at(&scene, TWO_HOURS_ON, &["rotate", "--due", "--yes"]).exits(0);
    assert_eq!(hidden_versions(scene.path()), Vec::<Vec<u8>>::new());
    scene.is_settled();
}

#[test]
fn a_saved_plan_runs_while_the_world_is_as_it_was() {
    let scene = Scene::password("overlap: 0s");
    scene.keywheel(&["plan", "db", "--out", "saved.plan"]).exits(0);
    scene.keywheel(&["rotate", "--plan", "saved.plan", "--yes"]).exits(0);
    assert!(is_new(&scene));
    let new = value(&scene);
    let said = scene.keywheel(&["rotate", "--plan", "saved.plan", "--yes"]).exits(23);
    said.says(&["no longer fits the world", "`keywheel plan --out FILE`"]);
    assert_eq!(value(&scene), new);
    scene.is_settled();
}

#[test]
fn a_saved_plan_is_refused_once_the_value_or_the_inventory_was_edited() {
    let scene = Scene::password("overlap: 0s");
    scene.keywheel(&["plan", "db", "--out", "saved.plan"]).exits(0);
    scene.write("secrets/db", "the-editor-was-here");
    scene.keywheel(&["rotate", "--plan", "saved.plan", "--yes"]).exits(23);
    scene.write("secrets/db", Scene::OLD);
    let inventory = String::from_utf8(scene.read("keywheel.yaml")).expect("an inventory is text");
    scene.write("keywheel.yaml", inventory.replace("overlap: 0s", "overlap: 2s"));
    let said = scene.keywheel(&["rotate", "--plan", "saved.plan", "--yes"]).exits(23);
    said.says(&["the inventory was edited"]);
    assert!(!is_new(&scene));
}

#[test]
fn a_secret_of_an_environment_that_is_not_rotatable_is_refused_with_the_reason() {
    let scene = Scene::password("overlap: 0s, environment: dev");
    let inventory = String::from_utf8(scene.read("keywheel.yaml")).expect("an inventory is text");
    let frozen = "environments: { dev: { rotatable: false, reason: shared with every laptop } }\n\nsecrets:";
    scene
        .write("keywheel.yaml", inventory.replace("secrets:", frozen).replace("./environments", "./secrets"));
    scene.keywheel(&["rotate", "db", "--yes"]).exits(1).says(&["refused", "shared with every laptop"]);
    scene.keywheel(&["rotate", "--all", "--yes"]).exits(0).says(&["shared with every laptop"]);
    scene.keywheel(&["rotate", "--due", "--yes"]).exits(0);
    assert!(!is_new(&scene));
    scene.is_settled();
}

#[test]
fn a_value_from_standard_input_is_taken_once_and_not_twice() {
    let scene = Scene::new("  db: { provided: stdin, stores: [files], overlap: 0s }\n");
    scene.write("secrets/db", Scene::OLD);
    let from_stdin = || scene.command(&["rotate", "db", "--yes", "--value-from-stdin"]);
    from_stdin().run_with_input(b"a-value-that-a-person-chose\n").exits(0);
    assert_eq!(value(&scene), b"a-value-that-a-person-chose");
    from_stdin().run_with_input(b"a-value-that-a-person-chose").exits(0).says(&["the current one already"]);
    let said = scene.keywheel(&["rotate", "db", "--yes"]);
    said.says(&["none is ready", "keywheel rotate db --value-from-stdin"]);
    from_stdin().run_with_input(b"").says(&["nothing was changed"]);
    assert_eq!(value(&scene), b"a-value-that-a-person-chose");
    scene.is_settled();
}

#[test]
fn a_value_is_not_taken_for_a_secret_that_keywheel_makes() {
    let scene = Scene::password("overlap: 0s");
    let rotate = scene.command(&["rotate", "db", "--yes", "--value-from-stdin"]);
    rotate.run_with_input(b"mine").exits(2).says(&["its new values are made, not given"]);
    assert!(!is_new(&scene));
}

#[test]
fn a_value_in_an_inbox_is_rotated_in_once_it_is_there() {
    let scene = Scene::new("  db: { provided: { file: ./inbox }, stores: [files], overlap: 0s }\n");
    scene.write("secrets/db", Scene::OLD);
    scene.keywheel(&["rotate", "--due", "--yes"]).exits(0);
    scene.keywheel(&["rotate", "db", "--yes"]).says(&["put it into ./inbox"]);
    assert!(!is_new(&scene));
    scene.write("inbox", "issued-by-a-console\n");
    scene.keywheel(&["rotate", "--due", "--yes"]).exits(0);
    assert_eq!(value(&scene), b"issued-by-a-console");
    scene.keywheel(&["rotate", "--due", "--yes"]).exits(0);
    scene.is_settled();
}

#[test]
fn nothing_is_changed_where_nobody_can_be_asked() {
    let scene = Scene::password("overlap: 0s");
    scene.keywheel(&["rotate", "db"]).exits(2).says(&["there is no terminal to ask on", "`--yes`"]);
    scene.keywheel(&["rotate", "db", "--dry-run"]).exits(0);
    assert!(!is_new(&scene) && !scene.path().join(".keywheel/pending").exists());
}
