//! The contract of rotators, for each strategy. The server is shared by the tests of a process; each case has a user of its own.

use std::sync::Arc;

use keywheel_core::{Identity, provider::Target};
use keywheel_testkit::conformance::RotatorFixture;
use keywheel_testservers::{Proxy, Rabbitmq, Weather};
use serde_json::json;

use crate::scene::{Eye, OLD, Scene, fresh, value};

async fn fixture(strategy: &str) -> RotatorFixture {
    let server = Rabbitmq::shared();
    let eye = Eye::on(&server);
    let name = fresh("app");
    eye.make(&name).await;
    let proxies = [server.port(), server.amqp_port()].map(|port| Arc::new(Proxy::to(port)));
    let scene = Scene::at(proxies[0].port(), proxies[1].port()).with("strategy", json!(strategy));
    let app = Identity::from(name.as_str());
    let rotator = scene.target().rotator(Some(&app));
    RotatorFixture::new(rotator, Some(app), value(OLD))
        .state_from(move || {
            let (eye, name) = (eye.clone(), name.clone());
            Box::pin(async move { eye.state_of(&name).await })
        })
        .network_by(move |on| {
            for proxy in &proxies {
                proxy.set(if on { Weather::Fair } else { Weather::Cut });
            }
            Box::pin(async {})
        })
        .keeping((server, scene))
}

keywheel_testkit::rotator_conformance!(alternating, || async { fixture("alternating").await });
keywheel_testkit::rotator_conformance!(in_place, || async { fixture("in-place").await });
