//! What `doctor` says about the places of secrets, before anything is rotated.

use std::{
    fs::Permissions,
    os::unix::fs::{PermissionsExt, symlink},
    path::{Path, PathBuf},
    process::Command,
};

use insta::assert_snapshot;
use serde_json::Value;

use crate::world::{World, redacted};

/// Fields that have nowhere to be, and files: one that is a link, and one that keywheel never writes.
const INVENTORY: &str = "\
version: 1
stores:
  files: { directory: { path: ./secrets } }
  config: { document: { path: ./config.json } }
secrets:
  s1: { generate: password, stores: [{ store: config, key: /db/s1 }], every: 30d, overlap: 0s }
  s2: { generate: password, stores: [{ store: config, key: /db/s2 }], every: 30d, overlap: 0s }
  s3: { generate: password, stores: [{ store: config, key: /db/s3 }], every: 30d, overlap: 0s }
  s4: { generate: password, stores: [{ store: config, key: /db/s4 }], every: 30d, overlap: 0s }
  s5: { generate: password, stores: [{ store: config, key: /db/s5 }], every: 30d, overlap: 0s }
  s6: { generate: password, stores: [{ store: config, key: /db/s6 }], every: 30d, overlap: 0s }
  s7: { generate: password, stores: [{ store: config, key: /number }], every: 30d, overlap: 0s }
  by-hand: { provided: stdin, automation: manual, stores: [files], overlap: 0s }
  fine: { generate: password, stores: [files], every: 30d, overlap: 0s }
  linked: { generate: password, stores: [files], every: 30d, overlap: 0s }
";

fn world() -> World {
    let world = World::empty();
    world.write("keywheel.yaml", INVENTORY);
    world.write("config.json", "{\"number\": 1}");
    std::fs::set_permissions(world.path("config.json"), Permissions::from_mode(0o600))
        .expect("a file of the test");
    std::fs::create_dir(world.path("secrets")).expect("a file of the test");
    std::fs::set_permissions(world.path("secrets"), Permissions::from_mode(0o700))
        .expect("a file of the test");
    symlink("elsewhere", world.path("secrets/linked")).expect("a file of the test");
    // A rotation would leave the other name with the old value, and there is none of this one.
    world.write("secrets/by-hand", "a");
    std::fs::set_permissions(world.path("secrets/by-hand"), Permissions::from_mode(0o600))
        .expect("a file of the test");
    std::fs::hard_link(world.path("secrets/by-hand"), world.path("another-name"))
        .expect("a file of the test");
    world
}

/// Everything below a directory, with what it holds.
fn everything(below: &Path) -> Vec<(PathBuf, Option<Vec<u8>>)> {
    let mut all = Vec::new();
    for entry in std::fs::read_dir(below).expect("a file of the test") {
        let path = entry.expect("a file of the test").path();
        if path.is_dir() {
            all.extend(everything(&path));
        }
        let content = std::fs::read(&path).ok();
        all.push((path, content));
    }
    all.sort();
    all
}

#[test]
fn each_problem_is_one_finding_that_names_store_and_secrets() {
    let _redacted = redacted();
    let world = world();
    let before = everything(&world.path("."));
    assert_snapshot!("doctor", world.shows("doctor"));
    assert_eq!(everything(&world.path(".")), before, "it changes nothing");
}

#[test]
fn a_program_gets_every_name() {
    let world = world();
    let output = world.run("doctor --output json");
    assert_eq!(output.status.code(), Some(1));
    let examined: Value = serde_json::from_slice(&output.stdout).unwrap();
    let examined = examined.as_array().unwrap();
    let config =
        examined.iter().find(|each| each["what"].as_str().unwrap().starts_with("store config")).unwrap();
    let secrets: Vec<_> =
        config["findings"].as_array().unwrap().iter().map(|found| &found["secrets"]).collect();
    assert_eq!(*secrets[0], serde_json::json!(["s1", "s2", "s3", "s4", "s5", "s6"]));
    assert_eq!(*secrets[1], serde_json::json!(["s7"]));
}

/// As root everything can be written, so the binary is run as somebody else there.
#[test]
fn a_user_who_may_not_write_is_told_where_and_for_which_secrets() {
    let world = world();
    std::fs::remove_file(world.path("secrets/linked")).unwrap();
    world.write("config.json", "{\"db\": {}, \"number\": \"1\"}");
    for name in ["secrets/fine", "secrets/linked"] {
        world.write(name, "a");
    }
    for (name, mode) in [(".", 0o755), ("secrets", 0o555), ("secrets/fine", 0o444), ("secrets/linked", 0o444)]
    {
        std::fs::set_permissions(world.path(name), Permissions::from_mode(mode)).unwrap();
    }
    let inner = world.command("doctor");
    let mut command = if rustix::process::geteuid().is_root() {
        let mut command = Command::new("setpriv");
        command.args(["--reuid", "54321", "--regid", "54321", "--clear-groups"]).arg(inner.get_program());
        command.args(inner.get_args()).current_dir(world.path(".")).env_clear().env("PATH", "/usr/bin:/bin");
        command
    } else {
        inner
    };
    let output = command.output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).split_whitespace().collect::<Vec<_>>().join(" ");
    assert_eq!(output.status.code(), Some(1), "{text} {}", String::from_utf8_lossy(&output.stderr));
    assert!(text.contains("cannot write in ./secrets"), "{text}");
    if rustix::process::geteuid().is_root() {
        let says = "./secrets/fine, ./secrets/linked: of user 0 and group 0, to whom user 54321 may not give";
        assert!(text.contains(says) && text.contains("secrets fine, linked"), "{text}");
    }
}
