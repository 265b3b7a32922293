//! Runs the items of a plan: in the order of their dependencies, as many at once as the inventory allows.

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex},
    time::Duration,
};

use keywheel_core::{
    Clock, Entropy, Error, ErrorKind, Initiator, Result, RotationId, SecretName,
    inventory::Inventory,
    journal::Journal,
    plan::{Item, Plan, Reason, Selection, Work},
    rotation::{Event, History, IllegalRecord, NewRecord, Record, Started},
};
use tokio::{sync::Semaphore, task::JoinSet};

use crate::{
    audit::Audit,
    drive::Drive,
    event::{Boundary, EngineEvent, Observer},
    gather::{Gathers, UnderWay},
    keys::Keys,
    layers::Traced,
    lease::HeldLease,
    limits::Limits,
    observe,
    post::Post,
    provided::{ProvidedValues, StdinValue},
    report::{Ended, ItemReport, RunReport},
    status::status,
    stop::Stop,
};

/// What an engine is made of.
pub struct EngineParts {
    /// The inventory.
    pub inventory: Arc<Inventory>,
    /// The journal.
    pub journal: Arc<dyn Journal>,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub entropy: Arc<dyn Entropy>,
    /// The installation's keys.
    pub keys: Keys,
    /// Reads user-provided values.
    pub provided: Arc<dyn ProvidedValues>,
    /// A value piped in by the operator.
    pub stdin: StdinValue,
    /// Who listens.
    pub observer: Arc<dyn Observer>,
    /// Where a crash harness may kill the process.
    pub boundary: Arc<dyn Boundary>,
    /// Who is at work.
    pub initiator: Initiator,
    /// How long one run waits for a retry before it leaves it to the next run. Zero for none.
    pub patience: Duration,
}

/// Runs rotations.
pub struct Engine {
    pub(crate) inventory: Arc<Inventory>,
    pub(crate) journal: Arc<dyn Journal>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) entropy: Arc<dyn Entropy>,
    pub(crate) keys: Keys,
    pub(crate) provided: Arc<dyn ProvidedValues>,
    pub(crate) stdin: StdinValue,
    pub(crate) observer: Arc<dyn Observer>,
    pub(crate) post: Arc<Post>,
    pub(crate) boundary: Arc<dyn Boundary>,
    pub(crate) initiator: Initiator,
    pub(crate) patience: Duration,
    pub(crate) limits: Limits,
    pub(crate) gathers: Arc<Gathers>,
    pub(crate) audit: Audit,
    pub(crate) stop: Stop,
    /// Secrets that a task of this very process works on: the journal's lease keeps processes apart, this keeps tasks.
    busy: Mutex<HashSet<SecretName>>,
}

impl Engine {
    /// Puts an engine together.
    pub fn new(parts: EngineParts) -> Arc<Self> {
        let limits = Limits::new(&parts.inventory, parts.clock.clone());
        let stop = Stop::default();
        let gathers = Gathers::new(&parts.inventory, parts.clock.clone(), stop.clone());
        let audit = Audit::new(&parts.inventory.audit_log, parts.keys.clone(), parts.clock.clone());
        // Only traced. How long a journal may take, and what is asked of it again, is known to whoever opened it: to give up
        // a record on a slow disk would turn an effect that is on its way into one that nobody knows about.
        let journal = Arc::new(Traced::around(parts.journal, parts.clock.clone(), "journal"));
        let post = Arc::new(Post::new(parts.inventory.clone(), parts.clock.clone(), parts.observer));
        Arc::new(Self {
            limits,
            gathers: Arc::new(gathers),
            audit,
            inventory: parts.inventory,
            journal,
            clock: parts.clock,
            entropy: parts.entropy,
            keys: parts.keys,
            provided: parts.provided,
            stdin: parts.stdin,
            observer: post.clone(),
            post,
            boundary: parts.boundary,
            initiator: parts.initiator,
            patience: parts.patience,
            stop,
            busy: Mutex::default(),
        })
    }

    /// The inventory.
    pub fn inventory(&self) -> &Arc<Inventory> {
        &self.inventory
    }

    /// The journal.
    pub fn journal(&self) -> &Arc<dyn Journal> {
        &self.journal
    }

    /// The installation's keys.
    pub fn keys(&self) -> &Keys {
        &self.keys
    }

    /// The audit.
    pub fn audit(&self) -> &Audit {
        &self.audit
    }

    /// What asks this engine to stop.
    pub fn stop(&self) -> &Stop {
        &self.stop
    }

    /// Runs every item of `plan`. `reason` is the operator's; without one the plan's own reasons are recorded.
    ///
    /// # Errors
    /// When the audit cannot be written or was tampered with: nothing is begun then. What happens to an item is in the
    /// report.
    pub async fn run(self: &Arc<Self>, plan: &Plan, reason: Option<&str>) -> Result<RunReport> {
        self.audit.catch_up(self.journal.as_ref()).await?;
        self.remind(plan).await;
        let ended = self.run_items(plan, reason).await;
        self.post.last_call(self.journal.as_ref()).await;
        self.audit.catch_up(self.journal.as_ref()).await?;
        let items = plan
            .items
            .iter()
            .map(|item| {
                let (rotation, ended) = ended.get(&item.secret).cloned().unwrap_or_else(|| {
                    let because = "the run was asked to stop".to_owned();
                    (None, Ended::NotBegun { because })
                });
                ItemReport { secret: item.secret.clone(), rotation, ended }
            })
            .collect();
        Ok(RunReport { items })
    }

    /// Tells of what is overdue by far, in the runs that are there to keep it from being so.
    async fn remind(&self, plan: &Plan) {
        if plan.selection != Selection::Due || !self.post.speaks_of_overdue() {
            return;
        }
        let reminded = match status(self, self.clock.now()).await {
            Ok(statuses) => self.post.overdue(self.journal.as_ref(), &statuses).await,
            Err(error) => Err(error),
        };
        if let Err(error) = reminded {
            tracing::warn!(%error, "nobody was told of what is overdue");
        }
    }

    async fn run_items(
        self: &Arc<Self>,
        plan: &Plan,
        reason: Option<&str>,
    ) -> HashMap<SecretName, (Option<RotationId>, Ended)> {
        let running = Arc::new(Semaphore::new(self.inventory.concurrency.max(1)));
        let mut ended: HashMap<SecretName, (Option<RotationId>, Ended)> = HashMap::new();
        let mut tasks = JoinSet::new();
        let mut waiting: Vec<&Item> = plan.items.iter().collect();
        let mut unfinished: HashSet<&SecretName> =
            plan.items.iter().filter(|item| resumes(item)).map(|item| &item.secret).collect();
        loop {
            let mut still = Vec::new();
            for item in waiting {
                if self.stop.requested() {
                    continue;
                }
                match blocker(item, &unfinished, &ended) {
                    Blocker::None => {
                        let engine = Arc::clone(self);
                        let item = item.clone();
                        let reason = reason.map(str::to_owned);
                        let under_way = self.under_way(&item, &running);
                        tasks.spawn(async move {
                            under_way.turn().await;
                            let result = engine.run_item(&item, reason.as_deref()).await;
                            (item.secret, result)
                        });
                    }
                    Blocker::Pending => still.push(item),
                    Blocker::Failed(name) => {
                        let because = format!("`{name}` must come first and did not succeed");
                        unfinished.remove(&item.secret);
                        self.finish_item(
                            &mut ended,
                            item.secret.clone(),
                            (None, Ended::NotBegun { because }),
                        );
                    }
                }
            }
            waiting = still;
            let Some(done) = tasks.join_next().await else { break };
            let (secret, result) = done.unwrap_or_else(|error| std::panic::resume_unwind(error.into_panic()));
            unfinished.remove(&secret);
            self.finish_item(&mut ended, secret, result);
        }
        ended
    }

    /// What is half done is not waited for: it may have told its consumers already.
    fn under_way(&self, item: &Item, running: &Arc<Semaphore>) -> UnderWay {
        let told = if resumes(item) { &[][..] } else { &item.spec.consumers[..] };
        self.gathers.under_way(&item.secret, told.iter().map(|consumer| consumer.name.clone()), running)
    }

    fn finish_item(
        &self,
        ended: &mut HashMap<SecretName, (Option<RotationId>, Ended)>,
        secret: SecretName,
        result: (Option<RotationId>, Ended),
    ) {
        self.observer.on(&EngineEvent::Ended { secret: &secret, ended: &result.1 });
        ended.insert(secret, result);
    }

    async fn run_item(self: &Arc<Self>, item: &Item, reason: Option<&str>) -> (Option<RotationId>, Ended) {
        if self.stop.requested() {
            return (None, Ended::NotBegun { because: "the run was asked to stop".to_owned() });
        }
        let (lease, _busy) = match self.lease(&item.secret).await {
            Ok(Ok(lease)) => lease,
            Ok(Err(ended)) => return (None, ended),
            Err(error) => return (None, stopped(&error)),
        };
        let result = self.run_under(&lease, item, reason).await;
        lease.release().await;
        result
    }

    async fn run_under(
        self: &Arc<Self>,
        lease: &Arc<HeldLease>,
        item: &Item,
        reason: Option<&str>,
    ) -> (Option<RotationId>, Ended) {
        // Under the lease the journal is read once more: since the plan was made another process may have begun,
        // or finished, a rotation of this secret.
        let records = match self
            .journal
            .unfinished_of(&item.secret)
            .await
            .and_then(|records| observe::fold(&records))
        {
            Ok(history) => history,
            Err(error) => return (None, stopped(&error)),
        };
        let history = match (&item.work, records) {
            (Work::Resume { rotation, .. }, Some(history)) if history.id == *rotation => history,
            (Work::Resume { .. }, None) => {
                return (
                    None,
                    Ended::NotBegun { because: "another process finished that rotation".to_owned() },
                );
            }
            (Work::Resume { .. } | Work::Create | Work::Rotate, Some(history)) => {
                let because = format!("another process began rotation {} meanwhile", history.id);
                return (Some(history.id), Ended::NotBegun { because });
            }
            (Work::Create | Work::Rotate, None) => match self.overtaken(item).await {
                Ok(None) => match self.begin(lease, item, reason).await {
                    Ok(history) => history,
                    Err(error) => return (None, stopped(&error)),
                },
                Ok(Some(because)) => return (None, Ended::NotBegun { because }),
                Err(error) => return (None, stopped(&error)),
            },
        };
        let id = history.id;
        (Some(id), Drive::new(self, lease, history).run().await)
    }

    /// Why the plan does not hold any more, if another process carried it out: two replicas plan the same work at the same
    /// time, and the second one to get the lease would rotate what has just been rotated.
    async fn overtaken(&self, item: &Item) -> Result<Option<String>> {
        let last = self.journal.last_rotation(&item.secret).await?;
        // Not by the time at which it ended: a clock may have been set back since.
        Ok(last.filter(|last| Some(last.rotation) != item.last).map(|last| {
            format!("another process finished rotation {} after the plan was made", last.rotation)
        }))
    }

    async fn begin(&self, lease: &HeldLease, item: &Item, reason: Option<&str>) -> Result<History> {
        let rotation = self.entropy.rotation_id().map_err(|error| {
            Error::not_applied(ErrorKind::Unavailable, "begin rotation", error.to_string())
        })?;
        let started = Started {
            spec: item.spec.clone(),
            reason: reason.map_or_else(|| reason_in_words(item), str::to_owned),
            initiator: self.initiator.clone(),
        };
        let first = NewRecord {
            rotation,
            secret: item.secret.clone(),
            at: self.clock.now(),
            fence: lease.fence(),
            event: Event::Started(Box::new(started)),
        };
        let illegal = |illegal: IllegalRecord| {
            Error::not_applied(ErrorKind::Internal, "begin rotation", illegal.to_string())
        };
        // Before it is written, as with every other record: what is in the journal stays.
        History::begin(&Record { seq: 0, body: first.clone() }).map_err(illegal)?;
        let record = lease.append(first).await?;
        let history = History::begin(&record).map_err(illegal)?;
        self.observer.on(&EngineEvent::Recorded { record: &record, history: &history });
        Ok(history)
    }

    /// The lease of `secret`, together with the mark that keeps other tasks of this process away from it.
    pub(crate) async fn lease(
        self: &Arc<Self>,
        secret: &SecretName,
    ) -> Result<std::result::Result<(Arc<HeldLease>, Busy), Ended>> {
        let Some(busy) = Busy::mark(self, secret) else {
            let because = "this process works on it already".to_owned();
            return Ok(Err(Ended::NotBegun { because }));
        };
        let lease = match HeldLease::acquire(secret, &self.initiator, &self.journal, &self.clock).await? {
            Ok(lease) => lease,
            Err(holder) => return Ok(Err(Ended::Held(holder))),
        };
        if let Some(quiet) = lease.quiet() {
            self.observer.on(&EngineEvent::TakesOver { secret, quiet });
            tokio::select! {
                biased;
                // It is not given back: whoever gets it next has to know that nobody has waited yet.
                () = self.stop.wait() => {
                    let because = "the run was asked to stop".to_owned();
                    return Ok(Err(Ended::NotBegun { because }));
                }
                () = self.clock.sleep(quiet) => {}
            }
        }
        Ok(Ok((lease, busy)))
    }
}

/// While it lives, no other task of this process works on the secret.
pub(crate) struct Busy {
    engine: Arc<Engine>,
    secret: SecretName,
}

impl Busy {
    fn mark(engine: &Arc<Engine>, secret: &SecretName) -> Option<Self> {
        let mut busy = engine.busy.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        busy.insert(secret.clone()).then(|| Self { engine: Arc::clone(engine), secret: secret.clone() })
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        self.engine.busy.lock().unwrap_or_else(std::sync::PoisonError::into_inner).remove(&self.secret);
    }
}

/// Nothing more may be done: the records say where the rotation stands.
pub(crate) fn stopped(error: &Error) -> Ended {
    Ended::Stopped { kind: error.kind, message: error.to_string() }
}

fn reason_in_words(item: &Item) -> String {
    let reasons: Vec<_> = item.reasons.iter().map(Reason::word).collect();
    reasons.join(", ")
}

enum Blocker {
    None,
    Pending,
    Failed(SecretName),
}

fn resumes(item: &Item) -> bool {
    matches!(item.work, Work::Resume { .. })
}

/// What `item` waits for; `unfinished` are the plan's resumed rotations that have not ended yet.
fn blocker(
    item: &Item,
    unfinished: &HashSet<&SecretName>,
    ended: &HashMap<SecretName, (Option<RotationId>, Ended)>,
) -> Blocker {
    let mut pending = false;
    for name in &item.after {
        match ended.get(name) {
            Some((_, ended)) if ended.lets_dependents_go() => {}
            Some(_) => return Blocker::Failed(name.clone()),
            None => pending = true,
        }
    }
    // What is half done is brought on before anything new is begun.
    if pending || (!resumes(item) && !unfinished.is_empty()) { Blocker::Pending } else { Blocker::None }
}

#[cfg(test)]
mod tests {
    use keywheel_core::rotation::{Flow, RetryPolicy, RotationSpec, Source};

    use super::*;

    fn item(name: &str, work: Work) -> Item {
        let secret = SecretName::from(name);
        let spec = RotationSpec {
            secret: secret.clone(),
            flow: Flow::Credential,
            source: Source::Provided,
            stores: Vec::new(),
            target: None,
            consumers: Vec::new(),
            overlap: Duration::ZERO,
            retry: RetryPolicy::default(),
        };
        let (reasons, seen, after, warnings) = Default::default();
        Item { secret, work, reasons, spec, seen, provided: None, last: None, after, warnings }
    }

    #[test]
    fn what_is_half_done_is_brought_on_before_anything_new_begins() {
        let rotation = RotationId::from_random([7; 16]);
        let begun = item("begun", Work::Resume { rotation, step: "retire".to_owned(), undoing: false });
        let new = item("new", Work::Rotate);
        let ended = HashMap::new();
        let unfinished = HashSet::from([&begun.secret]);
        assert!(matches!(blocker(&begun, &unfinished, &ended), Blocker::None));
        assert!(matches!(blocker(&new, &unfinished, &ended), Blocker::Pending));
        assert!(matches!(blocker(&new, &HashSet::new(), &ended), Blocker::None));
    }
}
