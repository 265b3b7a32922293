//! SIGINT and SIGTERM at every boundary: the step in hand is finished and written down, what is left is said, and
//! `resume` ends it.

use keywheel_tests::{Habit, Place, Said, Scene};
use rstest::rstest;

/// What a stopped run may say: half way, done, or, on the way back, done as well.
const HALF_WAY: i32 = 21;

struct Case {
    arguments: &'static [&'static str],
    /// The exit code when nothing stops it.
    unharmed: i32,
    habit: Habit,
}

const FORWARDS: Case = Case { arguments: &["rotate", "db", "--yes"], unharmed: 0, habit: Habit::Reloads };
const BACK: Case = Case { arguments: &["rotate", "db", "--yes"], unharmed: 20, habit: Habit::NeverReloads };

#[rstest]
fn a_signal_at_any_boundary_ends_the_run_between_two_steps_and_resume_goes_on(
    #[values("SIGINT", "SIGTERM")] signal: &str,
    #[values(FORWARDS, BACK)] case: Case,
) {
    let (scene, _consumer) = scene_of(&case);
    run(&scene, &case, None).exits(case.unharmed);
    let boundaries = String::from_utf8(scene.read("boundaries")).expect("the log is text").lines().count();
    let mut half_way = 0;
    for number in 1..=boundaries {
        let (scene, consumer) = scene_of(&case);
        let said = run(&scene, &case, Some((number, signal)));
        assert_eq!(said.signal(), None, "killed at {number}: {}", said.words());
        let said = said.says(&["Finishing the step in hand"]);
        if said.code() == Some(HALF_WAY) {
            half_way += 1;
            said.says(&["interrupted", "the next one is", "`keywheel resume db` goes on"]);
            let words = scene.keywheel(&["history", "db"]).exits(0).words();
            assert!(!words.contains("parked"), "{words}");
            scene.keywheel(&["resume", "--yes"]).exits(case.unharmed);
        } else {
            said.exits(case.unharmed);
        }
        scene.is_settled();
        let is_old = scene.read("secrets/db") == Scene::OLD.as_bytes();
        assert_eq!(is_old, case.unharmed != 0);
        assert_eq!(consumer.uses("db"), Some(keywheel_tests::fingerprint(&scene.read("secrets/db"))));
    }
    println!("{signal}: {boundaries} boundaries, {half_way} runs ended half way");
    // A step takes a few milliseconds: a signal that is heeded one step late stops nothing at the end.
    assert!(half_way * 2 > boundaries, "{half_way} of {boundaries} runs ended half way");
}

#[test]
fn a_second_signal_aborts_and_resume_recovers() {
    let scene = Scene::password_with_deadline("20s", "park", "overlap: 0s, consumers: [app]");
    let _consumer = scene.consumer(Habit::ReloadsAfter(std::time::Duration::from_secs(3)));
    let mut run = scene.command(&["rotate", "db", "--yes"]).start();
    keywheel_tests::until("the new value to be current", || {
        (scene.read("secrets/db") != Scene::OLD.as_bytes()).then_some(())
    });
    let id = rustix::process::Pid::from_raw(i32::try_from(run.id()).expect("a pid")).expect("a pid");
    let send = || rustix::process::kill_process(id, rustix::process::Signal::INT);
    // The run may end with the first one, which is what it is for.
    let _ = send();
    let _ = send();
    let code = run.wait().expect("it ends").code();
    assert!(matches!(code, Some(HALF_WAY | 130)), "{code:?}");
    scene.keywheel(&["resume", "--yes"]).exits(0);
    scene.is_settled();
}

fn scene_of(case: &Case) -> (Scene, keywheel_tests::Consumer) {
    let deadline = if case.habit == Habit::NeverReloads { "1s" } else { "20s" };
    let scene = Scene::password_with_deadline(deadline, "roll-back", "overlap: 0s, consumers: [app]");
    let consumer = keywheel_tests::Consumer::start(
        scene.path(),
        &[("db", &Place::file("secrets/db"), false)],
        case.habit,
    );
    (scene, consumer)
}

fn run(scene: &Scene, case: &Case, at: Option<(usize, &str)>) -> Said {
    let command = scene.command(case.arguments);
    match at {
        Some((number, signal)) => command.dying_at(number, signal).run(),
        None => command.env("KEYWHEEL_CRASH_LOG", "boundaries").run(),
    }
}
