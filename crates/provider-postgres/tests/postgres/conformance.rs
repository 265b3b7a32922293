//! The suite for rotators, over each way of changing a password.

use std::sync::Arc;

use keywheel_core::SecretValue;
use keywheel_testkit::{conformance::RotatorFixture, rotator_conformance};
use keywheel_testservers::{Postgres, Proxy, Weather};

use crate::scene::Scene;

const PASSWORD: &str = "the first one";

/// Roles and what they may, but for their salted passwords: the same password has another verifier each time.
const STATE: &str = "SELECT rolname, rolcanlogin, rolconnlimit, rolvaliduntil, rolpassword IS NULL FROM pg_authid ORDER BY 1;\n\
                     SELECT roleid::regrole, member::regrole FROM pg_auth_members ORDER BY 1, 2;\n\
                     SELECT setdatabase, setrole::regrole, setconfig FROM pg_db_role_setting ORDER BY 1, 2;\n";

fn fixture(rotator: impl FnOnce(&Scene, u16) -> Arc<dyn keywheel_core::rotator::Rotator>) -> RotatorFixture {
    let server = Arc::new(
        Postgres::prepare()
            .sql(&format!("CREATE ROLE app LOGIN PASSWORD '{PASSWORD}'; ALTER ROLE app SET work_mem = '8MB'"))
            .start(),
    );
    let proxy = Arc::new(Proxy::to(server.port()));
    let scene = Scene::new();
    let rotator = rotator(&scene, proxy.port());
    let (looked_at, switched) = (Arc::clone(&server), Arc::clone(&proxy));
    RotatorFixture::new(rotator, Some("app".into()), SecretValue::copy_from(PASSWORD.as_bytes()))
        .state_from(move || {
            let state = looked_at.sql(STATE);
            Box::pin(async move { state })
        })
        .network_by(move |on| {
            switched.set(if on { Weather::Fair } else { Weather::Cut });
            Box::pin(async {})
        })
        .keeping((scene, server, proxy))
}

rotator_conformance!(in_place, || async { fixture(|scene, port| scene.rotator(port, "in-place", "app")) });
rotator_conformance!(by_itself, || async { fixture(|scene, port| scene.own(port, "app")) });
rotator_conformance!(alternating, || async {
    fixture(|scene, port| scene.rotator(port, "alternating", "app"))
});
