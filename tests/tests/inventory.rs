//! Inventories with mistakes, through the real binary: exit code 3, the place, and a hint.

use std::fmt::Write;

use keywheel_tests::{Scene, Stopwatch};
use rstest::rstest;

const GOOD: &str = "version: 1\nstores:\n  files: { directory: { path: ./secrets } }\nsecrets:\n";

fn scene(text: &str) -> Scene {
    let scene = Scene::empty();
    scene.write("keywheel.yaml", text);
    scene
}

#[test]
fn a_missing_file_is_told_with_the_command_that_writes_one() {
    let scene = Scene::empty();
    for command in [&["check"][..], &["plan"], &["rotate", "--all", "--yes"], &["status"]] {
        let said = scene.keywheel(command).exits(3);
        said.says(&["keywheel.yaml", "`keywheel init`"]);
    }
}

#[rstest]
#[case::empty("", "keywheel.yaml", "the file is empty", "`keywheel init`")]
#[case::not_yaml("version: 1\nsecrets: [\n", "keywheel.yaml:", "", "")]
#[case::bytes_that_are_no_text("version: 1\nsecrets: \u{0}\n", "keywheel.yaml:2:10", "", "")]
#[case::a_list("- version: 1\n", "keywheel.yaml:1:1", "an inventory is a mapping", "`keywheel init`")]
#[case::no_version("secrets: {}\n", "keywheel.yaml:1:1", "missing key `version`", "write `version: 1`")]
#[case::wrong_version(
    "version: 2\nsecrets: {}\n",
    "keywheel.yaml:1:10",
    "reads inventories of version 1",
    "rewrite the file"
)]
#[case::unknown_key("version: 1\nsecretz: {}\n", "keywheel.yaml:2:1", "secretz", "did you mean `secrets`?")]
#[case::dangling_store(
    "STORES  db: { generate: password, stores: [fles] }\n",
    "keywheel.yaml:5:38",
    "there is no store `fles`",
    "did you mean `files`?"
)]
#[case::dangling_consumer(
    "STORES  db: { generate: password, stores: [files], consumers: [web] }\n",
    "keywheel.yaml:5:58",
    "there is no consumer `web`",
    "the file declares no consumer"
)]
#[case::dangling_dependency(
    "STORES  db: { generate: password, stores: [files], depends-on: [dc] }\n",
    "keywheel.yaml:5:59",
    "there is no secret `dc`",
    "did you mean `db`?"
)]
#[case::circle(
    "STORES  a: { generate: password, stores: [files], depends-on: [b] }\n  b: { generate: password, stores: [files], depends-on: [a] }\n",
    "keywheel.yaml:5:58",
    "a → b → a",
    "take one `depends-on` out"
)]
#[case::duplicate(
    "STORES  db: { generate: password, stores: [files] }\n  db: { generate: password, stores: [files] }\n",
    "keywheel.yaml:6:3",
    "db",
    ""
)]
#[case::short_password(
    "STORES  db: { generate: { password: { length: 4 } }, stores: [files] }\n",
    "keywheel.yaml:5:",
    "4",
    ""
)]
#[case::no_unit(
    "STORES  db: { generate: password, stores: [files], every: 90 }\n",
    "keywheel.yaml:5:53",
    "has no unit",
    "90d"
)]
#[case::a_reference_where_none_is_read(
    "version: 1\nstores:\n  files: { directory: { path: \"${env:HOME}\" } }\nsecrets: {}\n",
    "keywheel.yaml:3:31",
    "a reference is read only where a credential is expected",
    "write the text itself"
)]
fn a_mistake_is_shown_with_its_place_and_a_way_out(
    #[case] text: &str,
    #[case] place: &str,
    #[case] what: &str,
    #[case] hint: &str,
) {
    let scene = scene(&text.replace("STORES", GOOD));
    for command in [&["check"][..], &["plan"], &["rotate", "--all", "--yes"]] {
        let said = scene.keywheel(command).exits(3);
        said.says(&[place, what, hint]);
    }
    assert!(!scene.path().join(".keywheel").exists(), "something was begun");
}

#[test]
fn every_mistake_is_told_in_one_go() {
    let scene = scene(
        "version: 1\nstores:\n  files: { directory: { path: ./secrets } }\nsecrets:\n  \
         a: { generate: password, stores: [fles] }\n  \
         b: { generate: password, stores: [files], every: 90 }\n  \
         c: { generat: password, stores: [files] }\n",
    );
    scene.keywheel(&["check"]).exits(3).says(&[
        "keywheel.yaml:5:",
        "keywheel.yaml:6:",
        "keywheel.yaml:7:",
        "the inventory has ",
    ]);
    let said = scene.keywheel(&["check", "--output", "json"]).exits(3);
    let document: serde_json::Value = serde_json::from_str(&said.stderr).expect("one JSON document");
    assert_eq!(document["error"]["exit-code"], 3, "{document}");
}

/// All of them are due: every store is looked at, too.
#[test]
fn a_hundred_thousand_entries_are_checked_and_planned_in_reasonable_time() {
    const ENTRIES: usize = 100_000;
    let mut text = GOOD.to_owned();
    for number in 0..ENTRIES {
        let _ = writeln!(text, "  s{number}:\n    generate: password\n    stores: [files]\n    every: 90d");
    }
    let scene = scene(&text);
    let run = |command: &[&str]| {
        let watch = Stopwatch::start();
        let said = scene.keywheel(command).exits(0);
        println!("{ENTRIES} entries, {command:?}: {:.1?}", watch.elapsed());
        // On two busy cores; a release build takes about a twentieth.
        assert!(watch.elapsed().as_secs() < 180, "{command:?} took {:?}", watch.elapsed());
        said.stdout
    };
    let _ = run(&["check", "--no-values"]);
    let plan: serde_json::Value = serde_json::from_str(&run(&["plan", "--output", "json"])).expect("a plan");
    assert_eq!(plan["items"].as_array().map(Vec::len), Some(ENTRIES));
}
