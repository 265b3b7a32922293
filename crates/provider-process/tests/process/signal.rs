//! Telling by a signal.

use std::{
    os::unix::process::ExitStatusExt,
    process::{Child, Command},
    time::{Duration, SystemTime},
};

use keywheel_core::{Effect, Error, ErrorKind, notifier::Notifier, provider::Severity};
use keywheel_provider_process::{Evidence, InventoryPath, SignalName, SignalNotifier, SignalTarget};
use rstest::rstest;

use crate::{
    process::{Started, state},
    scene::{Scene, eventually, promoted, unhurried},
};

/// Appends a line for each SIGHUP; its number is written once it listens.
const RELOADING: &str = "trap 'echo reloaded >> reloads' HUP; echo $$ > web.pid; while :; do sleep 0.1; done";
const DEAF: &str = "echo $$ > web.pid; exec sleep 60";
const IGNORING: &str = "trap '' HUP; echo $$ > web.pid; exec sleep 60";

fn in_pid_file(scene: &Scene, process: Option<&str>, signal: SignalName) -> SignalNotifier {
    let path = InventoryPath::new(scene.directory.path(), "web.pid");
    let target = SignalTarget::PidFile { path, process: process.map(str::to_owned) };
    SignalNotifier::new(
        target,
        signal,
        Evidence::Trust("a test".to_owned()),
        scene.surroundings.clock.clone(),
    )
}

fn named(scene: &Scene, name: &str) -> SignalNotifier {
    let target = SignalTarget::ProcessName(name.to_owned());
    SignalNotifier::new(
        target,
        SignalName::Hup,
        Evidence::Trust("a test".to_owned()),
        scene.surroundings.clock.clone(),
    )
}

async fn refused(notifier: &SignalNotifier) -> Error {
    let error = notifier.notify(&unhurried(), &promoted()).await.unwrap_err();
    assert_eq!(error.effect, Effect::NotApplied, "{error}");
    let findings = notifier.examine().await;
    assert!(!findings.is_empty(), "doctor does not see: {error}");
    assert!(findings.iter().all(|finding| finding.hint.is_some()));
    error
}

/// A name that no other run of the tests uses at the same time.
fn unique(name: &str) -> String {
    format!("keywheel-test-{name}-{}", std::process::id())
}

/// The number of a process that has ended and been waited for.
fn spent_number() -> u32 {
    let mut child: Child = Command::new("true").spawn().unwrap();
    child.wait().unwrap();
    child.id()
}

#[rstest]
#[case::by_pid_file(None)]
#[case::by_pid_file_and_name(Some("sh"))]
#[case::by_pid_file_and_the_name_it_was_called_by(Some("web"))]
#[tokio::test]
async fn a_reload_is_seen(#[case] process: Option<&str>) {
    let scene = Scene::new();
    let mut web = Started::script("web", RELOADING, scene.directory.path());
    scene.awaited("web.pid").await;
    let notifier = in_pid_file(&scene, process, SignalName::Hup);

    notifier.notify(&unhurried(), &promoted()).await.unwrap();

    assert_eq!(scene.awaited("reloads").await, "reloaded\n");
    assert!(web.is_running());
    assert_eq!(notifier.examine().await, []);
}

#[tokio::test]
async fn every_process_of_a_name_reloads() {
    let (scene, other) = (Scene::new(), Scene::new());
    let name = &unique("everyone");
    let _web = Started::script(name, RELOADING, scene.directory.path());
    let _other = Started::script(&format!("/opt/{name}"), RELOADING, other.directory.path());
    scene.awaited("web.pid").await;
    other.awaited("web.pid").await;

    named(&scene, name).notify(&unhurried(), &promoted()).await.unwrap();

    assert_eq!(scene.awaited("reloads").await, "reloaded\n");
    assert_eq!(other.awaited("reloads").await, "reloaded\n");
}

#[tokio::test]
async fn one_deaf_process_of_a_name_keeps_the_signal_from_all() {
    let scene = Scene::new();
    let name = &unique("one-deaf");
    let mut web = Started::script(name, RELOADING, scene.directory.path());
    scene.awaited("web.pid").await;
    let mut deaf = Started::script(name, "while :; do sleep 0.1; done", scene.directory.path());
    eventually("its name", || {
        let line = std::fs::read(format!("/proc/{}/cmdline", deaf.id())).ok()?;
        line.starts_with(name.as_bytes()).then_some(())
    })
    .await;

    assert_eq!(refused(&named(&scene, name)).await.kind, ErrorKind::Unavailable);

    assert!(web.is_running() && deaf.is_running());
    assert_eq!(scene.read("reloads"), None);
}

#[tokio::test]
async fn no_process_of_the_name_is_an_error() {
    let error = refused(&named(&Scene::new(), "keywheel-test-nobody")).await;
    assert_eq!(error.kind, ErrorKind::NotFound);
    assert!(error.to_string().contains("no process named keywheel-test-nobody is running"), "{error}");
}

#[tokio::test]
async fn a_stale_pid_file_is_an_error_that_names_file_and_process() {
    let scene = Scene::new();
    let number = spent_number();
    scene.write("web.pid", &format!("{number}\n"));

    let error = refused(&in_pid_file(&scene, None, SignalName::Hup)).await;

    assert_eq!(error.kind, ErrorKind::NotFound);
    let expected =
        format!("pid file {} names process {number}, which is not running", scene.path("web.pid").display());
    assert!(error.to_string().contains(&expected), "{error}");
}

#[tokio::test]
async fn a_process_that_exited_but_was_not_waited_for_is_gone() {
    let scene = Scene::new();
    let dead = Started(Command::new("true").spawn().unwrap());
    eventually("a zombie", || (state(&dead.id().to_string()) == Some('Z')).then_some(())).await;
    scene.write("web.pid", &dead.id().to_string());

    // SIGTERM, because a process that is gone has no handlers either.
    assert_eq!(refused(&in_pid_file(&scene, None, SignalName::Term)).await.kind, ErrorKind::NotFound);
}

#[tokio::test]
async fn a_missing_pid_file_is_an_error() {
    let error = refused(&in_pid_file(&Scene::new(), None, SignalName::Hup)).await;
    assert_eq!(error.kind, ErrorKind::NotFound);
    assert!(error.to_string().contains("does not exist"), "{error}");
}

#[tokio::test]
async fn a_number_that_went_to_a_process_of_another_name_gets_no_signal() {
    let scene = Scene::new();
    let mut stranger = Started::script("web", RELOADING, scene.directory.path());
    scene.awaited("web.pid").await;

    let error = refused(&in_pid_file(&scene, Some("nginx"), SignalName::Hup)).await;

    assert_eq!(error.kind, ErrorKind::NotFound);
    assert!(error.to_string().contains("which is sh and not nginx"), "{error}");
    assert!(stranger.is_running());
    assert_eq!(scene.read("reloads"), None);
}

#[tokio::test]
async fn a_process_younger_than_its_pid_file_gets_no_signal() {
    let scene = Scene::new();
    let _stranger = Started::script("web", RELOADING, scene.directory.path());
    scene.awaited("web.pid").await;
    let file = std::fs::File::options().append(true).open(scene.path("web.pid")).unwrap();
    file.set_modified(SystemTime::UNIX_EPOCH + Duration::from_hours(24)).unwrap();

    let error = refused(&in_pid_file(&scene, Some("sh"), SignalName::Hup)).await;

    assert_eq!(error.kind, ErrorKind::NotFound);
    assert!(error.to_string().contains("is older than process"), "{error}");
    assert_eq!(scene.read("reloads"), None);
}

#[rstest]
#[case::no_handler(DEAF, "would end it")]
#[case::ignored(IGNORING, "would tell it nothing")]
#[tokio::test]
async fn a_process_that_does_not_handle_the_signal_is_spared(#[case] script: &str, #[case] words: &str) {
    let scene = Scene::new();
    let mut web = Started::script("web", script, scene.directory.path());
    scene.awaited("web.pid").await;
    eventually("sleep", || {
        std::fs::read_to_string(format!("/proc/{}/comm", web.id())).ok().filter(|comm| comm == "sleep\n")
    })
    .await;

    let error = refused(&in_pid_file(&scene, None, SignalName::Hup)).await;

    assert_eq!(error.kind, ErrorKind::Unavailable);
    assert!(error.to_string().contains(words), "{error}");
    assert!(web.is_running());
}

#[tokio::test]
async fn sigterm_ends_a_process_without_a_handler() {
    let scene = Scene::new();
    let mut web = Started::script("web", DEAF, scene.directory.path());
    scene.awaited("web.pid").await;

    in_pid_file(&scene, None, SignalName::Term).notify(&unhurried(), &promoted()).await.unwrap();

    assert_eq!(web.0.wait().unwrap().signal(), Some(15));
}

#[tokio::test]
async fn a_named_pipe_in_place_of_the_pid_file_holds_nothing_up() {
    let scene = Scene::new();
    assert!(Command::new("mkfifo").arg(scene.path("web.pid")).status().unwrap().success());
    let error = refused(&in_pid_file(&scene, None, SignalName::Hup)).await;
    assert!(error.to_string().contains("web.pid"), "{error}");
}

#[tokio::test]
async fn doctor_calls_a_missing_consumer_an_error() {
    let findings = in_pid_file(&Scene::new(), None, SignalName::Hup).examine().await;
    assert_eq!(findings.iter().map(|finding| finding.severity).collect::<Vec<_>>(), [Severity::Error]);
}
