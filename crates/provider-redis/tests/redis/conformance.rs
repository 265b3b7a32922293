//! The contract of rotators, for each way of using a server.

use std::sync::Arc;

use keywheel_core::{Identity, SecretValue, provider::Target};
use keywheel_testkit::conformance::RotatorFixture;
use keywheel_testservers::{Proxy, RedisUsers, Weather};
use serde_json::json;

use crate::scene::{OLD, Scene, with_app};

fn fixture(strategy: &str, login: bool, users_in: RedisUsers) -> RotatorFixture {
    let server = Arc::new(with_app(users_in));
    let proxy = Arc::new(Proxy::to(server.port()));
    let scene = if login { Scene::new(proxy.port()) } else { Scene::without_login(proxy.port()) };
    if !login {
        let granted = server.command(&["ACL", "SETUSER", "app", "+@all"]);
        assert_eq!(granted, "OK");
    }
    let scene = scene.with("strategy", json!(strategy));
    let app = Identity::from("app");
    let rotator = scene.target().rotator(Some(&app));
    let looks = Arc::clone(&server);
    RotatorFixture::new(rotator, Some(app), SecretValue::copy_from(OLD.as_bytes()))
        .state_from(move || {
            let users = looks.command(&["ACL", "LIST"]);
            Box::pin(async { users })
        })
        .network_by(move |on| {
            proxy.set(if on { Weather::Fair } else { Weather::Cut });
            Box::pin(async {})
        })
        .keeping((server, scene))
}

keywheel_testkit::rotator_conformance!(overlap, || async { fixture("overlap", true, RedisUsers::AclFile) });
keywheel_testkit::rotator_conformance!(in_place, || async { fixture("in-place", true, RedisUsers::AclFile) });
keywheel_testkit::rotator_conformance!(overlap_by_the_user_itself, || async {
    fixture("overlap", false, RedisUsers::ConfigFile)
});
keywheel_testkit::rotator_conformance!(in_place_by_the_user_itself, || async {
    fixture("in-place", false, RedisUsers::ConfigFile)
});
