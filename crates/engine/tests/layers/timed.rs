//! A call has its time and no more, and none begins when its time is over.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use futures::{
    FutureExt,
    future::{join_all, pending},
};
use keywheel_core::{
    CallContext, Clock, Effect, ErrorKind, Result,
    journal::Journal,
    notifier::{Adoption, Notice, Notifier},
    provider::{Finding, Severity},
};
use keywheel_engine::layers::{CALL_TIME, Timed};
use keywheel_testkit::{
    ManualClock,
    faults::{Fault, FaultPlan, Faulty},
    memory::MemoryJournal,
};

use crate::calls::{Models, changes, clock, looks, notice, until};

/// Behind a plan under which nothing is ever answered.
fn hanging(clock: &ManualClock) -> (FaultPlan, Models) {
    let plan = FaultPlan::at([(0, Fault::CrashBefore)]);
    let models = around(Models::behind(&plan), clock);
    assert!(models.secret.versions().now_or_never().is_none(), "from here on nothing is answered");
    (plan, models)
}

fn around(models: Models, clock: &ManualClock) -> Models {
    let clock: Arc<dyn Clock> = Arc::new(clock.clone());
    Models {
        secret: Arc::new(Timed::around(models.secret, Arc::clone(&clock))),
        rotator: Arc::new(Timed::around(models.rotator, Arc::clone(&clock))),
        notifier: Arc::new(Timed::around(models.notifier, clock)),
    }
}

#[tokio::test]
async fn what_is_not_answered_is_given_up_when_its_time_is_over() {
    let clock = clock();
    let (_plan, models) = hanging(&clock);
    let Models { secret, rotator, notifier } = &models;
    let context = until(Duration::MAX);
    let looks = looks(&**secret, &**rotator, &**notifier).into_iter().map(|call| (call, Effect::NotApplied));
    let changes = changes(&context, &**secret, &**rotator, &**notifier)
        .into_iter()
        .map(|call| (call, Effect::MaybeApplied));
    for ((operation, mut call), effect) in looks.chain(changes) {
        assert!((&mut call).now_or_never().is_none(), "{operation} hangs");
        clock.advance(CALL_TIME.saturating_sub(Duration::from_millis(1)));
        assert!((&mut call).now_or_never().is_none(), "{operation} has its whole time");
        clock.advance(Duration::from_millis(1));
        let error = call.now_or_never().expect("it is given up").expect_err("nothing was answered");
        assert_eq!((error.kind, error.effect), (ErrorKind::TimedOut, effect), "{operation}");
        assert_eq!(error.operation, operation);
    }
}

#[tokio::test]
async fn a_deadline_that_comes_first_ends_a_change_earlier() {
    let clock = clock();
    let (_plan, models) = hanging(&clock);
    let context = until(Duration::from_secs(3));
    let notice = notice();
    let mut call = models.notifier.notify(&context, &notice);
    assert!((&mut call).now_or_never().is_none());
    clock.advance(Duration::from_secs(3));
    let error = call.now_or_never().expect("it is given up").expect_err("nothing was answered");
    assert_eq!((error.kind, error.effect), (ErrorKind::TimedOut, Effect::MaybeApplied), "{error}");
}

#[tokio::test]
async fn a_change_whose_time_is_over_is_never_sent() {
    let clock = clock();
    let plan = FaultPlan::none();
    let models = around(Models::behind(&plan), &clock);
    let Models { secret, rotator, notifier } = &models;
    let context = until(Duration::from_secs(30));
    // Stopped, and awake again.
    clock.advance(Duration::from_secs(30));
    for (operation, call) in changes(&context, &**secret, &**rotator, &**notifier) {
        let error = call.await.expect_err("it comes too late");
        assert_eq!((error.kind, error.effect), (ErrorKind::TimedOut, Effect::NotApplied), "{operation}");
    }
    assert_eq!(plan.calls(), [], "nothing was sent");
    let looks = looks(&**secret, &**rotator, &**notifier);
    for answer in join_all(looks.into_iter().map(|(_, call)| call)).await {
        answer.expect("looks have no deadline");
    }
}

#[tokio::test]
async fn a_journal_that_hangs_is_given_up_too() {
    let clock = clock();
    let plan = FaultPlan::at([(0, Fault::CrashBefore)]);
    let inner = Faulty::new(Arc::new(MemoryJournal::new(clock.clone())), plan, "journal");
    let journal = Timed::around(Arc::new(inner), Arc::new(clock.clone()));
    for (mut call, effect) in [
        (journal.note("audit").map(|answer| answer.map(drop)).boxed(), Effect::NotApplied),
        (journal.set_note("audit", "head").boxed(), Effect::MaybeApplied),
    ] {
        assert!((&mut call).now_or_never().is_none());
        clock.advance(CALL_TIME);
        let error = call.now_or_never().expect("it is given up").expect_err("nothing was answered");
        assert_eq!((error.kind, error.effect), (ErrorKind::TimedOut, effect));
    }
}

/// A consumer whose settings cannot be looked at.
struct Endless;

#[async_trait]
impl Notifier for Endless {
    async fn notify(&self, _: &CallContext, _: &Notice) -> Result<()> {
        pending().await
    }

    async fn adopted(&self, _: &Notice) -> Result<Adoption> {
        pending().await
    }

    async fn examine(&self) -> Vec<Finding> {
        pending().await
    }
}

#[tokio::test]
async fn an_examination_that_does_not_end_is_a_finding() {
    let clock = clock();
    let endless = Timed::around(Arc::new(Endless), Arc::new(clock.clone()));
    let mut examining = endless.examine();
    assert!((&mut examining).now_or_never().is_none());
    clock.advance(CALL_TIME);
    let findings = examining.now_or_never().expect("it is given up");
    assert_eq!(findings.len(), 1);
    assert_eq!(findings[0].severity, Severity::Error);
    assert!(findings[0].message.contains("no answer within 30 s"), "{findings:?}");
}
