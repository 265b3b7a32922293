//! Commands that are handed the value: what they get, and what is left of it wherever keywheel dies.

use std::{
    fs,
    os::unix::{fs::DirBuilderExt, process::ExitStatusExt},
    path::Path,
};

use keywheel_tests::{Scene, files_holding, fingerprint, until};
use rstest::rstest;
use rustix::process::{Pid, Signal, kill_process};

/// Shows what it was handed by its fingerprint, beside the one that was announced.
const PUSH: &str = r#"cat "${KEYWHEEL_VALUE_FILE:-/proc/self/fd/0}" | sha256sum | cut -c1-16 > run/got
read -r got < run/got
echo "$KEYWHEEL_SECRET $KEYWHEEL_PHASE $KEYWHEEL_FINGERPRINT $got" >> run/pushed"#;

/// One password that `script` is handed as `value` says.
fn scene(value: &str, more: &str, script: &str) -> Scene {
    let scene = Scene::password(&format!("consumers: [pushed], {more}"));
    let inventory = String::from_utf8(scene.read("keywheel.yaml")).expect("an inventory is text");
    let consumer = format!(
        "consumers:\n  pushed:\n    command:\n      command: [sh, ./push]\n      value: {value}\n      \
         evidence: {{ trust: the test looks itself }}\n    deadline: 10s\n"
    );
    scene.write("keywheel.yaml", inventory.replace("consumers:\n", &consumer));
    scene.write("push", script);
    scene
}

fn pushed(scene: &Scene) -> Vec<String> {
    String::from_utf8(scene.read("run/pushed")).expect("it is text").lines().map(str::to_owned).collect()
}

fn line(phase: &str, value: &[u8]) -> String {
    format!("db {phase} {print} {print}", print = fingerprint(value))
}

#[rstest]
fn a_command_is_handed_the_new_value_and_on_the_way_back_the_old_one(#[values("stdin", "file")] value: &str) {
    let scene = scene(value, "overlap: 1h", PUSH);
    scene.keywheel(&["plan", "db"]).exits(0).says(&["pushed is handed the value itself"]);
    scene.keywheel(&["rotate", "db", "--yes"]).exits(0);
    let new = scene.read("secrets/db");
    assert_ne!(new, Scene::OLD.as_bytes());
    scene.keywheel(&["rollback", "db", "--yes", "--reason", "it misbehaves"]).exits(0);
    assert_eq!(pushed(&scene), [line("promoted", &new), line("rolled-back", Scene::OLD.as_bytes())]);
    scene.keywheel(&["audit", "show"]).exits(0).says(&["hand the value to the consumer"]);
    scene.is_settled();
}

#[rstest]
fn a_value_of_any_bytes_is_handed_over_whole(#[values("stdin", "file")] value: &str) {
    let scene = scene(value, "overlap: 0s", PUSH);
    let inventory = String::from_utf8(scene.read("keywheel.yaml")).expect("an inventory is text");
    let raw = "generate: { bytes: { length: 1024, encoding: raw } }";
    scene.write("keywheel.yaml", inventory.replace("generate: password", raw));
    scene.keywheel(&["rotate", "db", "--yes"]).exits(0);
    let new = scene.read("secrets/db");
    assert_eq!((new.len(), pushed(&scene)), (1024, vec![line("promoted", &new)]));
    scene.is_settled();
}

#[rstest]
fn what_a_command_that_fails_printed_of_the_value_is_nowhere(#[values("stdin", "file")] value: &str) {
    let script = "cat \"${KEYWHEEL_VALUE_FILE:-/proc/self/fd/0}\" | tee /proc/self/fd/2; exit 7";
    let scene = scene(value, "overlap: 0s", script);
    let rotate = ["rotate", "db", "--yes", "--patience", "0s", "-vvv"];
    let said = scene.command(&rotate).env("KEYWHEEL_LOG", "trace").run();
    assert_ne!(said.code(), Some(0));
    let said = said.says(&["sh exited with 7"]);
    let new = scene.read("secrets/db");
    let new = std::str::from_utf8(&new).expect("a password is text");
    assert!(!said.words().contains(new), "keywheel says the value");
    assert_eq!(elsewhere(&scene, scene.path(), new.as_bytes()), Vec::<String>::new());
}

/// Files below `directory` that hold `value` and are no stores.
fn elsewhere(scene: &Scene, directory: &Path, value: &[u8]) -> Vec<String> {
    let stores = ["secrets", ".keywheel/pending", ".keywheel/previous"].map(|name| scene.path().join(name));
    let mut found: Vec<_> = files_holding(directory, value);
    found.retain(|path| !stores.iter().any(|store| path.starts_with(store)));
    found.into_iter().map(|path| path.display().to_string()).collect()
}

#[rstest]
fn a_sigkill_while_the_command_holds_the_value_leaves_it_nowhere_and_it_is_handed_over_again(
    #[values("stdin", "file")] value: &str,
) {
    let waits = format!("{PUSH}\necho $$ > run/pid; until test -e run/go; do sleep 0.05; done");
    let scene = scene(value, "overlap: 0s", &waits);
    let temporary = scene.path().join("run/tmp");
    fs::DirBuilder::new().mode(0o700).create(&temporary).expect("the scene is ours");
    let mut child = scene.command(&["rotate", "db", "--yes"]).env("TMPDIR", &temporary).start();
    until("the command to have the value", || {
        fs::read(scene.path().join("run/pid")).ok().filter(|pid| pid.ends_with(b"\n"))
    });
    let new = scene.read("secrets/db");
    let nowhere = |when: &str| {
        for directory in [scene.path(), Path::new("/dev/shm")] {
            assert_eq!(elsewhere(&scene, directory, &new), Vec::<String>::new(), "{when}");
        }
        assert_eq!(fs::read_dir(&temporary).expect("it is there").count(), 0, "{when}");
    };
    nowhere("while the command has it");
    kill_process(Pid::from_child(&child), Signal::KILL).expect("it runs");
    assert_eq!(child.wait().expect("it is a child").signal(), Some(9));
    nowhere("after the kill");
    scene.write("run/go", "");
    scene.keywheel(&["resume", "--yes"]).exits(0);
    nowhere("in the end");
    assert_eq!(pushed(&scene), [line("promoted", &new), line("promoted", &new)]);
    scene.is_settled();
}
