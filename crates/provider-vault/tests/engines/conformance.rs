//! The contract of rotators.

use keywheel_testkit::conformance::RotatorFixture;

use crate::scene::{Ground, value};

fn role() -> RotatorFixture {
    let ground = Ground::start();
    let (rotator, old) = (ground.static_role("app"), ground.password());
    let look = {
        let (bao, path) = (ground.bao.clone(), format!("{}/static-creds/app", ground.database));
        move || {
            // The seconds until the server rotates by itself are no part of its state.
            let mut creds = bao.read(&path).unwrap();
            creds["ttl"].take();
            Box::pin(async move { creds.to_string() }) as _
        }
    };
    RotatorFixture::new(rotator, Some("app-user".into()), value(&old)).state_from(look).keeping(ground)
}

fn key(name: &'static str) -> RotatorFixture {
    let ground = Ground::of_keys();
    let rotator = ground.key(name);
    let look = {
        let (bao, path) = (ground.bao.clone(), format!("{}/keys/{name}", ground.transit));
        move || {
            let shown = bao.read(&path).unwrap();
            Box::pin(async move { shown.to_string() }) as _
        }
    };
    RotatorFixture::new(rotator, None, value("1")).state_from(look).keeping(ground)
}

keywheel_testkit::rotator_conformance!(static_role, || async { role() });
keywheel_testkit::rotator_conformance!(encrypting_key, || async { key("orders") });
keywheel_testkit::rotator_conformance!(signing_key, || async { key("signing") });
keywheel_testkit::rotator_conformance!(hmac_key, || async { key("tags") });
