//! The whole stack keeps the contracts: every suite over every layer, the engine's own among them.

use std::{num::NonZeroU32, time::Duration};

use futures::FutureExt;
use jiff::Timestamp;
use keywheel_core::{
    CallContext, ErrorKind, Fence, RotationId, SecretValue,
    journal::{Acquired, Journal},
    secret::{Secret, VersionInfo},
};
use keywheel_testkit::{
    ManualClock,
    conformance::models,
    faults::{Fault, FaultPlan, Faulty},
    memory::{Behaviour, MemoryJournal, MemorySecret},
    notifier_conformance, rotator_conformance, secret_conformance,
};

use super::*;
use crate::clock::SystemClock;

async fn leased() -> Leased {
    leased_by(&MemoryJournal::new(ManualClock::at(Timestamp::UNIX_EPOCH)), &clock()).await
}

async fn leased_by(journal: &MemoryJournal, clock: &Arc<dyn Clock>) -> Leased {
    let journal: Arc<dyn Journal> = Arc::new(journal.clone());
    let lease = HeldLease::acquire(&"db-password".into(), &"tester".into(), &journal, clock).await;
    Leased(lease.expect("the journal answers").ok())
}

fn context() -> CallContext {
    CallContext {
        rotation: RotationId::from_random([1; 16]),
        started_at: Timestamp::UNIX_EPOCH,
        initiator: "tester".into(),
        deadline: Duration::MAX,
        fence: Fence(1),
    }
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
notifier_conformance!(handed, || async {
    let leased = leased().await;
    models::handed(move |inner| dressed(inner, &leased))
});

#[tokio::test]
async fn a_handle_that_is_there_to_look_changes_nothing() {
    let model = models::plain_secret();
    let secret = dressed(Arc::new(model.clone()), &Leased(None));
    let refusal = secret.stage(&context(), &SecretValue::copy_from(b"new"), None).await;
    assert_eq!(refusal.expect_err("there is no lease").kind, ErrorKind::Internal);
    assert!(model.versions().await.expect("the model answers").0.is_empty());
    assert!(secret.versions().await.expect("it looks").0.is_empty());
}

/// A call that waits for its turn behind one that hangs, and what happens while it waits.
async fn after_a_wait(
    meanwhile: impl FnOnce(&MemoryJournal, &ManualClock),
) -> (keywheel_core::Result<VersionInfo>, MemorySecret) {
    let manual = ManualClock::at(Timestamp::UNIX_EPOCH);
    let clock: Arc<dyn Clock> = Arc::new(manual.clone());
    let journal = MemoryJournal::new(manual.clone());
    let leased = leased_by(&journal, &clock).await;
    let model = models::plain_secret();
    let plan = FaultPlan::at([(0, Fault::CrashBefore)]);
    let hanging = Arc::new(Faulty::new(Arc::new(model.clone()), plan.clone(), "store"));
    let secret = dress(hanging, &clock, leased, Limited::new(Arc::clone(&clock), 1, None), "store");
    let (context, value) = (context(), SecretValue::copy_from(b"new"));
    let mut hung = secret.versions();
    assert!((&mut hung).now_or_never().is_none());
    let mut waits = secret.stage(&context, &value, None);
    assert!((&mut waits).now_or_never().is_none());
    meanwhile(&journal, &manual);
    plan.restart();
    hung.await.expect_err("it was given up");
    (waits.await, model)
}

#[tokio::test]
async fn a_wait_for_a_turn_is_not_time_of_the_call() {
    let (staged, _) = after_a_wait(|_, clock| clock.advance(Duration::from_mins(5))).await;
    staged.expect("its time begins when its turn has come");
}

#[tokio::test]
async fn a_lease_that_is_lost_during_the_wait_for_a_turn_is_noticed() {
    let (staged, model) = after_a_wait(|journal, clock| {
        journal.fall_silent();
        clock.advance(Duration::from_mins(5));
        let other = journal.another_process();
        let taken =
            other.acquire(&"db-password".into(), &"other".into(), Duration::from_mins(1)).now_or_never();
        assert!(matches!(taken, Some(Ok(Acquired::TakenOver(_)))), "{taken:?}");
    })
    .await;
    assert_eq!(staged.expect_err("the lease is lost").kind, ErrorKind::Fenced);
    assert!(model.versions().await.expect("the model answers").0.is_empty());
}
