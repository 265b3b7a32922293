//! What a fault plan does to a call.

use std::time::Duration;

use std::sync::Arc;

use futures::FutureExt;
use jiff::Timestamp;
use keywheel_core::{
    CallContext, Effect, ErrorKind, Fence, Fingerprinter, RotationId, SecretValue,
    secret::{Secret, Stage},
};
use keywheel_testkit::{
    faults::{Fault, FaultPlan, Faulty},
    memory::MemorySecret,
};

fn context() -> CallContext {
    CallContext {
        rotation: RotationId::from_random([1; 16]),
        started_at: Timestamp::UNIX_EPOCH,
        initiator: "test".into(),
        deadline: Duration::MAX,
        fence: Fence(1),
    }
}

fn value() -> SecretValue {
    SecretValue::copy_from(b"new")
}

fn under(plan: &FaultPlan) -> (Faulty<MemorySecret>, MemorySecret) {
    let secret = MemorySecret::new(Fingerprinter::plain());
    (Faulty::new(Arc::new(secret.clone()), plan.clone(), "store"), secret)
}

#[tokio::test]
async fn a_lost_reply_leaves_the_effect_and_says_that_nobody_knows() {
    let (faulty, outside) = under(&FaultPlan::at([(0, Fault::LostReply)]));
    let error = faulty.stage(&context(), &value(), None).await.unwrap_err();
    assert_eq!((error.kind, error.effect), (ErrorKind::TimedOut, Effect::MaybeApplied));
    assert_eq!(outside.bytes_at(Stage::Pending).as_deref(), Some(b"new".as_slice()));
}

#[tokio::test]
async fn a_lost_request_sounds_the_same_and_leaves_nothing() {
    let (faulty, outside) = under(&FaultPlan::at([(0, Fault::LostRequest)]));
    let error = faulty.stage(&context(), &value(), None).await.unwrap_err();
    assert_eq!((error.kind, error.effect), (ErrorKind::TimedOut, Effect::MaybeApplied));
    assert_eq!(outside.bytes_at(Stage::Pending), None);
}

#[tokio::test]
async fn a_refusal_leaves_nothing_and_is_certain() {
    let (faulty, outside) = under(&FaultPlan::at([(1, Fault::Refusal(ErrorKind::PermissionDenied))]));
    faulty.versions().await.unwrap();
    let error = faulty.stage(&context(), &value(), None).await.unwrap_err();
    assert_eq!((error.kind, error.effect), (ErrorKind::PermissionDenied, Effect::NotApplied));
    assert_eq!(outside.bytes_at(Stage::Pending), None);
}

#[tokio::test]
async fn a_crash_ends_the_process_before_or_after_the_effect() {
    for (fault, expected) in [(Fault::CrashBefore, None), (Fault::CrashAfter, Some(b"new".to_vec()))] {
        let plan = FaultPlan::at([(0, fault)]);
        let (faulty, outside) = under(&plan);
        let process = async {
            let _ = faulty.stage(&context(), &value(), None).await;
            panic!("a dead process goes on");
        };
        assert!(plan.until_crash(process).await.is_none());
        assert_eq!(outside.bytes_at(Stage::Pending), expected);
        assert!(faulty.versions().now_or_never().is_none(), "a dead process's other calls hang as well");
        plan.restart();
        faulty.versions().await.unwrap();
    }
}

#[tokio::test]
async fn decorators_that_share_a_plan_count_together() {
    let plan = FaultPlan::at([(1, Fault::LostReply)]);
    let (one, _) = under(&plan);
    let (other, _) = under(&plan);
    one.versions().await.unwrap();
    other.versions().await.unwrap_err();
    one.versions().await.unwrap();
    let calls: Vec<String> = plan.calls().iter().map(ToString::to_string).collect();
    assert_eq!(calls, ["0 store.versions", "1 store.versions (LostReply)", "2 store.versions"]);
}

#[tokio::test]
async fn a_seeded_run_is_repeated_by_its_seed_and_by_its_list_and_ends() {
    let run = |plan: FaultPlan| async move {
        let (faulty, _) = under(&plan);
        for _ in 0..200 {
            if plan.until_crash(faulty.versions()).await.is_none() {
                plan.restart();
            }
        }
        plan.injected()
    };
    let injected = run(FaultPlan::seeded(7, 300, 100)).await;
    assert!((10..60).contains(&injected.len()), "{}", injected.len());
    assert!(injected.iter().all(|(number, _)| *number < 100));
    assert_eq!(run(FaultPlan::seeded(7, 300, 100)).await, injected);
    assert_eq!(run(FaultPlan::at(injected.clone())).await, injected);
    assert_ne!(run(FaultPlan::seeded(8, 300, 100)).await, injected);
}
