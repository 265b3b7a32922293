//! The old value is proven dead by a login, not by the target's word.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use async_trait::async_trait;
use keywheel_core::{
    CallContext, Identity, Result,
    inventory::ProvidedFrom,
    provider::Finding,
    rotation::{Action, Outcome, Source},
    rotator::{Credential, Probe, Rotator, Strategy},
    secret::Stage,
};
use keywheel_engine::Ended;
use rstest::rstest;

use crate::{
    scene::{HOUR, OLD, Scene},
    world::{Settings, World},
};

/// What a rotator says yes to without doing it.
#[derive(Clone, Copy, PartialEq)]
enum Ignored {
    Apply,
    Revoke,
    /// Whoever logs in is refused.
    Login,
}

/// A rotator that says yes to every change and, while it is deaf, does not carry out one kind of call.
struct Deaf {
    inner: Arc<dyn Rotator>,
    ignored: Ignored,
    turned_off: Arc<AtomicBool>,
}

impl Deaf {
    fn ignores(&self, call: Ignored) -> bool {
        self.ignored == call && self.turned_off.load(Ordering::Relaxed)
    }
}

/// A world whose target ignores such calls while the flag is set.
fn world(scene: Scene, ignored: Ignored, deaf: &Arc<AtomicBool>) -> World {
    let deaf = Arc::clone(deaf);
    let wrap = Arc::new(move |inner| {
        Arc::new(Deaf { inner, ignored, turned_off: Arc::clone(&deaf) }) as Arc<dyn Rotator>
    });
    let settings = Settings { wrap_target: (scene.name, wrap), ..Settings::default() };
    World::with([scene], settings)
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
        if self.ignores(Ignored::Login) {
            return Ok(Probe::Rejected);
        }
        self.inner.probe(credential).await
    }

    async fn apply(
        &self,
        context: &CallContext,
        new: Credential<'_>,
        current: Option<Credential<'_>>,
    ) -> Result<()> {
        if self.ignores(Ignored::Apply) {
            return Ok(());
        }
        self.inner.apply(context, new, current).await
    }

    async fn revoke(
        &self,
        context: &CallContext,
        old: Credential<'_>,
        remaining: Option<Credential<'_>>,
    ) -> Result<()> {
        if self.ignores(Ignored::Revoke) {
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
    let world = world(Scene::credential(strategy), Ignored::Revoke, &deaf);
    let Ended::Parked { reason, .. } = world.rotate().await else { panic!("the old value is not dead") };
    assert!(reason.contains("a login with it still works"), "{reason}");
    assert!(world.view().accepts(OLD));
    assert_eq!(world.view().primary(Stage::Previous).as_deref(), Some(OLD), "whoever ends it needs it");
    assert!(!world.began(|action| matches!(action, Action::Retire(_))));
    deaf.store(false, Ordering::Relaxed);
    let report = world.engine().go_on(&world.name()).await.unwrap();
    assert_eq!(report.ended, Ended::Finished { outcome: Outcome::Succeeded, reason: None });
    world.assert_right_at_the_end().await;
}

#[tokio::test]
async fn an_old_value_that_was_not_put_back_parks_the_way_back() {
    let deaf = Arc::new(AtomicBool::new(false));
    let scene = Scene::credential(Strategy::InPlace).overlapping(HOUR);
    let world = world(scene, Ignored::Apply, &deaf);
    assert!(matches!(world.rotate().await, Ended::Waiting { .. }));
    let new = world.view().primary(Stage::Current).expect("a current value");
    deaf.store(true, Ordering::Relaxed);
    let report = world.engine().roll_back(&world.name(), "the application misbehaves").await.unwrap();
    let Ended::Parked { reason, .. } = report.ended else { panic!("{report:?}") };
    assert!(reason.contains("refuses a login with it"), "{reason}");
    assert_eq!(world.view().primary(Stage::Current), Some(new.clone()), "stores and target still agree");
    assert!(world.view().accepts(&new));
    deaf.store(false, Ordering::Relaxed);
    let report = world.engine().go_on(&world.name()).await.unwrap();
    assert!(matches!(report.ended, Ended::Finished { outcome: Outcome::RolledBack, .. }), "{report:?}");
    world.assert_right_at_the_end().await;
}

#[rstest]
#[tokio::test]
async fn the_old_value_is_left_alone_while_the_target_refuses_the_new_one(
    #[values(Strategy::Overlap, Strategy::Alternating)] strategy: Strategy,
) {
    let forgets = Arc::new(AtomicBool::new(false));
    let world = world(Scene::credential(strategy).overlapping(HOUR), Ignored::Login, &forgets);
    assert!(matches!(world.rotate().await, Ended::Waiting { .. }));
    forgets.store(true, Ordering::Relaxed);
    let report = world.engine().retire(&world.name(), "enough").await.unwrap();
    let Ended::Parked { reason, .. } = report.ended else { panic!("{report:?}") };
    assert!(reason.contains("the old one is left alone"), "{reason}");
    assert!(world.view().accepts(OLD));
    forgets.store(false, Ordering::Relaxed);
    let report = world.engine().go_on(&world.name()).await.unwrap();
    assert_eq!(report.ended, Ended::Finished { outcome: Outcome::Succeeded, reason: None });
    world.assert_right_at_the_end().await;
}

#[tokio::test]
async fn a_value_that_was_current_already_and_is_provided_again_for_a_store_that_lacks_it_is_not_ended() {
    let mut world = World::of(Scene::credential(Strategy::Overlap).in_stores(2));
    world.entry(0).source = Source::Provided;
    world.entry(0).provided_from = Some(Box::new(ProvidedFrom::File("value".into())));
    world.files.0.lock().unwrap().insert("value".into(), OLD.to_vec());
    world.view().secrets[1].overwrite(b"what-an-editor-wrote");
    world.rotate().await;
    world.clock.advance(HOUR);
    world.run_due().await;
    assert!(world.view().accepts(OLD), "it is in use");
    assert_eq!(world.view().current(), vec![Some(OLD.to_vec()); 2]);
    assert_eq!(world.history().unwrap().outcome, Some(Outcome::Succeeded));
}
