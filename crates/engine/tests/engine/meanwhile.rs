//! Somebody else changes the current version while a rotation is on its way. The engine looks before the target hears of
//! anything and before it promotes; the store's own check-and-set would say no later, and to nobody in particular.

use std::sync::{Arc, Mutex};

use futures::future::BoxFuture;
use keywheel_core::{
    CallContext, Fence, Identity, RotationId, SecretValue,
    rotation::{Action, Outcome},
    rotator::{Credential, Rotator, Strategy},
    secret::{Secret, Stage},
};
use keywheel_engine::Ended;
use rstest::rstest;

use crate::{
    parts::{Hook, Hooked},
    scene::Scene,
    view::View,
    world::{Settings, World},
};

const THEIRS: &[u8] = b"their-value";

/// What somebody does, once.
type Deed = Arc<Mutex<Option<BoxFuture<'static, ()>>>>;

/// A world in which the deed is done when `stage` has looked at the store, and has not put its value there yet.
fn world(scene: Scene) -> (World, Deed) {
    let deed = Deed::default();
    let waiting = Arc::clone(&deed);
    let hook: Hook = Arc::new(move |call| {
        let deed =
            (call == "stage").then(|| waiting.lock().expect("nobody panicked with it").take()).flatten();
        Box::pin(async move {
            if let Some(deed) = deed {
                deed.await;
            }
            Ok(Box::new(()) as Box<_>)
        })
    });
    let wrap = Arc::new(move |inner| Arc::new(Hooked { inner, hook: Arc::clone(&hook) }) as Arc<dyn Secret>);
    let settings = Settings { wrap_store: (0, wrap), ..Settings::default() };
    (World::with([scene], settings), deed)
}

/// A rotation of another installation up to its overlap: with a journal of its own, and faster than ours.
async fn rotated_by_another(view: View, context: CallContext) {
    let secret = &view.secrets[0];
    let old = secret.versions().await.unwrap().at(Stage::Current).unwrap().id.clone();
    let value = SecretValue::copy_from(THEIRS);
    let new = secret.stage(&context, &value, None).await.unwrap();
    if let Some(target) = &view.target {
        let user = Identity::from("app");
        let new = Credential { identity: Some(&user), value: &value };
        target.open().apply(&context, new, None).await.unwrap();
    }
    secret.promote(&context, &new.id, Some(&old)).await.unwrap();
}

#[track_caller]
fn assert_theirs_stands(world: &World) {
    assert_eq!(world.view().primary(Stage::Current).as_deref(), Some(THEIRS));
    assert!(world.view().accepts(THEIRS));
    let told = world.faults.calls().iter().filter(|call| call.operation == "apply").count();
    assert_eq!(told, 0, "the target hears of nothing");
    world.assert_right();
}

#[track_caller]
fn assert_undone(ended: &Ended, says: &[&str]) {
    let Ended::Finished { outcome: Outcome::RolledBack, reason: Some(reason) } = ended else {
        panic!("{ended:?}")
    };
    for part in says {
        assert!(reason.contains(part), "`{part}` is not in `{reason}`");
    }
}

#[rstest]
#[tokio::test]
async fn an_installation_that_was_faster_is_named_and_the_target_is_told_nothing(
    #[values(None, Some(Strategy::InPlace), Some(Strategy::Overlap))] strategy: Option<Strategy>,
) {
    let (world, deed) = world(Scene { strategy, ..Scene::unchecked() });
    let context = CallContext {
        rotation: RotationId::from_random([9; 16]),
        started_at: world.now(),
        initiator: "replica".into(),
        deadline: std::time::Duration::MAX,
        fence: Fence(1),
    };
    let [rotation, start] = [context.rotation.to_string(), context.started_at.to_string()];
    *deed.lock().unwrap() = Some(Box::pin(rotated_by_another(world.view().clone(), context)));
    let ended = world.rotate().await;
    assert_undone(&ended, &["another rotation is in its overlap", &rotation, &start, "replica"]);
    assert_theirs_stands(&world);
    // What it displaced is left for it to retire, or to go back to.
    assert_eq!(world.view().primary(Stage::Previous).as_deref(), Some(crate::scene::OLD));
    assert_eq!(world.view().primary(Stage::Pending), None);
}

#[rstest]
#[tokio::test]
async fn what_an_editor_put_there_stays_and_the_target_is_told_nothing(
    #[values(None, Some(Strategy::InPlace), Some(Strategy::Overlap))] strategy: Option<Strategy>,
) {
    let (world, deed) = world(Scene { strategy, ..Scene::unchecked() });
    let view = world.view().clone();
    *deed.lock().unwrap() = Some(Box::pin(async move {
        if let Some(target) = view.target {
            let _accepts_both = target.accepting("app", THEIRS);
        }
        view.secrets[0].overwrite(THEIRS);
    }));
    let ended = world.rotate().await;
    assert_undone(&ended, &["somebody else changed the current version since this rotation began"]);
    assert_theirs_stands(&world);
    assert_eq!(world.began(|action| matches!(action, Action::Promote(_))), strategy.is_none());
}
