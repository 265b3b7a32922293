//! Looks are made again, changes never.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use keywheel_core::{Clock, ErrorKind, journal::Journal, secret::Secret};
use keywheel_engine::layers::{Layer, Retrying, stack};
use keywheel_testkit::{
    ManualClock,
    faults::{Fault, FaultPlan, Faulty},
    memory::MemoryJournal,
};
use rstest::rstest;

use crate::calls::{Models, changes, looks, start, until};

const PASSING: Fault = Fault::Refusal(ErrorKind::Unavailable);

fn around(plan: &FaultPlan, clock: &Arc<dyn Clock>) -> Models {
    let models = Models::behind(plan);
    Models {
        secret: Arc::new(Retrying::around(models.secret, Arc::clone(clock))),
        rotator: Arc::new(Retrying::around(models.rotator, Arc::clone(clock))),
        notifier: Arc::new(Retrying::around(models.notifier, Arc::clone(clock))),
    }
}

#[tokio::test]
async fn a_look_that_is_refused_twice_for_a_passing_reason_is_answered_the_third_time() {
    for position in 0..5 {
        for reason in [ErrorKind::Unavailable, ErrorKind::RateLimited] {
            let plan = FaultPlan::at([(0, Fault::Refusal(reason)), (1, Fault::Refusal(reason))]);
            let manual = ManualClock::moved_by_sleep(start());
            let clock: Arc<dyn Clock> = Arc::new(manual.clone());
            let Models { secret, rotator, notifier } = &around(&plan, &clock);
            let (operation, call) = looks(&**secret, &**rotator, &**notifier).swap_remove(position);
            call.await.unwrap_or_else(|error| panic!("{operation}: {error}"));
            assert_eq!(plan.calls().len(), 3, "{operation}");
            let waited = manual.running().as_millis();
            assert!((300..600).contains(&waited), "{operation}: {waited}");
        }
    }
}

#[tokio::test]
async fn looks_that_were_refused_at_different_moments_do_not_wait_alike() {
    let mut waited = BTreeSet::new();
    for moment in 0..20 {
        let manual = ManualClock::moved_by_sleep(start());
        manual.advance(Duration::from_nanos(moment));
        let before = manual.running();
        let clock: Arc<dyn Clock> = Arc::new(manual.clone());
        let plan = FaultPlan::at([(0, PASSING)]);
        around(&plan, &clock).secret.versions().await.unwrap();
        waited.insert(manual.running().saturating_sub(before).as_millis());
    }
    assert!(waited.len() > 10 && waited.iter().all(|waited| (100..200).contains(waited)), "{waited:?}");
}

#[rstest]
#[case::what_does_not_pass(Fault::Refusal(ErrorKind::PermissionDenied), 1)]
#[case::what_was_given_up(Fault::LostReply, 1)]
#[case::what_passes(PASSING, 3)]
#[tokio::test]
async fn a_look_that_fails_is_made_no_more_often_than_helps(#[case] fault: Fault, #[case] tries: usize) {
    let plan = FaultPlan::at((0..9).map(|number| (number, fault)));
    let clock: Arc<dyn Clock> = Arc::new(ManualClock::moved_by_sleep(start()));
    let models = around(&plan, &clock);
    models.secret.versions().await.expect_err("it fails each time");
    assert_eq!(plan.calls().len(), tries);
}

#[tokio::test]
async fn a_change_is_made_once_whatever_became_of_it() {
    for position in 0..10 {
        for fault in [PASSING, Fault::Refusal(ErrorKind::RateLimited), Fault::LostReply, Fault::LostRequest] {
            let plan = FaultPlan::at([(0, fault)]);
            let clock: Arc<dyn Clock> = Arc::new(ManualClock::moved_by_sleep(start()));
            let Models { secret, rotator, notifier } = &around(&plan, &clock);
            let context = until(Duration::MAX);
            let all = &mut changes(&context, &**secret, &**rotator, &**notifier);
            let (operation, call) = all.swap_remove(position);
            assert!(call.await.is_err(), "{operation} with {fault:?}");
            assert_eq!(plan.calls().len(), 1, "{operation} with {fault:?}");
        }
    }
}

#[tokio::test]
async fn a_journal_is_read_again_and_not_written_again() {
    let plan = FaultPlan::at([(0, PASSING), (2, PASSING)]);
    let clock = ManualClock::moved_by_sleep(start());
    let inner = Faulty::new(Arc::new(MemoryJournal::new(clock.clone())), plan.clone(), "journal");
    let journal = Retrying::around(Arc::new(inner), Arc::new(clock));
    assert_eq!(journal.note("audit").await.expect("the second look"), None);
    journal.set_note("audit", "head").await.expect_err("refused, and not repeated");
    assert_eq!(
        plan.calls().iter().map(|call| call.operation).collect::<Vec<_>>(),
        ["note", "note", "set_note"]
    );
}

#[tokio::test]
async fn what_takes_long_to_say_no_is_not_asked_again() {
    let plan = FaultPlan::at((0..9).map(|number| (number, PASSING)));
    let clock = ManualClock::moved_by_sleep(start());
    let slow = Models::behind(&plan).secret;
    let ask = || async {
        clock.advance(Duration::from_secs(6));
        slow.versions().await
    };
    Retrying::new(Arc::new(clock.clone())).look("versions", ask).await.expect_err("it is down");
    assert_eq!(plan.calls().len(), 1);
}

#[tokio::test]
async fn a_store_that_hangs_costs_its_time_once() {
    let plan = FaultPlan::at([(0, Fault::CrashBefore)]);
    let clock = ManualClock::moved_by_sleep(start());
    let as_clock: Arc<dyn Clock> = Arc::new(clock.clone());
    let handle = stack(Models::behind(&plan).secret, &as_clock, "store");
    let error = handle.versions().await.expect_err("it hangs");
    assert_eq!(error.kind, ErrorKind::TimedOut);
    assert_eq!(clock.running(), Duration::from_secs(30));
}
