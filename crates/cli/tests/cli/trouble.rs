//! Runs that do not go through: what is told, and which code the shell hears.

use std::{
    io::{BufRead, BufReader},
    process::{Child, Command, Stdio},
    thread,
    time::Duration,
};

use crate::world::World;

/// A secret whose second store cannot be written, one whose consumer cannot be told, one whose consumer is slow.
const INVENTORY: &str = "\
version: 1
stores:
  app-dir: { directory: { path: ./secrets } }
  app-env: { env-file: { path: ./app.env } }
consumers:
  broken: { command: { command: [\"false\"], evidence: { trust: test } } }
  slow: { command: { command: [sleep, \"2\"], evidence: { trust: test } } }
secrets:
  half: { generate: password, stores: [app-dir, app-env], overlap: 0s }
  stuck: { generate: password, stores: [app-dir], consumers: [broken], overlap: 0s }
  after-stuck: { generate: password, stores: [app-dir], depends-on: [stuck], overlap: 0s }
  lazy: { generate: password, stores: [app-dir], consumers: [slow], overlap: 0s }
";

fn world() -> World {
    let world = World::empty();
    world.write("keywheel.yaml", INVENTORY);
    std::fs::create_dir(world.path("app.env")).expect("a directory");
    world
}

#[test]
fn what_fails_before_it_is_used_is_rolled_back() {
    let world = world();
    let told = world.shows("rotate half --yes");
    assert!(told.starts_with("exit 20\n") && told.contains("the new value is gone again"), "{told}");
    assert!(!world.path("secrets/half").exists());
}

#[test]
fn what_fails_later_is_parked_with_the_commands_that_end_it() {
    let world = world();
    let told = world.shows("rotate stuck after-stuck --yes");
    assert!(told.starts_with("exit 21\n") && told.contains("`keywheel resume stuck`"), "{told}");
    assert!(told.contains("after-stuck not begun"), "{told}");
    // It stays parked for whoever comes next, and says so.
    assert_eq!(world.exit("rotate stuck --yes"), 21);
    assert_eq!(world.exit("plan stuck --check"), 10);
    assert!(world.succeeds("status stuck").contains("parked"));
}

#[test]
fn the_most_severe_end_is_the_exit_code() {
    assert_eq!(world().exit("rotate half stuck --yes"), 21);
}

#[test]
fn a_secret_that_another_process_works_on_is_left_to_it() {
    let world = world();
    let mut first =
        world.command("rotate lazy --yes").stderr(Stdio::null()).stdout(Stdio::null()).spawn().unwrap();
    wait_for(|| world.path("secrets/lazy").exists());
    let told = world.shows("rotate lazy --yes");
    assert!(told.starts_with("exit 22\n") && told.contains("tester works on it"), "{told}");
    assert!(first.wait().unwrap().success());
}

#[test]
fn a_person_at_the_keyboard_can_stop_a_run_between_two_steps() {
    let world = world();
    let first =
        world.command("rotate lazy --yes").stderr(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    wait_for(|| world.path("secrets/lazy").exists());
    interrupt(&first);
    let ended = first.wait_with_output().unwrap();
    assert_eq!(ended.status.code(), Some(21));
    assert!(String::from_utf8_lossy(&ended.stderr).contains("press again to abort"));
    world.succeeds("resume --yes");
    assert!(world.succeeds("status lazy").contains("on-demand"));
}

#[test]
fn a_second_signal_aborts_at_once_and_resume_recovers() {
    let world = world();
    let mut first =
        world.command("rotate lazy --yes").stderr(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
    wait_for(|| world.path("secrets/lazy").exists());
    interrupt(&first);
    let told = BufReader::new(first.stderr.take().unwrap());
    let mut lines = told.lines().map_while(Result::ok);
    assert!(lines.any(|line| line.contains("press again to abort")));
    interrupt(&first);
    assert!(lines.any(|line| line.contains("`keywheel resume`")));
    assert_eq!(first.wait().unwrap().code(), Some(130));
    world.succeeds("resume --yes");
    world.succeeds("verify lazy");
}

fn interrupt(process: &Child) {
    let status = Command::new("kill").args(["-INT".to_owned(), process.id().to_string()]).status();
    assert!(status.expect("kill starts").success());
}

#[expect(clippy::disallowed_methods, reason = "another process is waited for, and it has no clock of ours")]
fn wait_for(seen: impl Fn() -> bool) {
    for _ in 0..1_000 {
        if seen() {
            return;
        }
        thread::sleep(Duration::from_millis(5));
    }
    panic!("it did not happen");
}
