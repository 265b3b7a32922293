//! The manual clock and the seeded entropy.

use std::time::Duration;

use futures::{FutureExt, future::join};
use jiff::{SignedDuration, Timestamp};
use keywheel_core::{Clock, Entropy};
use keywheel_testkit::{ManualClock, SeededEntropy};

const MINUTE: Duration = Duration::from_mins(1);

fn clock() -> ManualClock {
    ManualClock::at(Timestamp::UNIX_EPOCH)
}

#[test]
fn a_sleep_ends_when_the_clock_was_advanced_far_enough() {
    let clock = clock();
    let mut sleep = clock.sleep(MINUTE);
    assert!(sleep.as_mut().now_or_never().is_none());
    clock.advance(Duration::from_secs(59));
    assert!(sleep.as_mut().now_or_never().is_none());
    clock.advance(Duration::from_secs(1));
    assert!(sleep.now_or_never().is_some());
    assert_eq!(clock.now(), Timestamp::UNIX_EPOCH + SignedDuration::from_mins(1));
}

#[test]
fn setting_the_wall_clock_neither_ends_nor_lengthens_a_sleep() {
    let clock = clock();
    let mut sleep = clock.sleep(MINUTE);
    assert!(sleep.as_mut().now_or_never().is_none());
    clock.set_forward(60 * MINUTE);
    assert!(sleep.as_mut().now_or_never().is_none());
    clock.set_back(120 * MINUTE);
    clock.advance(MINUTE);
    assert!(sleep.now_or_never().is_some());
    assert_eq!(clock.running(), MINUTE);
    assert_eq!(clock.now(), Timestamp::UNIX_EPOCH - SignedDuration::from_mins(59));
}

#[tokio::test]
async fn a_sleeper_on_another_task_is_woken() {
    let clock = clock();
    let sleeper = tokio::spawn({
        let clock = clock.clone();
        async move { clock.sleep(MINUTE).await }
    });
    while !clock.advance_to_next_sleeper() {
        tokio::task::yield_now().await;
    }
    sleeper.await.unwrap();
    assert!(!clock.advance_to_next_sleeper());
}

#[tokio::test]
async fn sleepers_wake_in_the_order_of_their_times() {
    let clock = clock();
    let mut long = clock.sleep(2 * MINUTE);
    let mut short = clock.sleep(MINUTE);
    assert!(join(&mut long, &mut short).now_or_never().is_none());
    assert!(clock.advance_to_next_sleeper());
    assert!(long.as_mut().now_or_never().is_none());
    short.await;
    assert!(clock.advance_to_next_sleeper());
    long.await;
}

#[test]
fn a_clock_moved_by_sleep_needs_nobody_to_move_it() {
    let clock = ManualClock::moved_by_sleep(Timestamp::UNIX_EPOCH);
    assert!(clock.sleep(MINUTE).now_or_never().is_some());
    assert_eq!(clock.running(), MINUTE);
}

#[test]
fn a_seed_gives_the_same_bytes_again_and_another_seed_others() {
    let ids = |seed| {
        let entropy = SeededEntropy::new(seed);
        [entropy.rotation_id().unwrap(), entropy.rotation_id().unwrap()]
    };
    assert_eq!(ids(1), ids(1));
    assert_ne!(ids(1)[0], ids(1)[1]);
    assert_ne!(ids(1), ids(2));
}
