//! A store over the fake.

use keywheel_testservers::vault::Fake;

#[path = "../common/scene.rs"]
mod common;

pub(crate) use common::*;

/// With the root's token.
pub(crate) fn on(fake: &Fake) -> Scene {
    Scene::with(Fake::ROOT, &with_token(&fake.url(), ""))
}
