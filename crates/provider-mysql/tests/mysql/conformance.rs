//! The contract, against `MariaDB`.

use std::sync::Arc;

use keywheel_core::SecretValue;
use keywheel_testkit::conformance::RotatorFixture;
use keywheel_testservers::Weather;

use crate::scene::{OLD, Scene, state};

fn fixture(scene: Scene, settings: &str) -> RotatorFixture {
    let rotator = scene.target(settings).rotator(Some(&"app".into()));
    let scene = Arc::new(scene);
    let (looked_at, cut) = (scene.clone(), scene.clone());
    RotatorFixture::new(rotator, Some("app".into()), SecretValue::copy_from(OLD.as_bytes()))
        .state_from(move || {
            let scene = looked_at.clone();
            Box::pin(async move { state(&scene.server) })
        })
        .network_by(move |on| {
            cut.proxy.set(if on { Weather::Fair } else { Weather::Cut });
            Box::pin(async {})
        })
        .keeping(scene)
}

fn with_admin(strategy: &str) -> RotatorFixture {
    let scene = Scene::new();
    let settings = scene.settings(&format!("strategy: {strategy}"));
    fixture(scene, &settings)
}

keywheel_testkit::rotator_conformance!(in_place, || async { with_admin("in-place") });
keywheel_testkit::rotator_conformance!(alternating, || async { with_admin("alternating") });
keywheel_testkit::rotator_conformance!(in_place_by_itself, || async {
    let scene = Scene::new();
    let settings = scene.settings_without_login("");
    fixture(scene, &settings)
});
