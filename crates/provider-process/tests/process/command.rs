//! Telling by a command.

use std::{process::Command, time::Duration};

use keywheel_core::{
    Effect, Error, ErrorKind,
    notifier::{Notice, Notifier, Phase},
};
use keywheel_provider_process::{CommandLine, CommandNotifier, Evidence, PASSED_ON};
use rstest::rstest;
use tokio::time::timeout;

use crate::{
    process::{end, state, works},
    scene::{NEW, Scene, context, eventually, notice, promoted, unhurried},
};

fn running(scene: &Scene, words: &[&str]) -> CommandNotifier {
    let words = words.iter().map(|word| (*word).to_owned()).collect();
    let line = CommandLine::new("command", words, &scene.surroundings).unwrap();
    CommandNotifier::new(line, Evidence::Trust("a test".to_owned()), scene.surroundings.clock.clone())
}

fn shell(scene: &Scene, script: &str) -> CommandNotifier {
    running(scene, &["sh", "-c", script])
}

/// Makes a script. Another process writes it: a descriptor of ours, inherited by a child that a parallel test is just
/// starting, would make the script busy.
fn install(scene: &Scene, name: &str, text: &str, mode: &str) {
    let script = r#"printf '%s\n' "$2" > "$1" && chmod "$3" "$1""#;
    let path = scene.path(name);
    let status = Command::new("sh").args(["-c", script, "sh"]).arg(path).args([text, mode]).status().unwrap();
    assert!(status.success());
}

async fn failed(notifier: &CommandNotifier) -> Error {
    notifier.notify(&unhurried(), &promoted()).await.unwrap_err()
}

#[tokio::test]
async fn the_notice_is_in_the_environment_and_on_the_standard_input() {
    let scene = Scene::new();
    shell(&scene, "env > env; cat > input").notify(&unhurried(), &promoted()).await.unwrap();

    let environment = scene.read("env").unwrap();
    let value = |name: &str| environment.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix('='));
    assert_eq!(value("KEYWHEEL_SECRET"), Some("web/cookie~key"));
    assert_eq!(value("KEYWHEEL_ROTATION"), Some(promoted().rotation.to_string().as_str()));
    assert_eq!(value("KEYWHEEL_PHASE"), Some("promoted"));
    assert_eq!(value("KEYWHEEL_FINGERPRINT"), Some(NEW));
    let input = scene.read("input").unwrap();
    assert_eq!(input.lines().count(), 1);
    assert_eq!(serde_json::from_str::<Notice>(&input).unwrap(), promoted());
}

#[tokio::test]
async fn no_fingerprint_is_given_when_no_version_is_expected() {
    let scene = Scene::new();
    let nothing = notice(Phase::RolledBack, None);
    shell(&scene, r#"echo "${KEYWHEEL_FINGERPRINT-unset}" > seen"#)
        .notify(&unhurried(), &nothing)
        .await
        .unwrap();
    assert_eq!(scene.read("seen").unwrap(), "unset\n");
}

#[tokio::test]
async fn only_the_listed_variables_are_inherited() {
    assert!(
        std::env::vars().any(|(name, _)| name.starts_with("CARGO")),
        "nothing to hide: the test proves nothing"
    );
    let scene = Scene::new();
    running(&scene, &["sh", "-c", "env -0 | tr '\\0\\n' '\\n ' > env"])
        .notify(&unhurried(), &promoted())
        .await
        .unwrap();

    for line in scene.read("env").unwrap().lines() {
        let name = line.split('=').next().unwrap();
        let own = ["PWD", "OLDPWD", "SHLVL", "_"].contains(&name) || name.starts_with("KEYWHEEL_");
        assert!(own || PASSED_ON.contains(&name) || name.starts_with("LC_"), "{name} was inherited");
    }
}

#[rstest]
#[case::temporary("exit 75", ErrorKind::Unavailable, "exited with 75")]
#[case::refusal("exit 1", ErrorKind::Rejected, "exited with 1")]
#[case::not_found_by_the_shell("exit 127", ErrorKind::Rejected, "exited with 127")]
#[case::signal("kill -9 $$", ErrorKind::Unavailable, "was ended by signal 9")]
#[tokio::test]
async fn a_failure_is_classified_and_may_have_told_the_consumer(
    #[case] script: &str,
    #[case] kind: ErrorKind,
    #[case] words: &str,
) {
    let error = failed(&shell(&Scene::new(), script)).await;
    assert_eq!((error.kind, error.effect), (kind, Effect::MaybeApplied));
    assert!(error.to_string().contains(words), "{error}");
}

#[tokio::test]
async fn an_error_names_the_program_and_repeats_neither_arguments_nor_output() {
    let error = failed(&shell(&Scene::new(), "echo hunter2; echo hunter2 >&2; exit 3")).await;
    assert!(error.to_string().contains("sh exited with 3 (16 bytes of output, not shown)"), "{error}");
    assert!(!format!("{error} {error:?}").contains("hunter2"));
}

#[tokio::test]
async fn a_flood_of_output_neither_blocks_nor_is_kept() {
    let error = failed(&shell(&Scene::new(), "head -c 3000000 /dev/zero; exit 3")).await;
    assert!(error.to_string().contains("(3000000 bytes of output"), "{error}");
}

#[tokio::test]
async fn the_deadline_ends_the_whole_group_and_leaves_no_zombie() {
    let scene = Scene::new();
    let notifier = shell(&scene, "sleep 60 & echo $! > inner; echo $$ > leader; wait");

    let error = notifier.notify(&context(Duration::from_secs(2)), &promoted()).await.unwrap_err();

    assert_eq!((error.kind, error.effect), (ErrorKind::TimedOut, Effect::MaybeApplied));
    let (inner, leader) = (scene.read("inner").unwrap(), scene.read("leader").unwrap());
    assert_eq!(state(leader.trim()), None, "the leader was not waited for");
    eventually("the end of the inner process", || (!works(inner.trim())).then_some(())).await;
}

#[tokio::test]
async fn giving_the_call_up_ends_the_whole_group() {
    let scene = Scene::new();
    let notifier = shell(&scene, "sleep 60 & echo $! > inner; echo $$ > leader; wait");

    let (context, notice) = (unhurried(), promoted());
    tokio::select! {
        _ = notifier.notify(&context, &notice) => panic!("the command waits"),
        _ = scene.awaited("leader") => {}
    }

    let (inner, leader) = (scene.read("inner").unwrap(), scene.read("leader").unwrap());
    eventually("the end of both", || (!works(inner.trim()) && !works(leader.trim())).then_some(())).await;
}

#[tokio::test]
async fn a_process_left_behind_does_not_hold_the_call_up_and_is_not_killed() {
    let scene = Scene::new();
    let notifier = shell(&scene, "sleep 60 & echo $! > inner");
    let (context, notice) = (unhurried(), promoted());
    timeout(Duration::from_secs(10), notifier.notify(&context, &notice)).await.expect("held up").unwrap();
    let inner = scene.read("inner").unwrap();
    assert!(works(inner.trim()));
    end(inner.trim());
}

#[tokio::test]
async fn nothing_is_started_after_the_deadline() {
    let scene = Scene::new();
    let error =
        shell(&scene, "touch started").notify(&context(Duration::ZERO), &promoted()).await.unwrap_err();
    assert_eq!((error.kind, error.effect), (ErrorKind::TimedOut, Effect::NotApplied));
    assert!(!scene.path("started").exists());
}

#[tokio::test]
async fn a_path_starts_at_the_inventory_and_so_does_the_program() {
    let scene = Scene::new();
    install(&scene, "reload", "#!/bin/sh\npwd > where; echo \"$1\" > argument", "700");
    let notifier = running(&scene, &["./reload", "*; $HOME"]);

    notifier.notify(&unhurried(), &promoted()).await.unwrap();

    assert_eq!(
        scene.read("where").unwrap().trim(),
        scene.directory.path().canonicalize().unwrap().to_str().unwrap()
    );
    assert_eq!(scene.read("argument").unwrap(), "*; $HOME\n");
    assert_eq!(notifier.examine().await, []);
}

#[rstest]
#[case::nowhere_in_path("keywheel-test-no-such-program", ErrorKind::InvalidConfig)]
#[case::no_such_file("./missing", ErrorKind::InvalidConfig)]
#[case::a_directory("./directory", ErrorKind::InvalidConfig)]
#[case::not_executable("./plain", ErrorKind::PermissionDenied)]
#[tokio::test]
async fn a_program_that_cannot_run_is_refused_and_doctor_says_so(
    #[case] program: &str,
    #[case] kind: ErrorKind,
) {
    let scene = Scene::new();
    std::fs::create_dir(scene.path("directory")).unwrap();
    install(&scene, "plain", "#!/bin/sh", "600");
    let notifier = running(&scene, &[program]);

    let error = failed(&notifier).await;

    assert_eq!((error.kind, error.effect), (kind, Effect::NotApplied));
    assert_eq!(notifier.examine().await.len(), 1);
}

#[rstest]
#[case::missing_interpreter("#!/no/such/interpreter")]
#[case::no_first_line("just words")]
#[tokio::test]
async fn a_file_that_is_not_a_program_is_refused(#[case] text: &str) {
    let scene = Scene::new();
    install(&scene, "reload", text, "700");
    let error = failed(&running(&scene, &["./reload"])).await;
    assert_eq!((error.kind, error.effect), (ErrorKind::InvalidConfig, Effect::NotApplied), "{error}");
}
