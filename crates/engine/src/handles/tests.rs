//! The whole stack keeps the contracts: every suite over every layer, the engine's own among them.

use std::num::NonZeroU32;

use jiff::Timestamp;
use keywheel_core::{CallContext, ErrorKind, Fence, RotationId, journal::Journal, secret::Secret};
use keywheel_testkit::{
    ManualClock,
    conformance::models,
    memory::{Behaviour, MemoryJournal},
    notifier_conformance, rotator_conformance, secret_conformance,
};

use super::*;
use crate::clock::SystemClock;

async fn leased() -> Leased {
    let journal: Arc<dyn Journal> = Arc::new(MemoryJournal::new(ManualClock::at(Timestamp::UNIX_EPOCH)));
    let lease = HeldLease::acquire(&"db-password".into(), &"tester".into(), &journal, &clock()).await;
    Leased(lease.expect("the journal answers").ok())
}

fn clock() -> Arc<dyn Clock> {
    Arc::new(SystemClock)
}

fn dressed<T: ?Sized>(inner: Arc<T>, leased: &Leased) -> Arc<Dressed<T>> {
    let limited = Limited::new(clock(), 2, NonZeroU32::new(10_000));
    Arc::new(dress(inner, &clock(), leased.clone(), limited, "model"))
}

secret_conformance!(secret, || async {
    let leased = leased().await;
    models::secret(models::plain_secret(), move |inner| dressed(inner, &leased))
});
rotator_conformance!(rotator, || async {
    let leased = leased().await;
    models::minting(|inner| dressed(inner, &leased))
});
notifier_conformance!(notifier, || async {
    let leased = leased().await;
    models::notifier(Behaviour::AfterLooks(3), |inner| dressed(inner, &leased))
});

#[tokio::test]
async fn a_handle_that_is_there_to_look_changes_nothing() {
    let model = models::plain_secret();
    let secret = dressed(Arc::new(model.clone()), &Leased(None));
    let context = CallContext {
        rotation: RotationId::from_random([1; 16]),
        started_at: Timestamp::UNIX_EPOCH,
        initiator: "tester".into(),
        deadline: Timestamp::MAX,
        fence: Fence(1),
    };
    let refusal = secret.stage(&context, &keywheel_core::SecretValue::copy_from(b"new"), None).await;
    assert_eq!(refusal.expect_err("there is no lease").kind, ErrorKind::Internal);
    assert!(model.versions().await.expect("the model answers").0.is_empty());
    assert!(secret.versions().await.expect("it looks").0.is_empty());
}
