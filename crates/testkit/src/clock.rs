//! Time that moves when a test says so.

use std::{
    future::poll_fn,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Poll, Waker},
    time::Duration,
};

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use keywheel_core::Clock;

/// A clock that a test moves by hand. Clones show the same time.
///
/// Wall-clock time and running time are kept apart, as they are in a real machine: [`set_back`](Self::set_back) moves
/// the first only, so that a sleep is neither lengthened nor ended by it. Nothing of a runtime is used: it works under
/// tokio, with its time paused or not, and without it.
#[derive(Clone, Debug)]
pub struct ManualClock {
    state: Arc<Mutex<State>>,
    moves_itself: bool,
}

#[derive(Debug)]
struct State {
    now: Timestamp,
    running: Duration,
    sleepers: Vec<(Duration, Waker)>,
}

impl ManualClock {
    /// Stands still at `start`; a sleep ends when the clock is [advanced](Self::advance) far enough.
    pub fn at(start: Timestamp) -> Self {
        let state = State { now: start, running: Duration::ZERO, sleepers: Vec::new() };
        Self { state: Arc::new(Mutex::new(state)), moves_itself: false }
    }

    /// A sleep moves the clock itself and ends at once: for a single sleeper, such as a simulated engine.
    pub fn moved_by_sleep(start: Timestamp) -> Self {
        Self { moves_itself: true, ..Self::at(start) }
    }

    /// Lets time pass.
    pub fn advance(&self, duration: Duration) {
        let until = self.state().running.saturating_add(duration);
        self.run_until(until);
    }

    /// Lets time pass until the first sleeper wakes; false if nobody sleeps.
    pub fn advance_to_next_sleeper(&self) -> bool {
        let next = self.state().sleepers.iter().map(|(until, _)| *until).min();
        if let Some(until) = next {
            self.run_until(until);
        }
        next.is_some()
    }

    /// Sets the wall clock back; running time goes on as if nothing had happened.
    pub fn set_back(&self, duration: Duration) {
        let mut state = self.state();
        state.now = moved(state.now, -signed(duration));
    }

    /// Sets the wall clock forward without time passing.
    pub fn set_forward(&self, duration: Duration) {
        let mut state = self.state();
        state.now = moved(state.now, signed(duration));
    }

    fn run_until(&self, until: Duration) {
        let woken = {
            let mut state = self.state();
            let passed = until.saturating_sub(state.running);
            state.running += passed;
            state.now = moved(state.now, signed(passed));
            let sleepers = std::mem::take(&mut state.sleepers);
            let (woken, asleep): (Vec<_>, Vec<_>) =
                sleepers.into_iter().partition(|(until, _)| *until <= state.running);
            state.sleepers = asleep;
            woken
        };
        // Outside the lock: a waker may poll at once, and the sleeper then asks for the time.
        for (_, waker) in woken {
            waker.wake();
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // A test that panicked elsewhere must not hide its own message behind this one.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        self.state().now
    }

    fn running(&self) -> Duration {
        self.state().running
    }

    async fn sleep(&self, duration: Duration) {
        let until = self.running().saturating_add(duration);
        if self.moves_itself {
            self.run_until(until);
        }
        poll_fn(|context| {
            let mut state = self.state();
            if state.running >= until {
                return Poll::Ready(());
            }
            let waker = context.waker();
            if !state.sleepers.iter().any(|(time, known)| *time == until && known.will_wake(waker)) {
                state.sleepers.push((until, waker.clone()));
            }
            Poll::Pending
        })
        .await;
    }
}

fn signed(duration: Duration) -> SignedDuration {
    SignedDuration::try_from(duration).unwrap_or(SignedDuration::MAX)
}

fn moved(time: Timestamp, by: SignedDuration) -> Timestamp {
    time.checked_add(by).unwrap_or(if by.is_negative() { Timestamp::MIN } else { Timestamp::MAX })
}
