//! Consumers that do not move: what happens, what the message says to type, and that typing it ends the matter.

use keywheel_tests::{Habit, Said, Scene, fingerprint, until};

fn scene(on_deadline: &str) -> Scene {
    Scene::password_with_deadline("1s", on_deadline, "overlap: 0s, consumers: [app]")
}

fn rotated(scene: &Scene) -> bool {
    scene.read("secrets/db") != Scene::OLD.as_bytes()
}

#[test]
fn a_consumer_that_never_reloads_parks_the_rotation_and_both_values_stay() {
    let scene = scene("park");
    let consumer = scene.consumer(Habit::NeverReloads);
    let said = scene.keywheel(&["rotate", "db", "--yes"]).exits(21);
    said.says(&["app did not move within 1s", "`keywheel resume db`", "`keywheel rollback db"]);
    assert!(rotated(&scene));
    assert_eq!(consumer.uses("db"), Some(fingerprint(Scene::OLD.as_bytes())));
    assert_eq!(keywheel_tests::hidden_versions(scene.path()), [Scene::OLD.as_bytes()]);
    scene.keywheel(&["status"]).exits(0).says(&["parked"]);
}

#[test]
fn vouching_for_the_consumer_ends_a_parked_rotation() {
    let scene = scene("park");
    let _consumer = scene.consumer(Habit::NeverReloads);
    scene.keywheel(&["rotate", "db", "--yes"]).exits(21).says(&["vouch db"]);
    scene.keywheel(&["vouch", "db", "--yes", "--reason", "restarted it by hand"]).exits(0);
    assert!(rotated(&scene));
    scene.keywheel(&["audit", "show"]).exits(0).says(&["restarted it by hand"]);
    scene.is_settled();
}

#[test]
fn rolling_back_ends_a_parked_rotation_and_the_consumer_works_on() {
    let scene = scene("park");
    let consumer = scene.consumer(Habit::NeverReloads);
    scene.keywheel(&["rotate", "db", "--yes"]).exits(21);
    scene.keywheel(&["rollback", "db", "--yes", "--reason", "it does not move"]).exits(0);
    assert!(!rotated(&scene));
    assert_eq!(consumer.uses("db"), Some(fingerprint(Scene::OLD.as_bytes())));
    scene.is_settled();
}

#[test]
fn resume_ends_a_parked_rotation_once_the_consumer_was_restarted() {
    let scene = scene("park");
    let consumer = scene.consumer(Habit::NeverReloads);
    scene.keywheel(&["rotate", "db", "--yes"]).exits(21);
    drop(consumer);
    let consumer = scene.consumer(Habit::Reloads);
    scene.keywheel(&["resume", "db", "--yes"]).exits(0);
    assert_eq!(consumer.uses("db"), Some(fingerprint(&scene.read("secrets/db"))));
    assert!(rotated(&scene));
    scene.is_settled();
}

#[test]
fn a_consumer_that_never_reloads_is_rolled_back_where_the_inventory_says_so() {
    let scene = scene("roll-back");
    let consumer = scene.consumer(Habit::NeverReloads);
    let said = scene.keywheel(&["rotate", "db", "--yes"]).exits(20);
    said.says(&["rolled back", "app did not move within 1s", "the new value is gone"]);
    assert!(!rotated(&scene));
    assert_eq!(consumer.uses("db"), Some(fingerprint(Scene::OLD.as_bytes())));
    scene.keywheel(&["resume", "--yes"]).exits(0);
    scene.is_settled();
}

#[test]
fn a_consumer_that_reloads_late_but_in_time_is_waited_for() {
    let scene = Scene::password_with_deadline("20s", "park", "overlap: 0s, consumers: [app]");
    let consumer = scene.consumer(Habit::ReloadsAfter(std::time::Duration::from_millis(1500)));
    scene.keywheel(&["rotate", "db", "--yes"]).exits(0).says(&["not yet"]);
    assert_eq!(consumer.uses("db"), Some(fingerprint(&scene.read("secrets/db"))));
    scene.is_settled();
}

#[test]
fn a_stale_pid_file_signals_nobody_and_resume_ends_it_once_the_consumer_is_back() {
    let scene = scene("park");
    // The number of a process that is somebody else's, and older than any file here.
    std::fs::create_dir_all(scene.path().join("run")).expect("a directory");
    scene.write("run/app.pid", "1\n");
    filetime_in_the_past(&scene, "run/app.pid");
    let said = scene.keywheel(&["rotate", "db", "--yes", "--patience", "0s"]).exits(21);
    said.says(&["`keywheel resume db`"]);
    let _consumer = scene.consumer(Habit::Reloads);
    scene.keywheel(&["resume", "db", "--yes"]).exits(0);
    assert!(rotated(&scene));
    scene.is_settled();
}

#[test]
fn a_consumer_that_is_gone_is_told_when_it_is_back() {
    let scene = scene("park");
    let mut consumer = scene.consumer(Habit::Reloads);
    consumer.die();
    let said = scene.keywheel(&["rotate", "db", "--yes", "--patience", "0s"]).exits(21);
    said.says(&["`keywheel resume db`"]);
    assert!(rotated(&scene));
    assert_eq!(keywheel_tests::hidden_versions(scene.path()), [Scene::OLD.as_bytes()]);
    let consumer = scene.consumer(Habit::Reloads);
    scene.keywheel(&["resume", "db", "--yes"]).exits(0);
    assert_eq!(consumer.uses("db"), Some(fingerprint(&scene.read("secrets/db"))));
    scene.is_settled();
}

#[test]
fn a_consumer_that_restarts_in_the_middle_is_waited_for() {
    let scene = Scene::password_with_deadline("30s", "park", "overlap: 0s, consumers: [app]");
    scene.consumer(Habit::Reloads).die();
    let run = scene.command(&["rotate", "db", "--yes"]).start();
    until("the promote", || rotated(&scene).then_some(()));
    let consumer = scene.consumer(Habit::Reloads);
    Said::new(&run.wait_with_output().expect("it ends")).exits(0);
    assert_eq!(consumer.uses("db"), Some(fingerprint(&scene.read("secrets/db"))));
    scene.is_settled();
}

#[test]
fn without_a_pid_file_the_rotation_waits_and_rolling_back_ends_it() {
    let scene = scene("park");
    let said = scene.keywheel(&["rotate", "db", "--yes", "--patience", "0s"]).exits(21);
    said.says(&["app.pid"]);
    let mut consumer = scene.consumer(Habit::Reloads);
    scene.keywheel(&["rollback", "db", "--yes", "--reason", "nobody is there"]).exits(0);
    assert!(!rotated(&scene));
    assert_eq!(consumer.uses("db"), Some(fingerprint(Scene::OLD.as_bytes())));
    consumer.die();
    scene.is_settled();
}

fn filetime_in_the_past(scene: &Scene, name: &str) {
    let file = std::fs::File::options().write(true).open(scene.path().join(name)).expect("the file is there");
    file.set_modified(std::time::SystemTime::UNIX_EPOCH).expect("its time can be set");
}

#[test]
fn every_command_that_the_message_names_can_be_typed_as_it_stands() {
    let parked = || {
        let scene = scene("park");
        let consumer = scene.consumer(Habit::NeverReloads);
        let said = scene.keywheel(&["rotate", "db", "--yes"]).exits(21);
        (scene, consumer, said.stdout)
    };
    let (_, _, words) = parked();
    let words = words.split_whitespace().collect::<Vec<_>>().join(" ");
    let commands: Vec<_> = words.split('`').filter_map(|word| word.strip_prefix("keywheel ")).collect();
    assert!(commands.len() >= 3, "{words}");
    for command in commands {
        let (scene, _consumer, _) = parked();
        let command = command.replace('…', "because");
        let mut arguments: Vec<_> = command.split(' ').collect();
        if arguments[0] != "history" {
            arguments.push("--yes");
        }
        let said = scene.keywheel(&arguments);
        assert_ne!(said.code(), Some(2), "`keywheel {command}` is no command: {}", said.words());
    }
}
