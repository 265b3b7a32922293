//! The lease under which one secret is worked on: whether it is still ours is asked again before every effect.
//!
//! An intent is written under the lease, and the effect comes after it. If the process stands still between the two (it
//! was stopped, its machine was paused) for longer than the lease lives, somebody else has taken over meanwhile, and what
//! it does next would be done under a lease that is not its own any more.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use jiff::Timestamp;
use keywheel_core::{
    CallContext, Clock, Error, ErrorKind, Fence, Initiator, Result, RotationId, SecretName,
    journal::{Acquired, Holder, Journal, Lease},
    mutation::{Mutation, mutated},
    rotation::{NewRecord, Record},
};

use crate::layers::{CALL_TIME, Layer};

/// How long a lease lives without a sign of life of its holder.
const LIFETIME: Duration = Duration::from_mins(1);

/// How long nobody reads or changes anything under a lease that was taken from a living process. The journal judged by a
/// clock, and a clock can be wrong: whoever had the lease may have seen it confirmed a moment ago.
const QUIET: Duration = LIFETIME;

/// How long ago the journal may have said that the lease is ours for an effect to begin.
const CONFIRMED: Duration = Duration::from_secs(20);

// An effect begins at most `CONFIRMED` after the lease was ours and is given up `CALL_TIME` later: before anybody else can
// have the lease, even if this process gave no sign of life since.
const _: () = assert!(CONFIRMED.as_secs() + CALL_TIME.as_secs() < LIFETIME.as_secs());

// What began at the last moment is over by the time at which whoever took the lease over begins.
const _: () = assert!(CONFIRMED.as_secs() + CALL_TIME.as_secs() < QUIET.as_secs());

/// A lease that the journal gave us, and when it last said so.
pub(crate) struct HeldLease {
    lease: Lease,
    /// From a process that may be alive.
    taken_over: bool,
    journal: Arc<dyn Journal>,
    clock: Arc<dyn Clock>,
    initiator: Initiator,
    /// In running time: a clock that is set meanwhile changes nothing.
    confirmed_at: Mutex<Duration>,
}

impl HeldLease {
    /// Asks for the lease of `secret`.
    pub(crate) async fn acquire(
        secret: &SecretName,
        initiator: &Initiator,
        journal: &Arc<dyn Journal>,
        clock: &Arc<dyn Clock>,
    ) -> Result<std::result::Result<Arc<Self>, Holder>> {
        // Here and below: from when the question was asked, since nobody knows when it was answered.
        let asked_at = clock.running();
        let (lease, taken_over) = match journal.acquire(secret, initiator, LIFETIME).await? {
            Acquired::Yes(lease) => (lease, false),
            Acquired::TakenOver(lease) => (lease, true),
            Acquired::HeldBy(holder) => return Ok(Err(holder)),
        };
        Ok(Ok(Arc::new(Self {
            lease,
            taken_over,
            journal: Arc::clone(journal),
            clock: Arc::clone(clock),
            initiator: initiator.clone(),
            confirmed_at: Mutex::new(asked_at),
        })))
    }

    /// How long to wait before anything is looked at: what the holder before has begun may happen until then.
    pub(crate) fn quiet(&self) -> Option<Duration> {
        self.taken_over.then_some(QUIET)
    }

    /// The circumstances of a call under this lease. The deadline is set when the call's turn has come.
    pub(crate) fn context(
        &self,
        rotation: RotationId,
        started_at: Timestamp,
        initiator: Initiator,
    ) -> CallContext {
        CallContext { rotation, started_at, initiator, deadline: Duration::MAX, fence: self.fence() }
    }

    /// The number that later holders exceed.
    pub(crate) fn fence(&self) -> Fence {
        self.lease.fence
    }

    /// Makes `record` durable. That the journal took it says that the lease is ours.
    pub(crate) async fn append(&self, record: NewRecord) -> Result<Record> {
        let asked_at = self.clock.running();
        let record = match self.journal.append(&self.lease, record.clone()).await {
            Err(error) if mutated(Mutation::LeaseRenewedAfterLoss) && error.kind == ErrorKind::Fenced => {
                let again = self.journal.acquire(&self.lease.secret, &self.initiator, LIFETIME).await?;
                let (Acquired::Yes(lease) | Acquired::TakenOver(lease)) = again else { return Err(error) };
                self.journal.append(&lease, NewRecord { fence: lease.fence, ..record }).await?
            }
            appended => appended?,
        };
        self.confirmed(asked_at);
        Ok(record)
    }

    /// Makes records that follow one another durable, at the cost of one where the journal can.
    pub(crate) async fn append_all(&self, mut records: Vec<NewRecord>) -> Result<Vec<Record>> {
        if records.len() == 1
            && let Some(record) = records.pop()
        {
            return Ok(vec![self.append(record).await?]);
        }
        let asked_at = self.clock.running();
        let written = self.journal.append_all(&self.lease, records).await?;
        self.confirmed(asked_at);
        Ok(written)
    }

    /// Gives it back. One that was lost is nobody's loss, and one that cannot be given back expires.
    pub(crate) async fn release(&self) {
        give_back(&*self.journal, &self.lease).await;
    }

    /// Makes sure that the journal said so not too long ago, asking it again if need be.
    async fn confirm(&self, operation: &'static str) -> Result<()> {
        loop {
            let asked_at = self.clock.running();
            let confirmed_at = *self.confirmed_at.lock().unwrap_or_else(PoisonError::into_inner);
            if asked_at.saturating_sub(confirmed_at) <= CONFIRMED || mutated(Mutation::NoFencing) {
                return Ok(());
            }
            self.ask(operation).await?;
            // The process may have been stopped between the answer and here: then the answer is an old one as well.
            self.confirmed(asked_at);
        }
    }

    /// Asks the journal whether the lease is still ours.
    async fn ask(&self, operation: &'static str) -> Result<()> {
        let lost = |why: String| {
            let message = format!("the lease was lost before the call, and nothing was sent: {why}");
            Err(Error::not_applied(ErrorKind::Fenced, operation, message).with("secret", &self.lease.secret))
        };
        match self.journal.acquire(&self.lease.secret, &self.initiator, LIFETIME).await {
            Ok(Acquired::Yes(lease) | Acquired::TakenOver(lease)) if lease.fence == self.lease.fence => {
                Ok(())
            }
            Ok(Acquired::Yes(_) | Acquired::TakenOver(_)) if mutated(Mutation::LeaseRenewedAfterLoss) => {
                Ok(())
            }
            Ok(Acquired::Yes(new) | Acquired::TakenOver(new)) => {
                // It was lost, and is free again. What the other holder did meanwhile nobody here has read.
                give_back(&*self.journal, &new).await;
                lost("another process held it meanwhile".to_owned())
            }
            Ok(Acquired::HeldBy(holder)) => {
                lost(format!("{} holds it since {}", holder.initiator, holder.since))
            }
            // What stands in the way of the question stands in the way of the call, and says nothing about its receiver.
            Err(error) => {
                let message = format!("the lease could not be confirmed, and nothing was sent: {error}");
                Err(Error::not_applied(ErrorKind::Unavailable, operation, message))
            }
        }
    }

    fn confirmed(&self, at: Duration) {
        *self.confirmed_at.lock().unwrap_or_else(PoisonError::into_inner) = at;
    }
}

async fn give_back(journal: &dyn Journal, lease: &Lease) {
    if let Err(error) = journal.release(lease).await {
        // It expires by itself, and whoever comes next finds this process gone.
        tracing::warn!(secret = %lease.secret, %error, "the lease could not be given back");
    }
}

/// The layer that lets a call which changes something through only under a confirmed lease, with that lease's fence and a
/// deadline that begins now: whatever the call waited for before its turn came is not its own time.
#[derive(Clone)]
pub(crate) struct Leased(pub(crate) Option<Arc<HeldLease>>);

impl Layer for Leased {
    async fn look<T, F>(&self, _operation: &'static str, call: impl Fn() -> F + Send + Sync) -> Result<T>
    where
        T: Send,
        F: Future<Output = Result<T>> + Send,
    {
        call().await
    }

    async fn change<T, F>(
        &self,
        operation: &'static str,
        context: CallContext,
        call: impl FnOnce(CallContext) -> F + Send,
    ) -> Result<T>
    where
        T: Send,
        F: Future<Output = Result<T>> + Send,
    {
        let Some(lease) = &self.0 else {
            let why = "a change was about to be made through a handle that is there to look";
            return Err(Error::not_applied(ErrorKind::Internal, operation, why));
        };
        lease.confirm(operation).await?;
        let deadline = lease.clock.running() + CALL_TIME;
        call(CallContext { deadline, fence: lease.fence(), ..context }).await
    }

    async fn write<T, F>(&self, _operation: &'static str, call: impl FnOnce() -> F + Send) -> Result<T>
    where
        T: Send,
        F: Future<Output = Result<T>> + Send,
    {
        call().await
    }
}
