//! Access keys of IAM users.

mod answers;
mod ground;
mod life;
pub(crate) mod query;

use keywheel_core::SecretValue;
use keywheel_testkit::conformance::RotatorFixture;
use keywheel_testservers::{Proxy, Weather};

use self::ground::Ground;

async fn fixture() -> RotatorFixture {
    let ground = Ground::shared().await;
    let (user, id, secret) = ground.user().await;
    let proxy = std::sync::Arc::new(Proxy::to(ground.port()));
    let rotator = ground.rotator_through(proxy.port(), &user, "").unwrap();
    let (state, network) = (ground.clone(), std::sync::Arc::clone(&proxy));
    RotatorFixture::new(rotator, Some(id.as_str().into()), SecretValue::from_vec(secret.into_bytes()))
        .state_from(move || {
            let (ground, user) = (state.clone(), user.clone());
            Box::pin(async move { format!("{:?}", ground.keys(&user).await) })
        })
        .network_by(move |on| {
            network.set(if on { Weather::Fair } else { Weather::Cut });
            Box::pin(async {})
        })
        .keeping((ground, proxy))
}

keywheel_testkit::rotator_conformance!(access_keys, fixture);
