//! Secrets in Parameter Store.

mod answers;
pub(crate) mod eye;
mod life;
mod network;
mod settings;

use keywheel_testkit::conformance::SecretFixture;
use keywheel_testservers::Moto;

use self::eye::{Eye, fresh};
use crate::scene::Scene;

fn fixture(settings: &'static str) -> SecretFixture {
    let (server, name) = (Moto::shared(), fresh());
    let port = server.port();
    let (scene, eye) = (Scene::parameters(port, settings), Eye::at(port));
    let (opened, seen) = (name.clone(), name.clone());
    SecretFixture::new(scene.secret(&name))
        .reopened_by(move || Scene::parameters(port, settings).secret(&opened))
        .seen_by_consumers(move || {
            let (eye, name) = (eye.clone(), seen.clone());
            Box::pin(async move { eye.consumers_see(&name).await })
        })
        .keeping(server)
}

keywheel_testkit::secret_conformance!(standard, || async { fixture("") });
keywheel_testkit::secret_conformance!(advanced, || async { fixture("tier: advanced\n") });
