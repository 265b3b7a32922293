//! Stores that misbehave: the exit code, the words, a whole value in place, and `resume` ends it.

use std::{fs, os::unix::fs::symlink};

use keywheel_tests::{Namespace, Place, Said, Scene, pending_files};

/// The boundary behind the outcome of `stage`, which is written with the next intent: the new value is pending, nothing else
/// has happened.
const STAGED: usize = 5;

const PASSWORD: &str = "  db: { generate: password, stores: [files], overlap: 0s }\n";
const VARIABLE: &str = "  db: { generate: password, stores: [{ store: dotenv, key: DB }], overlap: 0s }\n";
const FIELD: &str =
    "  db: { generate: password, stores: [{ store: config, key: /db/password }], overlap: 0s }\n";

fn password() -> Scene {
    Scene::password("overlap: 0s")
}

fn die_staged(scene: &Scene) {
    let said = scene.command(&["rotate", "db", "--yes"]).dying_at(STAGED, "abort").run();
    assert_eq!(said.code(), None, "{}", said.words());
}

fn rotate(scene: &Scene) -> Said {
    scene.keywheel(&["rotate", "db", "--yes"])
}

fn is_new(value: &[u8]) -> bool {
    value.len() == 32 && value != Scene::OLD.as_bytes()
}

#[test]
fn a_directory_that_became_read_only_parks_the_rotation_and_resume_ends_it_once_it_is_writable() {
    let scene = password();
    let mounts = "mount --bind secrets secrets && mount -o remount,bind,ro secrets";
    let Some(mut inside) = Namespace::new(scene.path(), mounts) else { return };
    inside.keywheel(scene.path(), &["rotate", "db", "--yes"]).exits(21).says(&[
        "promote in files failed",
        "Read-only file system",
        "`keywheel resume db`",
    ]);
    assert_eq!(scene.read("secrets/db"), Scene::OLD.as_bytes());
    inside.keywheel(scene.path(), &["resume", "--yes"]).exits(21).says(&["parked"]);
    assert!(inside.shell("mount -o remount,bind,rw secrets"));
    inside.keywheel(scene.path(), &["resume", "db", "--yes"]).exits(0);
    assert!(is_new(&scene.read("secrets/db")));
    scene.is_settled();
}

#[test]
fn with_a_full_disk_nothing_is_begun_and_with_room_again_it_is() {
    let scene = Scene::new("  db: { generate: password, stores: [files], overlap: 0s }\n");
    let inventory = String::from_utf8(scene.read("keywheel.yaml")).expect("an inventory is text");
    scene.write("keywheel.yaml", inventory.replace("./secrets", "./disk/secrets"));
    fs::create_dir(scene.path().join("disk")).expect("a place to mount the disk");
    let mounts = "mount -t tmpfs -o size=64k,mode=700 tmpfs disk && mkdir -m 700 disk/secrets disk/.keywheel \
                  disk/.keywheel/pending && printf %s OLD > disk/secrets/db && cat /dev/zero > disk/fill; test -s disk/fill";
    let Some(mut inside) = Namespace::new(scene.path(), &mounts.replace("OLD", Scene::OLD)) else { return };
    let value =
        || fs::read(inside.inside(&scene.path().join("disk/secrets/db"))).expect("the value is there");
    inside.keywheel(scene.path(), &["rotate", "db", "--yes"]).exits(20).says(&[
        "stage in files failed",
        "no space left on the device",
        "rolled back",
    ]);
    assert_eq!(value(), Scene::OLD.as_bytes());
    inside.keywheel(scene.path(), &["resume", "--yes"]).exits(0).says(&["Nothing is unfinished"]);
    assert!(inside.shell("rm disk/fill"));
    inside.keywheel(scene.path(), &["rotate", "db", "--yes"]).exits(0);
    let value = fs::read(inside.inside(&scene.path().join("disk/secrets/db"))).expect("the value is there");
    assert!(is_new(&value));
    inside.keywheel(scene.path(), &["verify"]).exits(0);
}

#[test]
fn a_disk_that_fills_up_before_the_promote_leaves_the_old_value_whole() {
    let scene = password();
    die_staged(&scene);
    let mounts = "mount -t tmpfs -o size=16k,mode=700 tmpfs secrets && printf %s OLD > secrets/db && \
                  cat /dev/zero > secrets/fill; test -s secrets/fill";
    let Some(mut inside) = Namespace::new(scene.path(), &mounts.replace("OLD", Scene::OLD)) else { return };
    let said = inside.keywheel(scene.path(), &["resume", "--yes"]);
    let said = said.exits(21).says(&["no space left on the device", "`keywheel resume db`"]);
    let value =
        |inside: &Namespace| fs::read(inside.inside(&scene.path().join("secrets/db"))).expect("a value");
    assert_eq!(value(&inside), Scene::OLD.as_bytes(), "{}", said.words());
    assert!(inside.shell("rm secrets/fill"));
    inside.keywheel(scene.path(), &["resume", "db", "--yes"]).exits(0);
    assert!(is_new(&value(&inside)));
    assert_eq!(pending_files(scene.path()), Vec::<std::path::PathBuf>::new());
}

#[test]
fn a_directory_in_place_of_the_file_is_refused_before_anything_is_begun() {
    let scene = password();
    fs::remove_file(scene.path().join("secrets/db")).expect("the file is there");
    fs::create_dir(scene.path().join("secrets/db")).expect("nothing is there");
    rotate(&scene).exits(1).says(&["refused", "found a directory in place of a file"]);
    scene.keywheel(&["resume", "--yes"]).exits(0).says(&["Nothing is unfinished"]);
    assert!(scene.path().join("secrets/db").is_dir());
}

#[test]
fn a_directory_in_place_of_the_file_half_way_parks_the_rotation_until_the_file_is_back() {
    let scene = password();
    die_staged(&scene);
    let (file, aside) = (scene.path().join("secrets/db"), scene.path().join("aside"));
    fs::rename(&file, &aside).expect("the file is there");
    fs::create_dir(&file).expect("nothing is there");
    scene.keywheel(&["resume", "--yes"]).exits(21).says(&["parked", "found a directory in place of a file"]);
    fs::remove_dir(&file).expect("the directory is empty");
    fs::rename(&aside, &file).expect("the place is free");
    scene.keywheel(&["resume", "db", "--yes"]).exits(0);
    assert!(is_new(&scene.read("secrets/db")));
    scene.is_settled();
}

#[test]
fn a_symbolic_link_out_of_the_directory_is_refused_and_what_it_leads_to_is_left_alone() {
    let scene = password();
    scene.write("elsewhere", "not ours");
    let file = scene.path().join("secrets/db");
    fs::remove_file(&file).expect("the file is there");
    symlink("../elsewhere", &file).expect("nothing is there");
    rotate(&scene).exits(1).says(&["refused", "found a symbolic link in place of a file"]);
    scene.keywheel(&["resume", "--yes"]).exits(0);
    assert_eq!(scene.read("elsewhere"), b"not ours");
    assert!(file.is_symlink());
}

#[test]
fn a_key_that_leads_out_of_the_directory_is_refused_with_the_inventory() {
    let scene = Scene::new("  db: { generate: password, stores: [{ store: files, key: ../elsewhere }] }\n");
    rotate(&scene).exits(3).says(&["keywheel.yaml:"]);
    assert!(!scene.path().join("elsewhere").exists());
}

#[test]
fn a_value_that_an_editor_changed_meanwhile_is_not_overwritten() {
    for (entry, place) in [
        (PASSWORD, Place::file("secrets/db")),
        (VARIABLE, Place::Variable("app.env".to_owned(), "DB".to_owned())),
        (FIELD, Place::Field("config.json".to_owned(), "/db/password".to_owned())),
    ] {
        let scene = Scene::new(entry);
        scene.write("secrets/db", Scene::OLD);
        die_staged(&scene);
        for name in ["secrets/db", "app.env", "config.json"] {
            let text = String::from_utf8(scene.read(name)).expect("text");
            scene.write(name, text.replace(Scene::OLD, "the-editor-was-here"));
        }
        // The intent to promote was written before the process died: a person says how to go on.
        let said = scene.keywheel(&["resume", "--yes"]).exits(21);
        said.says(&["somebody else changed the current version", "`keywheel rollback db`"]);
        let said = scene.keywheel(&["rollback", "db", "--yes"]).exits(0);
        assert_eq!(
            place.read(scene.path()).as_deref(),
            Some(&b"the-editor-was-here"[..]),
            "{}",
            said.words()
        );
        scene.keywheel(&["resume", "--yes"]).exits(0);
        scene.is_settled();
    }
}

#[test]
fn an_editor_in_the_second_store_parks_the_rotation_and_rolling_back_leaves_the_edit_alone() {
    let scene = Scene::new(
        "  db: { generate: password, stores: [files, { store: config, key: /db/password }], overlap: 0s }\n",
    );
    scene.write("secrets/db", Scene::OLD);
    let said = scene.command(&["rotate", "db", "--yes"]).dying_at(4 + STAGED, "abort").run();
    assert_eq!(said.code(), None, "{}", said.words());
    let text = String::from_utf8(scene.read("config.json")).expect("text");
    scene.write("config.json", text.replace(Scene::OLD, "the-editor-was-here"));
    scene
        .keywheel(&["resume", "--yes"])
        .exits(21)
        .says(&["promote in config failed", "`keywheel rollback db`"]);
    scene.keywheel(&["rollback", "db", "--yes"]).exits(0);
    assert_eq!(scene.read("secrets/db"), Scene::OLD.as_bytes());
    let place = Place::Field("config.json".to_owned(), "/db/password".to_owned());
    assert_eq!(place.read(scene.path()).as_deref(), Some(&b"the-editor-was-here"[..]));
    assert_eq!(pending_files(scene.path()), Vec::<std::path::PathBuf>::new());
    // That the stores differ now is the editor's doing, and told.
    scene.keywheel(&["verify"]).exits(1).says(&["the stores hold different values"]);
    scene.keywheel(&["resume", "--yes"]).exits(0).says(&["Nothing is unfinished"]);
}

#[test]
fn bytes_that_are_not_text_are_a_value_like_any_other_in_a_directory() {
    let scene = password();
    scene.write("secrets/db", b"\xff\xfe\x00old");
    rotate(&scene).exits(0);
    assert!(is_new(&scene.read("secrets/db")));
    scene.is_settled();
}

#[test]
fn bytes_that_are_not_text_stay_as_they_are_around_a_variable() {
    let scene = Scene::new(VARIABLE);
    scene.write("app.env", b"# caf\xe9\r\nDB=old\nLOG=info\n");
    rotate(&scene).exits(0);
    let text = scene.read("app.env");
    assert!(text.starts_with(b"# caf\xe9\r\nDB=") && text.ends_with(b"\nLOG=info\n"), "{text:?}");
    scene.is_settled();
}

#[test]
fn a_document_that_cannot_be_read_is_refused_and_left_as_it_is() {
    for content in [&b"{ \"db\": { \"password\": \"\xff\" } }"[..], b"", b"{ \"db\": "] {
        let scene = Scene::new(FIELD);
        scene.write("config.json", content);
        let said = rotate(&scene).exits(1).says(&["refused", "not valid JSON"]);
        assert_eq!(scene.read("config.json"), content, "{}", said.words());
        scene.keywheel(&["resume", "--yes"]).exits(0);
    }
}

#[test]
fn a_provided_value_that_a_store_cannot_hold_is_refused_and_the_old_one_stays() {
    let scene = Scene::new(
        "  db: { provided: stdin, stores: [{ store: dotenv, key: DB }], overlap: 0s, fingerprint: plain }\n",
    );
    let before = scene.read("app.env");
    let rotate = scene.command(&["rotate", "db", "--yes", "--value-from-stdin"]);
    rotate.run_with_input(b"\xff\xfe-not-text").exits(20).says(&["bytes that are not UTF-8"]);
    assert_eq!(scene.read("app.env"), before);
    scene.is_settled();
}

#[test]
fn an_empty_file_is_a_value_that_can_be_replaced() {
    let scene = password();
    scene.write("secrets/db", "");
    rotate(&scene).exits(0);
    assert!(is_new(&scene.read("secrets/db")));
    scene.is_settled();
}

#[test]
fn an_empty_environment_file_gets_the_variable() {
    let scene = Scene::new(VARIABLE);
    scene.write("app.env", "");
    rotate(&scene).exits(0);
    let place = Place::Variable("app.env".to_owned(), "DB".to_owned());
    assert!(is_new(&place.read(scene.path()).expect("the variable is there")));
    scene.is_settled();
}

#[test]
fn a_file_of_ten_megabytes_is_refused_with_the_setting_that_would_allow_it() {
    let large = vec![b'a'; 10 << 20];
    for (entry, name) in [(PASSWORD, "secrets/db"), (VARIABLE, "app.env"), (FIELD, "config.json")] {
        let scene = Scene::new(entry);
        scene.write(name, &large);
        rotate(&scene).exits(1).says(&["refused", "10485760 bytes", "max-bytes"]);
        assert_eq!(scene.read(name), large);
        scene.keywheel(&["resume", "--yes"]).exits(0);
    }
}

#[test]
fn a_file_of_ten_megabytes_is_rotated_where_the_inventory_allows_it() {
    let scene = password();
    let inventory = String::from_utf8(scene.read("keywheel.yaml")).expect("an inventory is text");
    scene
        .write("keywheel.yaml", inventory.replace("path: ./secrets", "path: ./secrets, max-bytes: 16777216"));
    scene.write("secrets/db", vec![b'a'; 10 << 20]);
    rotate(&scene).exits(0);
    assert!(is_new(&scene.read("secrets/db")));
    scene.is_settled();
}

#[test]
fn ten_megabytes_on_standard_input_are_no_value() {
    let scene = Scene::new("  db: { provided: stdin, stores: [files], overlap: 0s, fingerprint: plain }\n");
    let rotate = scene.command(&["rotate", "db", "--yes", "--value-from-stdin"]);
    let _ =
        rotate.run_with_input(&vec![b'a'; 10 << 20]).says(&["which no secret has", "nothing was changed"]);
    assert!(!scene.path().join("secrets/db").exists());
}
