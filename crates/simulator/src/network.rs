//! Between the processes and everything they ask: each request passes here, is numbered, and meets its fault.

use std::{
    collections::BTreeMap,
    fmt,
    future::{pending, poll_fn},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Poll, Waker},
    time::Duration,
};

use async_trait::async_trait;
use jiff::Timestamp;
use keywheel_core::{Clock, Error, ErrorKind, Result};
use keywheel_testkit::ManualClock;

use crate::{
    fault::{Fault, Kind, Server},
    schedule::{Meeting, Request, Running, Schedule},
};

/// How long after its caller gave up a late request has its effect, if nobody looks for it before.
const LATE_BY: Duration = Duration::from_secs(10);

/// How long a caller waits for an answer: the engine's limit of one call.
const PATIENCE: Duration = Duration::from_secs(30);

/// How far a wall clock jumps.
const JUMP: Duration = Duration::from_hours(24);

/// A process, numbered in the order in which they started.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct ProcessId(pub(crate) usize);

/// Why a process does not go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Halt {
    /// It is dead.
    Dead,
    /// It is stopped, for longer than its lease lives.
    Paused,
    /// Its lease was lost; it goes on when others have done their work.
    Stale,
    /// Another installation is at work first.
    Rival,
}

/// One request that was made.
#[derive(Clone, Debug)]
pub struct Sent {
    /// Which of its sort it was, from 1 on.
    pub nth: u32,
    /// By which process.
    pub process: usize,
    /// What it was.
    pub request: Request,
    /// Who was asked.
    pub server: Server,
    /// Whether it may change something.
    pub kind: Kind,
    /// What befell it.
    pub fault: Option<Fault>,
}

impl Sent {
    /// The same request with `fault`, as a schedule names it.
    pub fn meeting(&self, fault: Fault) -> Meeting {
        Meeting { request: self.request.to_string(), nth: self.nth, fault }
    }
}

impl fmt::Display for Sent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "process {}  {}#{}", self.process, self.request, self.nth)?;
        match self.fault {
            Some(fault) => write!(f, "  <- {fault}"),
            None => Ok(()),
        }
    }
}

/// A request on its way that its caller has given up.
struct InFlight {
    on: &'static str,
    lands_at: Duration,
    effect: Box<dyn FnOnce() + Send>,
}

struct State {
    current: ProcessId,
    halted: BTreeMap<ProcessId, Halt>,
    /// Who waits for a process to be halted or to go on.
    watchers: Vec<Waker>,
    schedule: Running,
    counts: Vec<(Request, u32)>,
    sent: Vec<Sent>,
    in_flight: Vec<InFlight>,
}

/// What happens after every change.
type Check = Arc<dyn Fn() + Send + Sync>;

/// The network of one life. Clones are the same one.
#[derive(Clone)]
pub(crate) struct Network {
    state: Arc<Mutex<State>>,
    clock: ManualClock,
    check: Arc<Mutex<Option<Check>>>,
}

impl Network {
    pub(crate) fn new(schedule: Schedule, clock: ManualClock) -> Self {
        let state = State {
            current: ProcessId(0),
            halted: BTreeMap::new(),
            watchers: Vec::new(),
            schedule: Running::of(schedule),
            counts: Vec::with_capacity(48),
            sent: Vec::with_capacity(192),
            in_flight: Vec::new(),
        };
        Self { state: Arc::new(Mutex::new(state)), clock, check: Arc::default() }
    }

    /// Has `check` look at the world after every change.
    pub(crate) fn after_every_change(&self, check: impl Fn() + Send + Sync + 'static) {
        *self.check.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(check));
    }

    /// Lets go of everything that knows this network, and is known to it.
    pub(crate) fn take_down(&self) {
        *self.check.lock().unwrap_or_else(PoisonError::into_inner) = None;
        let _dropped = {
            let mut state = self.state();
            (std::mem::take(&mut state.in_flight), std::mem::take(&mut state.watchers))
        };
    }

    pub(crate) fn clock(&self) -> &ManualClock {
        &self.clock
    }

    /// The process that runs now; one runs at a time.
    pub(crate) fn current(&self) -> ProcessId {
        self.state().current
    }

    /// Every request so far.
    pub(crate) fn sent(&self) -> Vec<Sent> {
        self.state().sent.clone()
    }

    /// How many requests there were.
    pub(crate) fn count(&self) -> usize {
        self.state().sent.len()
    }

    /// Whether such a fault happened.
    pub(crate) fn met(&self, wanted: impl Fn(Fault) -> bool) -> bool {
        self.state().sent.iter().any(|sent| sent.fault.is_some_and(&wanted))
    }

    /// How many such faults happened.
    pub(crate) fn how_often(&self, wanted: impl Fn(Fault) -> bool) -> usize {
        self.state().sent.iter().filter(|sent| sent.fault.is_some_and(&wanted)).count()
    }

    /// Lets `process` run (on), and no other.
    pub(crate) fn let_run(&self, process: ProcessId) {
        let watchers = {
            let mut state = self.state();
            state.current = process;
            state.halted.remove(&process);
            std::mem::take(&mut state.watchers)
        };
        watchers.into_iter().for_each(Waker::wake);
    }

    /// Resolves when `process` is halted.
    pub(crate) async fn halted(&self, process: ProcessId) -> Halt {
        poll_fn(|context| {
            let mut state = self.state();
            if let Some(halt) = state.halted.get(&process) {
                return Poll::Ready(*halt);
            }
            state.watchers.push(context.waker().clone());
            Poll::Pending
        })
        .await
    }

    /// Lets everything arrive that is still on its way.
    pub(crate) fn land_everything(&self) {
        self.land(|_| true);
    }

    /// A request that only looks.
    pub(crate) async fn look<T>(
        &self,
        server: Server,
        request: Request,
        look: impl FnOnce() -> Result<T>,
    ) -> Result<T> {
        let me = self.current();
        self.going_on(me).await;
        self.land_what_is_due();
        let fault = self.begin(me, server, request, Kind::Look);
        let answer = match fault {
            Some(Fault::CrashBefore | Fault::CrashAfter) => self.die(me).await,
            Some(Fault::LostReply | Fault::LostRequest | Fault::Late) => {
                self.no_answer(server, request).await
            }
            Some(Fault::Refused) => Err(refused(request)),
            Some(Fault::Throttled) => Err(throttled(request)),
            Some(Fault::Rival) => {
                self.halt(me, Halt::Rival).await;
                look()
            }
            None | Some(Fault::Paused | Fault::StaleLease | Fault::ClockBack | Fault::ClockForward) => look(),
        };
        if answer.is_ok() {
            self.land(|in_flight| in_flight.on == request.on);
        }
        self.afterwards(me, fault).await;
        answer
    }

    /// A request that may change something.
    pub(crate) async fn change<T: Send + 'static>(
        &self,
        server: Server,
        request: Request,
        effect: impl FnOnce() -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let me = self.current();
        self.going_on(me).await;
        self.land_what_is_due();
        let fault = self.begin(me, server, request, Kind::Change);
        let answer = match fault {
            Some(Fault::CrashBefore) => self.die(me).await,
            Some(Fault::CrashAfter) => {
                let _unheard = effect();
                self.changed();
                self.die(me).await
            }
            Some(Fault::LostReply) => {
                let _unheard = effect();
                self.changed();
                self.no_answer(server, request).await
            }
            Some(Fault::LostRequest) => self.no_answer(server, request).await,
            Some(Fault::Late) => {
                let effect = Box::new(move || drop(effect()));
                let lands_at = self.clock.running() + PATIENCE + LATE_BY;
                self.state().in_flight.push(InFlight { on: request.on, lands_at, effect });
                self.no_answer(server, request).await
            }
            Some(Fault::Refused) => Err(refused(request)),
            Some(Fault::Throttled) => Err(throttled(request)),
            Some(Fault::Rival) => {
                let sent = self.clock.running();
                self.halt(me, Halt::Rival).await;
                let under_way = self.clock.running().saturating_sub(sent);
                match server {
                    // What is still under way then does not arrive any more.
                    Server::Remote if under_way > PATIENCE + LATE_BY => self.no_answer(server, request).await,
                    Server::Remote | Server::Journal => effect(),
                }
            }
            None | Some(Fault::Paused | Fault::StaleLease | Fault::ClockBack | Fault::ClockForward) => {
                effect()
            }
        };
        self.changed();
        self.afterwards(me, fault).await;
        answer
    }

    fn begin(&self, me: ProcessId, server: Server, request: Request, kind: Kind) -> Option<Fault> {
        let mut state = self.state();
        let known = state.counts.iter().position(|(known, _)| *known == request);
        let at = known.unwrap_or(state.counts.len());
        if known.is_none() {
            state.counts.push((request, 0));
        }
        state.counts[at].1 += 1;
        let nth = state.counts[at].1;
        let fault = state.schedule.fault(request, nth, server, kind);
        state.sent.push(Sent { nth, process: me.0, request, server, kind, fault });
        fault
    }

    async fn afterwards(&self, me: ProcessId, fault: Option<Fault>) {
        match fault {
            Some(Fault::Paused) => self.halt(me, Halt::Paused).await,
            Some(Fault::StaleLease) => self.halt(me, Halt::Stale).await,
            Some(Fault::ClockBack) => self.clock.set_back(JUMP),
            Some(Fault::ClockForward) => self.clock.set_forward(JUMP),
            None
            | Some(
                Fault::CrashBefore
                | Fault::CrashAfter
                | Fault::LostReply
                | Fault::LostRequest
                | Fault::Late
                | Fault::Refused
                | Fault::Throttled
                | Fault::Rival,
            ) => {}
        }
    }

    /// A remote side that does not answer is waited for until the caller's own deadline; the disk says that it failed.
    async fn no_answer<T>(&self, server: Server, request: Request) -> Result<T> {
        match server {
            Server::Remote => pending().await,
            Server::Journal => {
                Err(Error::maybe_applied(ErrorKind::Unavailable, request.verb, "the disk failed"))
            }
        }
    }

    async fn die<T>(&self, me: ProcessId) -> T {
        self.mark(me, Halt::Dead);
        pending().await
    }

    async fn halt(&self, me: ProcessId, halt: Halt) {
        self.mark(me, halt);
        self.going_on(me).await;
    }

    fn mark(&self, me: ProcessId, halt: Halt) {
        let watchers = {
            let mut state = self.state();
            state.halted.insert(me, halt);
            std::mem::take(&mut state.watchers)
        };
        watchers.into_iter().for_each(Waker::wake);
    }

    /// Resolves once `process` runs.
    async fn going_on(&self, process: ProcessId) {
        poll_fn(|context| {
            let mut state = self.state();
            if state.halted.contains_key(&process) {
                state.watchers.push(context.waker().clone());
                return Poll::Pending;
            }
            Poll::Ready(())
        })
        .await;
    }

    fn land_what_is_due(&self) {
        let now = self.clock.running();
        self.land(|in_flight| in_flight.lands_at <= now);
    }

    fn land(&self, lands: impl Fn(&InFlight) -> bool) {
        let landing: Vec<_> = {
            let mut state = self.state();
            if state.in_flight.is_empty() {
                return;
            }
            let (landing, staying) = std::mem::take(&mut state.in_flight).into_iter().partition(&lands);
            state.in_flight = staying;
            landing
        };
        for in_flight in landing {
            (in_flight.effect)();
            self.changed();
        }
    }

    fn changed(&self) {
        let check = self.check.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(check) = check {
            check();
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn refused(request: Request) -> Error {
    Error::not_applied(ErrorKind::PermissionDenied, request.verb, "not allowed")
}

fn throttled(request: Request) -> Error {
    Error::not_applied(ErrorKind::RateLimited, request.verb, "too many requests")
}

/// Time as one process has it: it passes for everybody, and a process that is halted sleeps on.
pub(crate) struct ProcessClock {
    pub(crate) network: Network,
    pub(crate) process: ProcessId,
}

#[async_trait]
impl Clock for ProcessClock {
    fn now(&self) -> Timestamp {
        self.network.clock.now()
    }

    fn running(&self) -> Duration {
        self.network.clock.running()
    }

    async fn sleep(&self, duration: Duration) {
        self.network.going_on(self.process).await;
        self.network.clock.sleep(duration).await;
        self.network.going_on(self.process).await;
    }
}
