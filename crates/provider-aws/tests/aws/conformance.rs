//! The contract of stores.

use keywheel_testkit::conformance::SecretFixture;
use keywheel_testservers::Moto;

use crate::scene::{Eye, NAME, Scene};

fn fixture(settings: &str) -> SecretFixture {
    let server = Moto::start();
    let port = server.port();
    let (scene, eye) = (Scene::with(port, settings), Eye::at(port));
    let settings = settings.to_owned();
    SecretFixture::new(scene.secret(NAME))
        .reopened_by(move || Scene::with(port, &settings).secret(NAME))
        .seen_by_consumers(move || {
            let eye = eye.clone();
            Box::pin(async move { eye.consumers_see(NAME).await })
        })
        .keeping((server, scene))
}

keywheel_testkit::secret_conformance!(text_where_it_is_text, || async { fixture("") });
keywheel_testkit::secret_conformance!(bytes_always, || async { fixture("binary: true\n") });
