//! The old value is proven dead by a login, not by the target's word.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use async_trait::async_trait;
use keywheel_core::{
    CallContext, Identity, Result,
    provider::Finding,
    rotation::{Action, Outcome},
    rotator::{Credential, Probe, Rotator, Strategy},
    secret::Stage,
};
use keywheel_engine::Ended;
use rstest::rstest;

use crate::{
    scene::{OLD, Scene},
    world::{Settings, World},
};

/// A rotator that says yes to every revocation and, while it is deaf, does not carry it out.
struct Deaf {
    inner: Arc<dyn Rotator>,
    deaf: Arc<AtomicBool>,
}

#[async_trait]
impl Rotator for Deaf {
    fn strategy(&self) -> Strategy {
        self.inner.strategy()
    }

    fn next_identity(&self, current: Option<&Identity>) -> Result<Option<Identity>> {
        self.inner.next_identity(current)
    }

    async fn probe(&self, credential: Credential<'_>) -> Result<Probe> {
        self.inner.probe(credential).await
    }

    async fn apply(
        &self,
        context: &CallContext,
        new: Credential<'_>,
        current: Option<Credential<'_>>,
    ) -> Result<()> {
        self.inner.apply(context, new, current).await
    }

    async fn revoke(
        &self,
        context: &CallContext,
        old: Credential<'_>,
        remaining: Option<Credential<'_>>,
    ) -> Result<()> {
        if self.deaf.load(Ordering::Relaxed) {
            return Ok(());
        }
        self.inner.revoke(context, old, remaining).await
    }

    async fn examine(&self) -> Vec<Finding> {
        Vec::new()
    }
}

#[rstest]
#[tokio::test]
async fn an_old_value_that_outlives_its_revocation_parks_the_rotation(
    #[values(Strategy::Overlap, Strategy::Alternating)] strategy: Strategy,
) {
    let deaf = Arc::new(AtomicBool::new(true));
    let heard = Arc::clone(&deaf);
    let wrap = Arc::new(move |inner| Arc::new(Deaf { inner, deaf: Arc::clone(&deaf) }) as Arc<dyn Rotator>);
    let scene = Scene::credential(strategy);
    let settings = Settings { wrap_target: (scene.name, wrap), ..Settings::default() };
    let world = World::with([scene], settings);
    let Ended::Parked { reason, .. } = world.rotate().await else { panic!("the old value is not dead") };
    assert!(reason.contains("a login with it still works"), "{reason}");
    assert!(world.view().accepts(OLD));
    assert_eq!(world.view().primary(Stage::Previous).as_deref(), Some(OLD), "whoever ends it needs it");
    assert!(!world.began(|action| matches!(action, Action::Retire(_))));
    heard.store(false, Ordering::Relaxed);
    let report = world.engine().go_on(&world.name()).await.unwrap();
    assert_eq!(report.ended, Ended::Finished { outcome: Outcome::Succeeded, reason: None });
    world.assert_right_at_the_end().await;
}
