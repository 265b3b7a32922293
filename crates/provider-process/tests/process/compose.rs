//! Services of Docker Compose. Docker is not there where these tests run: a stand-in for `docker`, named by the settings,
//! writes down what it was called with. What the real one does with it is not shown here.

use std::sync::Arc;

use keywheel_core::{
    Effect, ErrorKind,
    notifier::Notifier,
    provider::{Consumer, Severity},
};
use keywheel_provider_process::ComposeSettings;
use rstest::rstest;
use serde_json::{Value, json};

use crate::{
    program::stand_in,
    scene::{Scene, promoted, unhurried},
};

const DOCKER: &str = "#!/bin/sh
echo \"$@\" >> calls
case \"$*\" in
  'compose version') exit $(cat plugin) ;;
  *) exit $(cat acts) ;;
esac
";

fn scene() -> Scene {
    let scene = Scene::new();
    stand_in(&scene, "docker", DOCKER);
    scene.write("compose.yaml", "services: {}\n");
    scene.write("plugin", "0");
    scene.write("acts", "0");
    scene
}

fn settings(more: &Value) -> ComposeSettings {
    let mut settings = json!({
        "file": "compose.yaml", "services": ["web", "worker"], "docker": "./docker", "evidence": {"trust": "a test"}
    });
    settings.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    serde_json::from_value(settings).unwrap()
}

fn notifier(scene: &Scene, more: &Value) -> Arc<dyn Notifier> {
    settings(more).resolve(&scene.surroundings).unwrap().notifier()
}

#[tokio::test]
async fn the_services_are_made_anew_and_what_they_depend_on_is_left_alone() {
    let scene = scene();
    notifier(&scene, &json!({"project": "shop"})).notify(&unhurried(), &promoted()).await.unwrap();
    assert_eq!(
        scene.read("calls").unwrap(),
        "compose -f compose.yaml -p shop up --detach --force-recreate --no-deps web worker\n"
    );
    assert!(notifier(&scene, &json!({})).tells_everything());
}

#[tokio::test]
async fn a_failure_may_have_been_applied_and_a_missing_program_or_file_is_not() {
    let scene = scene();
    scene.write("acts", "1");
    let error = notifier(&scene, &json!({})).notify(&unhurried(), &promoted()).await.unwrap_err();
    assert_eq!((error.kind, error.effect), (ErrorKind::Rejected, Effect::MaybeApplied), "{error}");
    for missing in [json!({"docker": "./nothing"}), json!({"file": "nothing.yaml"})] {
        let error = notifier(&scene, &missing).notify(&unhurried(), &promoted()).await.unwrap_err();
        assert_eq!((error.kind, error.effect), (ErrorKind::InvalidConfig, Effect::NotApplied), "{error}");
    }
}

#[tokio::test]
async fn doctor_reports_a_missing_docker_plugin_and_file() {
    let scene = scene();
    assert_eq!(notifier(&scene, &json!({})).examine().await, []);
    assert_eq!(scene.read("calls").unwrap(), "compose version\n");
    let findings = notifier(&scene, &json!({"docker": "./nothing", "file": "nothing.yaml"})).examine().await;
    assert!(findings.iter().all(|finding| finding.severity == Severity::Error), "{findings:?}");
    assert!(findings[0].message.contains("no program"), "{findings:?}");
    assert!(findings[1].message.contains("no compose file"), "{findings:?}");
    scene.write("plugin", "1");
    let findings = notifier(&scene, &json!({})).examine().await;
    assert!(findings[0].hint.as_ref().unwrap().contains("plugin"), "{findings:?}");
}

#[rstest]
#[case::no_file(json!({"file": ""}), "file")]
#[case::no_services(json!({"services": []}), "services")]
#[case::option(json!({"services": ["--all"]}), "services")]
#[case::project(json!({"project": "-p"}), "project")]
#[case::no_evidence(json!({"evidence": null}), "evidence")]
fn a_mistake_is_reported(#[case] more: Value, #[case] field: &str) {
    let mistakes = settings(&more).resolve(&Scene::new().surroundings).err().unwrap();
    assert_eq!(mistakes.iter().map(|mistake| &*mistake.field).collect::<Vec<_>>(), [field]);
}
