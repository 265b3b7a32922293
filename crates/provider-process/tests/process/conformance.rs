//! The suite for notifiers, over a command and over a signal to a real process. Both show what they use in a file.

use std::sync::{Arc, Mutex};

use keywheel_core::{Clock as _, Fingerprinter, notifier::Notifier};
use keywheel_provider_process::{
    CommandLine, CommandNotifier, Evidence, FileEvidence, HandOver, InventoryPath, SignalName,
    SignalNotifier, SignalTarget,
};
use keywheel_testkit::declared::StandingClock;
use keywheel_testkit::{conformance::NotifierFixture, notifier_conformance};

use crate::{process::Started, scene::Scene};

/// What a workload does when it reloads: it takes up the value, and shows its fingerprint.
const RELOAD: &str = "sha256sum < value | cut -c1-16 > seen.new && mv seen.new seen";

/// `notifier` tells a workload that reads `value` and shows `seen`; `stop` ends it.
fn fixture(
    scene: Scene,
    notifier: Arc<dyn Notifier>,
    stop: impl Fn() + Send + Sync + 'static,
) -> NotifierFixture {
    let (value, seen) = (scene.path("value"), scene.path("seen"));
    NotifierFixture::new(notifier, Fingerprinter::plain(), move |new| {
        std::fs::write(&value, new.expose_secret()).unwrap();
        Box::pin(async {})
    })
    .stopped_by(move || {
        stop();
        Box::pin(async {})
    })
    .state_from(move || {
        let state = std::fs::read_to_string(&seen).unwrap_or_default();
        Box::pin(async move { state })
    })
    .waiting_by(|duration| Box::pin(async move { StandingClock.sleep(duration).await }))
    .keeping(scene)
}

fn evidence(scene: &Scene) -> Evidence {
    Evidence::File(FileEvidence::new(InventoryPath::new(scene.directory.path(), "seen"), None))
}

/// A workload that uses the first value.
fn workload() -> Scene {
    let scene = Scene::new();
    std::fs::write(scene.path("value"), NotifierFixture::first_value().expose_secret()).unwrap();
    let status =
        std::process::Command::new("sh").args(["-c", RELOAD]).current_dir(scene.directory.path()).status();
    assert!(status.unwrap().success());
    scene
}

fn by_command() -> NotifierFixture {
    let scene = workload();
    let words = ["sh", "-c", &format!("test ! -e gone && {RELOAD}")].map(str::to_owned).to_vec();
    let line = CommandLine::new("command", words, &scene.surroundings).unwrap();
    let notifier = CommandNotifier::new(line, evidence(&scene), Arc::clone(&scene.surroundings.clock));
    let gone = scene.path("gone");
    fixture(scene, Arc::new(notifier), move || std::fs::write(&gone, "").unwrap())
}

/// A workload that reads nothing: it shows, and uses, what it is handed.
fn by_hand(hand_over: HandOver, reads: &str) -> NotifierFixture {
    let scene = workload();
    let script = format!(
        "test ! -e gone && {reads} > has && sha256sum < has | cut -c1-16 > seen.new && mv seen.new seen"
    );
    let line =
        CommandLine::new("command", ["sh", "-c", &script].map(str::to_owned).to_vec(), &scene.surroundings);
    let clock = Arc::clone(&scene.surroundings.clock);
    let notifier = CommandNotifier::new(line.unwrap(), evidence(&scene), clock).handing_over(Some(hand_over));
    let (gone, has) = (scene.path("gone"), scene.path("has"));
    fixture(scene, Arc::new(notifier), move || std::fs::write(&gone, "").unwrap()).handed_to(move || {
        let has = std::fs::read(&has).ok();
        Box::pin(async move { has })
    })
}

async fn by_signal() -> NotifierFixture {
    let scene = workload();
    let script = format!("trap '{RELOAD}' HUP; echo $$ > web.pid; while :; do sleep 0.05; done");
    let running = Mutex::new(Some(Started::script("web", &script, scene.directory.path())));
    scene.awaited("web.pid").await;
    let path = InventoryPath::new(scene.directory.path(), "web.pid");
    let target = SignalTarget::PidFile { path, process: None };
    let clock = Arc::clone(&scene.surroundings.clock);
    let notifier = SignalNotifier::new(target, SignalName::Hup, evidence(&scene), clock);
    fixture(scene, Arc::new(notifier), move || drop(running.lock().unwrap().take()))
}

notifier_conformance!(command, || async { by_command() });
notifier_conformance!(value_on_stdin, || async { by_hand(HandOver::Stdin, "cat") });
notifier_conformance!(value_in_a_file, || async { by_hand(HandOver::File, "cat \"$KEYWHEEL_VALUE_FILE\"") });
notifier_conformance!(signal, by_signal);
