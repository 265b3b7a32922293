//! Which call fails, and how.

use std::{
    collections::BTreeMap,
    fmt,
    future::{pending, poll_fn},
    pin::pin,
    sync::{Arc, Mutex},
    task::{Poll, Waker},
};

use futures::future::{Either, select};
use keywheel_core::{Error, ErrorKind, Result};
use rand::{Rng, SeedableRng, rngs::Xoshiro256PlusPlus};

use crate::memory::lock;

/// What befalls one call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The process dies before the call has an effect.
    CrashBefore,
    /// The process dies after the effect, before it hears of it.
    CrashAfter,
    /// The call has its effect and the reply is lost: `TimedOut`, `MaybeApplied` (for a call that only reads:
    /// `NotApplied`, since nothing can have changed).
    LostReply,
    /// The request is lost on its way: the caller hears the same as with a lost reply, but nothing happened.
    LostRequest,
    /// The far side says no, and nothing changed.
    Refusal(ErrorKind),
}

impl Fault {
    /// One fault of each sort, for sweeps over all of them: a passing refusal and a lasting one.
    pub const EACH: [Self; 6] = [
        Self::CrashBefore,
        Self::CrashAfter,
        Self::LostReply,
        Self::LostRequest,
        Self::Refusal(ErrorKind::Unavailable),
        Self::Refusal(ErrorKind::PermissionDenied),
    ];
}

/// One call that went through a plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// Its number, from 0 on, over everything that shares the plan.
    pub number: u64,
    /// The label of the decorator.
    pub on: Arc<str>,
    /// The method.
    pub operation: &'static str,
    /// What befell it.
    pub fault: Option<Fault>,
}

impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}.{}", self.number, self.on, self.operation)?;
        match self.fault {
            Some(fault) => write!(f, " ({fault:?})"),
            None => Ok(()),
        }
    }
}

/// Which calls of a run fail, and how. Clones are one plan: they count together.
///
/// A crash is modelled as a call that never returns, after which every other call through the plan hangs as well: what
/// [`FaultPlan::until_crash`] then drops is all that the process knew, and the models keep what had its effect.
#[derive(Clone, Debug, Default)]
pub struct FaultPlan(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    listed: BTreeMap<u64, Fault>,
    random: Option<Random>,
    calls: Vec<Call>,
    crashed: bool,
    watchers: Vec<Waker>,
}

#[derive(Debug)]
struct Random {
    source: Xoshiro256PlusPlus,
    per_thousand: u32,
    calls: u64,
}

impl FaultPlan {
    /// Nothing fails; the calls are only counted and listed.
    pub fn none() -> Self {
        Self::default()
    }

    /// The calls with these numbers (from 0 on) fail.
    pub fn at(faults: impl IntoIterator<Item = (u64, Fault)>) -> Self {
        Self(Arc::new(Mutex::new(State { listed: faults.into_iter().collect(), ..State::default() })))
    }

    /// Of the first `calls` calls about `per_thousand` in a thousand fail, as `seed` says. Afterwards nothing fails,
    /// so that a run can be expected to end.
    pub fn seeded(seed: u64, per_thousand: u32, calls: u64) -> Self {
        let random = Random { source: Xoshiro256PlusPlus::seed_from_u64(seed), per_thousand, calls };
        Self(Arc::new(Mutex::new(State { random: Some(random), ..State::default() })))
    }

    /// Every call so far.
    pub fn calls(&self) -> Vec<Call> {
        lock(&self.0).calls.clone()
    }

    /// The faults that happened, in the form that [`FaultPlan::at`] takes: what a failing random run is replayed with.
    pub fn injected(&self) -> Vec<(u64, Fault)> {
        lock(&self.0).calls.iter().filter_map(|call| call.fault.map(|fault| (call.number, fault))).collect()
    }

    /// Whether the process is dead.
    pub fn has_crashed(&self) -> bool {
        lock(&self.0).crashed
    }

    /// A new process begins: calls go through again, and are counted on.
    pub fn restart(&self) {
        lock(&self.0).crashed = false;
    }

    /// Resolves when the process dies.
    pub async fn crashed(&self) {
        poll_fn(|context| {
            let mut state = lock(&self.0);
            if state.crashed {
                return Poll::Ready(());
            }
            state.watchers.push(context.waker().clone());
            Poll::Pending
        })
        .await;
    }

    /// Runs one process to its end; `None` when it crashed. Whatever it knew is dropped with it.
    pub async fn until_crash<T>(&self, process: impl Future<Output = T>) -> Option<T> {
        match select(pin!(process), pin!(self.crashed())).await {
            Either::Left((result, _)) => Some(result),
            Either::Right(((), _)) => None,
        }
    }

    /// A call that changes something.
    pub(super) async fn change<T>(
        &self,
        on: &Arc<str>,
        operation: &'static str,
        call: impl Future<Output = Result<T>>,
    ) -> Result<T> {
        let lost = || Error::maybe_applied(ErrorKind::TimedOut, operation, "no answer in time");
        self.pass(on, operation, call, lost).await
    }

    /// A call that only looks.
    pub(super) async fn look<T>(
        &self,
        on: &Arc<str>,
        operation: &'static str,
        call: impl Future<Output = Result<T>>,
    ) -> Result<T> {
        let lost = || Error::not_applied(ErrorKind::TimedOut, operation, "no answer in time");
        self.pass(on, operation, call, lost).await
    }

    async fn pass<T>(
        &self,
        on: &Arc<str>,
        operation: &'static str,
        call: impl Future<Output = Result<T>>,
        lost: impl Fn() -> Error,
    ) -> Result<T> {
        if self.has_crashed() {
            return pending().await;
        }
        match self.count(on, operation) {
            None => call.await,
            Some(Fault::CrashBefore) => self.crash().await,
            Some(Fault::CrashAfter) => {
                let _unheard = call.await;
                self.crash().await
            }
            Some(Fault::LostReply) => {
                let _unheard = call.await;
                Err(lost())
            }
            Some(Fault::LostRequest) => Err(lost()),
            Some(Fault::Refusal(kind)) => {
                Err(Error::not_applied(kind, operation, "refused by the fault plan"))
            }
        }
    }

    fn count(&self, on: &Arc<str>, operation: &'static str) -> Option<Fault> {
        let mut state = lock(&self.0);
        let number = state.calls.len() as u64;
        let fault = match state.listed.get(&number) {
            Some(fault) => Some(*fault),
            None => state.random.as_mut().and_then(|random| random.draw(number)),
        };
        state.calls.push(Call { number, on: Arc::clone(on), operation, fault });
        fault
    }

    async fn crash<T>(&self) -> T {
        let watchers = {
            let mut state = lock(&self.0);
            state.crashed = true;
            std::mem::take(&mut state.watchers)
        };
        for watcher in watchers {
            watcher.wake();
        }
        pending().await
    }
}

impl Random {
    fn draw(&mut self, number: u64) -> Option<Fault> {
        if number >= self.calls {
            return None;
        }
        // Both numbers are drawn every time: the faults of later calls do not depend on the rate of earlier ones.
        let (hit, which) = (self.source.next_u32() % 1000, self.source.next_u32());
        let which = usize::try_from(which).unwrap_or_default() % Fault::EACH.len();
        (hit < self.per_thousand).then_some(Fault::EACH[which])
    }
}
