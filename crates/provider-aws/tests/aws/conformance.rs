//! The contract of stores.

use keywheel_testkit::conformance::SecretFixture;
use keywheel_testservers::Moto;

use crate::scene::{Eye, Scene, fresh};

fn fixture(settings: &'static str) -> SecretFixture {
    let (server, name) = (Moto::shared(), fresh());
    let port = server.port();
    let (scene, eye) = (Scene::with(port, settings), Eye::at(port));
    let (opened, seen) = (name.clone(), name.clone());
    SecretFixture::new(scene.secret(&name))
        .reopened_by(move || Scene::with(port, settings).secret(&opened))
        .seen_by_consumers(move || {
            let (eye, name) = (eye.clone(), seen.clone());
            Box::pin(async move { eye.consumers_see(&name).await })
        })
        .keeping(server)
}

keywheel_testkit::secret_conformance!(text_where_it_is_text, || async { fixture("") });
keywheel_testkit::secret_conformance!(bytes_always, || async { fixture("binary: true\n") });
