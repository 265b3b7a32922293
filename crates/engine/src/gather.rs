//! Many secrets that reload one consumer reload it once.
//!
//! A message that makes a consumer read all its secrets again, whatever it says, covers every secret that was promoted
//! before the message *began*: a group commit. So a rotation that has come to such a message waits a moment while other
//! rotations of the same run are on their way to it; then one call is made for all who wait, and each writes down its own
//! outcome. A rotation that comes while the call is under way waits for the next one: the consumer may have read its
//! secret already.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use keywheel_core::{
    CallContext, Clock, ConsumerName, Effect, Error, ErrorKind, Result, SecretName, SecretValue,
    inventory::{DeclaredConsumer, Inventory},
    notifier::{Adoption, Notice, Notifier},
    provider::Finding,
};
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore, watch};

use crate::stop::Stop;

/// How long the first who comes waits for the others. A consumer is told late by so much at most, and a lease lives longer.
const MOMENT: Duration = Duration::from_secs(5);

/// The consumers of an inventory that one message tells everything, and the secrets on their way to them.
pub(crate) struct Gathers {
    clock: Arc<dyn Clock>,
    stop: Stop,
    consumers: HashMap<ConsumerName, Arc<Gather>>,
    /// The turns of rotations that run.
    turns: Mutex<HashMap<SecretName, Arc<Turn>>>,
}

/// One consumer.
#[derive(Default)]
struct Gather {
    state: Mutex<State>,
    /// Somebody came, or will not come.
    changed: Notify,
}

#[derive(Default)]
struct State {
    /// Secrets of this run that have not come to their message yet.
    coming: HashSet<SecretName>,
    /// The call that has not begun.
    open: Option<watch::Receiver<Option<Told>>>,
}

/// What became of the one call, for each who waited.
type Told = std::result::Result<(), Copied>;

/// An error as often as it is needed.
#[derive(Clone)]
struct Copied {
    kind: ErrorKind,
    effect: Effect,
    operation: &'static str,
    message: String,
    context: Vec<(&'static str, String)>,
}

impl Copied {
    fn of(error: &Error) -> Self {
        Self {
            kind: error.kind,
            effect: error.effect,
            operation: error.operation,
            message: error.message.clone(),
            context: error.context.clone(),
        }
    }

    fn into_error(self) -> Error {
        let Self { kind, effect, operation, message, context } = self;
        Error { effect, context, ..Error::not_applied(kind, operation, message) }
    }
}

/// The right to be one of the rotations that run at once. It is given up while a rotation only waits for others, so that
/// these others can run.
struct Turn {
    running: Arc<Semaphore>,
    permit: Mutex<Option<OwnedSemaphorePermit>>,
}

impl Turn {
    async fn take(&self) {
        let permit = Arc::clone(&self.running).acquire_owned().await.expect("the semaphore is never closed");
        *lock(&self.permit) = Some(permit);
    }

    fn give_up(&self) {
        drop(lock(&self.permit).take());
    }

    /// Takes it again, if it was given up: behind those who wait for theirs.
    async fn take_again(&self) {
        let given_up = lock(&self.permit).is_none();
        if given_up {
            self.take().await;
        }
    }
}

impl Gathers {
    pub(crate) fn new(inventory: &Inventory, clock: Arc<dyn Clock>, stop: Stop) -> Self {
        Self::of(&inventory.consumers, clock, stop)
    }

    fn of(declared: &BTreeMap<ConsumerName, DeclaredConsumer>, clock: Arc<dyn Clock>, stop: Stop) -> Self {
        let consumers = declared
            .iter()
            .filter(|(_, declared)| {
                let notifier = declared.consumer.notifier();
                // One call brings one value: it cannot stand for several, whatever the notifier says of itself.
                notifier.tells_everything() && !notifier.wants_value()
            })
            .map(|(name, _)| (name.clone(), Arc::default()))
            .collect();
        Self { clock, stop, consumers, turns: Mutex::default() }
    }

    /// Says that `secret` is about to run, and which consumers its rotation will tell. Until the guard is dropped, or the
    /// rotation has come to them, others wait a moment for it.
    pub(crate) fn under_way(
        self: &Arc<Self>,
        secret: &SecretName,
        consumers: impl Iterator<Item = ConsumerName>,
        running: &Arc<Semaphore>,
    ) -> UnderWay {
        let turn = Arc::new(Turn { running: Arc::clone(running), permit: Mutex::default() });
        lock(&self.turns).insert(secret.clone(), Arc::clone(&turn));
        let consumers: Vec<_> =
            consumers.filter_map(|name| self.consumers.get(&name).map(Arc::clone)).collect();
        for gather in &consumers {
            lock(&gather.state).coming.insert(secret.clone());
        }
        UnderWay { gathers: Arc::clone(self), secret: secret.clone(), turn, consumers }
    }

    /// `notifier` of the consumer called `name`, so that it is told once for all who come together.
    pub(crate) fn around(
        self: &Arc<Self>,
        name: &ConsumerName,
        notifier: Arc<dyn Notifier>,
    ) -> Arc<dyn Notifier> {
        match self.consumers.get(name) {
            Some(gather) => {
                Arc::new(Gathered { gathers: Arc::clone(self), gather: Arc::clone(gather), inner: notifier })
            }
            None => notifier,
        }
    }

    fn turn_of(&self, secret: &SecretName) -> Option<Arc<Turn>> {
        lock(&self.turns).get(secret).cloned()
    }
}

/// A rotation of this run.
pub(crate) struct UnderWay {
    gathers: Arc<Gathers>,
    secret: SecretName,
    turn: Arc<Turn>,
    consumers: Vec<Arc<Gather>>,
}

impl UnderWay {
    /// Waits until it is this rotation's turn to run.
    pub(crate) async fn turn(&self) {
        self.turn.take().await;
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.turn.give_up();
        lock(&self.gathers.turns).remove(&self.secret);
        for gather in &self.consumers {
            gather.nobody_waits_for(&self.secret);
        }
    }
}

impl Gather {
    /// It has come, or it will not come.
    fn nobody_waits_for(&self, secret: &SecretName) {
        if lock(&self.state).coming.remove(secret) {
            self.changed.notify_waiters();
        }
    }

    /// Joins the call that has not begun, or opens one.
    fn join(&self) -> Part {
        let mut state = lock(&self.state);
        match &state.open {
            // Closed without a word: whoever was to make the call is gone.
            Some(open) if open.has_changed().is_ok() => Part::Waits(open.clone()),
            Some(_) | None => {
                let (tell, told) = watch::channel(None);
                state.open = Some(told);
                Part::Calls(tell)
            }
        }
    }

    /// Whoever comes from now on is not covered.
    fn close(&self) {
        lock(&self.state).open = None;
    }

    fn somebody_comes(&self) -> bool {
        !lock(&self.state).coming.is_empty()
    }

    async fn all_came(&self) {
        loop {
            // Before the look: what changes between the two is not missed.
            let changed = self.changed.notified();
            if !self.somebody_comes() {
                return;
            }
            changed.await;
        }
    }
}

enum Part {
    Calls(watch::Sender<Option<Told>>),
    Waits(watch::Receiver<Option<Told>>),
}

/// A notifier that is called once for all who come together.
struct Gathered {
    gathers: Arc<Gathers>,
    gather: Arc<Gather>,
    inner: Arc<dyn Notifier>,
}

impl Gathered {
    async fn call(
        &self,
        tell: watch::Sender<Option<Told>>,
        turn: Option<&Turn>,
        context: &CallContext,
        notice: &Notice,
    ) -> Result<()> {
        if self.gather.somebody_comes() {
            step_aside(turn);
        }
        tokio::select! {
            biased;
            () = self.gather.all_came() => {}
            () = self.gathers.stop.wait() => {}
            () = self.gathers.clock.sleep(MOMENT) => {}
        }
        self.gather.close();
        let result = self.inner.notify(context, notice).await;
        tell.send_replace(Some(result.as_ref().copied().map_err(Copied::of)));
        result
    }

    async fn told(&self, turn: Option<&Turn>, context: &CallContext, notice: &Notice) -> Result<()> {
        loop {
            match self.gather.join() {
                Part::Calls(tell) => return self.call(tell, turn, context, notice).await,
                Part::Waits(mut told) => {
                    step_aside(turn);
                    let told = told.wait_for(Option::is_some).await.map(|told| told.clone());
                    match told {
                        Ok(Some(Ok(()))) => return Ok(()),
                        // A lost lease is the caller's own, and this rotation's may be as good as ever.
                        Ok(Some(Err(error))) if error.kind != ErrorKind::Fenced => {
                            return Err(error.into_error());
                        }
                        Ok(Some(Err(_)) | None) | Err(_) => {}
                    }
                }
            }
        }
    }
}

#[deny(clippy::missing_trait_methods)]
#[async_trait]
impl Notifier for Gathered {
    async fn notify(&self, context: &CallContext, notice: &Notice) -> Result<()> {
        let turn = self.gathers.turn_of(&notice.secret);
        self.gather.nobody_waits_for(&notice.secret);
        let result = self.told(turn.as_deref(), context, notice).await;
        if let Some(turn) = &turn {
            turn.take_again().await;
        }
        result
    }

    fn wants_value(&self) -> bool {
        self.inner.wants_value()
    }

    async fn notify_with(&self, context: &CallContext, notice: &Notice, value: &SecretValue) -> Result<()> {
        // Nobody who wants a value is gathered.
        self.inner.notify_with(context, notice, value).await
    }

    async fn adopted(&self, notice: &Notice) -> Result<Adoption> {
        self.inner.adopted(notice).await
    }

    fn tells_everything(&self) -> bool {
        self.inner.tells_everything()
    }

    async fn examine(&self) -> Vec<Finding> {
        self.inner.examine().await
    }
}

/// Lets others run while this rotation waits for them.
fn step_aside(turn: Option<&Turn>) {
    if let Some(turn) = turn {
        turn.give_up();
    }
}

fn lock<T>(state: &Mutex<T>) -> MutexGuard<'_, T> {
    // What is kept here is whole between any two statements.
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
