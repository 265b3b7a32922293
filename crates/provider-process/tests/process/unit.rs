//! Units of systemd. systemd does not run where these tests do: a stand-in for `systemctl`, named by the settings, writes
//! down what it was called with. What the real one does with it is not shown here.

use keywheel_core::{Effect, ErrorKind, provider::Severity};
use keywheel_provider_process::SignalSettings;
use rstest::rstest;
use serde_json::json;

use crate::{
    program::stand_in,
    scene::{Scene, promoted, unhurried},
};

/// `is-active` exits with what the file `active` says, `show` prints the file `reloadable`, everything else exits with
/// what the file `acts` says.
const SYSTEMCTL: &str = "#!/bin/sh
echo \"$@\" >> calls
case \"$*\" in
  *is-active*) exit $(cat active) ;;
  *show*) cat reloadable ;;
  *) echo a secret may be printed here; exit $(cat acts) ;;
esac
";

fn scene() -> Scene {
    let scene = Scene::new();
    stand_in(&scene, "systemctl", SYSTEMCTL);
    scene.write("active", "0");
    scene.write("acts", "0");
    scene.write("reloadable", "yes\n");
    scene
}

fn notifier(
    scene: &Scene,
    more: &serde_json::Value,
) -> std::sync::Arc<dyn keywheel_core::notifier::Notifier> {
    let mut settings =
        json!({"unit": "web.service", "systemctl": "./systemctl", "evidence": {"trust": "a test"}});
    settings.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let settings: SignalSettings = serde_json::from_value(settings).unwrap();
    let consumer = settings.resolve(&scene.surroundings).unwrap();
    keywheel_core::provider::Consumer::notifier(&consumer)
}

#[rstest]
#[case::reload(json!({}), "reload")]
#[case::restart(json!({"action": "restart"}), "try-restart")]
#[case::signal(json!({"action": "signal", "signal": "SIGUSR1"}), "kill --kill-whom=main --signal=SIGUSR1")]
#[tokio::test]
async fn a_unit_is_told_once_it_is_known_to_run(#[case] settings: serde_json::Value, #[case] expected: &str) {
    let scene = scene();
    let notifier = notifier(&scene, &settings);
    assert!(notifier.tells_everything());
    notifier.notify(&unhurried(), &promoted()).await.unwrap();
    let calls = scene.read("calls").unwrap();
    let expected = format!(
        "--no-ask-password is-active --quiet -- web.service\n--no-ask-password {expected} -- web.service\n"
    );
    assert_eq!(calls, expected);
}

#[rstest]
#[case::inactive("3")]
#[case::unknown("4")]
#[tokio::test]
async fn a_unit_that_does_not_run_is_not_found(#[case] status: &str) {
    let scene = scene();
    scene.write("active", status);
    let error =
        notifier(&scene, &json!({"action": "restart"})).notify(&unhurried(), &promoted()).await.unwrap_err();
    assert_eq!((error.kind, error.effect), (ErrorKind::NotFound, Effect::NotApplied), "{error}");
    assert!(!scene.read("calls").unwrap().contains("try-restart"));
}

#[tokio::test]
async fn a_refusal_may_have_been_applied_and_is_not_quoted() {
    let scene = scene();
    scene.write("acts", "1");
    let error = notifier(&scene, &json!({})).notify(&unhurried(), &promoted()).await.unwrap_err();
    assert_eq!((error.kind, error.effect), (ErrorKind::Rejected, Effect::MaybeApplied), "{error}");
    assert!(!error.to_string().contains("a secret"), "{error}");
}

#[tokio::test]
async fn doctor_says_that_a_unit_is_down_or_cannot_be_reloaded_and_tells_nobody() {
    let scene = scene();
    assert_eq!(notifier(&scene, &json!({})).examine().await, []);
    scene.write("active", "3");
    scene.write("reloadable", "no\n");
    let findings = notifier(&scene, &json!({})).examine().await;
    assert!(findings[0].message.contains("not active"), "{findings:?}");
    assert_eq!(findings[0].severity, Severity::Warning);
    assert!(findings[1].message.contains("cannot be reloaded"), "{findings:?}");
    assert!(
        scene.read("calls").unwrap().lines().all(|call| call.contains("is-active") || call.contains("show"))
    );
    let missing = notifier(&scene, &json!({"systemctl": "./nothing"})).examine().await;
    assert_eq!(missing[0].severity, Severity::Error, "{missing:?}");
}

#[rstest]
#[case::pattern(json!({"unit": "web*"}), "unit")]
#[case::option(json!({"unit": "--all"}), "unit")]
#[case::both(json!({"unit": "web", "process": "web"}), "unit")]
#[case::action_alone(json!({"process": "web", "action": "reload"}), "action")]
fn a_mistake_is_reported(#[case] settings: serde_json::Value, #[case] field: &str) {
    let mut settings = settings;
    settings.as_object_mut().unwrap().insert("evidence".to_owned(), json!({"trust": "a test"}));
    let settings: SignalSettings = serde_json::from_value(settings).unwrap();
    let mistakes = settings.resolve(&Scene::new().surroundings).err().unwrap();
    assert_eq!(mistakes.iter().map(|mistake| &*mistake.field).collect::<Vec<_>>(), [field]);
}
