//! Journals that cannot be used: nothing is begun, the words say what to do, and doing it ends the matter.

use std::{fs, path::Path};

use keywheel_tests::{Namespace, Scene};
use rstest::rstest;
use rusqlite::Connection;

const JOURNAL: &str = ".keywheel/journal.db";

/// The boundary behind the outcome of `promote`: the new value is current, the old one is still there.
const PROMOTED: usize = 9;

/// Behind the outcome of `stage`.
const STAGED: usize = 5;

fn scene_dead_at(number: usize) -> Scene {
    let scene = Scene::password("overlap: 0s");
    let said = scene.command(&["rotate", "db", "--yes"]).dying_at(number, "abort").run();
    assert_eq!(said.code(), None, "{}", said.words());
    scene
}

fn connection(scene: &Scene) -> Connection {
    Connection::open(scene.path().join(JOURNAL)).expect("the journal is a database")
}

fn settled_after_resume(scene: &Scene) {
    scene.keywheel(&["resume", "--yes"]).exits(0);
    assert_ne!(scene.read("secrets/db"), Scene::OLD.as_bytes());
    scene.is_settled();
}

#[test]
fn a_journal_that_another_process_keeps_locked_stops_everything_until_it_is_free() {
    let scene = scene_dead_at(PROMOTED);
    let value = scene.read("secrets/db");
    let other = connection(&scene);
    other.execute_batch("BEGIN IMMEDIATE").expect("it is free");
    for command in [&["resume", "--yes"][..], &["rotate", "db", "--yes"]] {
        scene.keywheel(command).exits(30).says(&["kept the journal locked", "run it again"]);
    }
    assert_eq!(scene.read("secrets/db"), value);
    other.execute_batch("ROLLBACK").expect("it was locked");
    settled_after_resume(&scene);
}

#[rstest]
fn a_journal_that_was_cut_short_is_refused_and_a_backup_ends_the_matter(
    #[values("journal.db", "journal.db-wal")] name: &str,
) {
    let scene = scene_dead_at(PROMOTED);
    if name == "journal.db" {
        // Everything in the database itself, so that a cut hits it.
        let connection = connection(&scene);
        let (busy, log): (i64, i64) = connection
            .query_row("PRAGMA wal_checkpoint(FULL)", [], |row| Ok((row.get(0)?, row.get(1)?)))
            .expect("a checkpoint");
        assert!(busy == 0 && log >= 0);
    }
    let value = scene.read("secrets/db");
    let path = scene.path().join(".keywheel").join(name);
    let whole = fs::read(&path).expect("the journal is there");
    let page = 4096.min(whole.len());
    assert!(page > 1000, "{name} has {} bytes only", whole.len());
    let mut refused = 0;
    for cut in (1..=page).step_by(97) {
        fs::write(&path, &whole[..whole.len() - cut]).expect("it can be cut");
        let said = scene.keywheel(&["resume", "--yes"]).exits(30);
        said.says(&["Nothing was changed", "from a backup"]);
        assert_eq!(scene.read("secrets/db"), value);
        refused += 1;
    }
    println!("{name}: {refused} cuts, all refused");
    fs::write(&path, &whole).expect("it can be put back");
    settled_after_resume(&scene);
}

#[test]
fn a_journal_of_a_newer_keywheel_is_refused_and_left_as_it_is() {
    let scene = scene_dead_at(PROMOTED);
    let value = scene.read("secrets/db");
    connection(&scene).pragma_update(None, "user_version", 99).expect("a version");
    for command in [&["resume", "--yes"][..], &["status"], &["rotate", "db", "--yes"]] {
        let said = scene.keywheel(command).exits(30);
        said.says(&["have version 99", "Nothing was changed", "or later"]);
    }
    assert_eq!(scene.read("secrets/db"), value);
    connection(&scene).pragma_update(None, "user_version", 1).expect("a version");
    settled_after_resume(&scene);
}

#[test]
fn a_journal_on_a_read_only_path_stops_the_rotation_before_anything_is_begun() {
    let scene = scene_dead_at(PROMOTED);
    let value = scene.read("secrets/db");
    let mounts = "mount --bind .keywheel .keywheel && mount -o remount,bind,ro .keywheel";
    let Some(inside) = Namespace::new(scene.path(), mounts) else { return };
    for command in [&["resume", "--yes"][..], &["rotate", "db", "--yes"]] {
        inside.keywheel(scene.path(), command).exits(30).says(&[
            "the journal",
            "writ",
            "nothing was changed",
        ]);
    }
    assert_eq!(scene.read("secrets/db"), value);
    drop(inside);
    settled_after_resume(&scene);
}

#[test]
fn a_full_disk_under_the_journal_stops_the_rotation_before_anything_is_begun() {
    let scene = Scene::password("overlap: 0s");
    fs::create_dir(scene.path().join(".keywheel")).expect("nothing is there");
    let mounts = "mount -t tmpfs -o size=2m,mode=700 tmpfs .keywheel";
    let Some(mut inside) = Namespace::new(scene.path(), mounts) else { return };
    inside.keywheel(scene.path(), &["rotate", "db", "--yes"]).exits(0);
    let value = scene.read("secrets/db");
    let _ = inside.shell("cat /dev/zero > .keywheel/fill");
    let said = inside.keywheel(scene.path(), &["rotate", "db", "--yes"]).exits(30);
    assert_eq!(scene.read("secrets/db"), value, "{}", said.words());
    assert!(inside.shell("rm .keywheel/fill"));
    inside.keywheel(scene.path(), &["resume", "--yes"]).exits(0);
    inside.keywheel(scene.path(), &["rotate", "db", "--yes"]).exits(0);
    inside.keywheel(scene.path(), &["verify"]).exits(0);
    inside.keywheel(scene.path(), &["audit", "verify"]).exits(0);
}

#[test]
fn a_pending_version_that_no_journal_knows_is_named_and_dropped_on_demand() {
    let scene = scene_dead_at(STAGED);
    lose_the_journal(scene.path());
    let said = scene.keywheel(&["rotate", "db", "--yes"]).exits(1);
    said.says(&["in flight since", "`keywheel retire db --pending`"]);
    assert_eq!(scene.read("secrets/db"), Scene::OLD.as_bytes());
    scene.keywheel(&["verify"]).exits(1).says(&["which this journal does not know"]);
    scene.keywheel(&["retire", "db", "--pending", "--yes"]).exits(0);
    scene.keywheel(&["rotate", "db", "--yes"]).exits(0);
    assert_ne!(scene.read("secrets/db"), Scene::OLD.as_bytes());
    scene.is_settled();
}

fn lose_the_journal(directory: &Path) {
    for name in ["journal.db", "journal.db-wal", "journal.db-shm", "journal.db.head"] {
        let _ = fs::remove_file(directory.join(".keywheel").join(name));
    }
}
