use std::{collections::BTreeMap, sync::atomic::AtomicUsize, sync::atomic::Ordering::SeqCst};

use jiff::Timestamp;
use keywheel_core::{
    Fence, Initiator, RotationId,
    inventory::{DeclaredConsumer, Period},
    notifier::Phase,
    provider::Consumer,
    rotation::OnDeadline,
};
use keywheel_testkit::ManualClock;
use tokio::task::JoinHandle;

use super::*;

/// A consumer that reloads when it is told, once somebody lets it.
struct Reloading {
    begun: AtomicUsize,
    /// One permit for each call that may end.
    gate: Semaphore,
    fails: Mutex<Vec<ErrorKind>>,
}

struct Shared(Arc<Reloading>);

/// The same, which wants values besides.
struct Wanting(Shared);

#[async_trait]
impl Notifier for Shared {
    async fn notify(&self, _context: &CallContext, _notice: &Notice) -> Result<()> {
        self.0.begun.fetch_add(1, SeqCst);
        self.0.gate.acquire().await.expect("it is never closed").forget();
        match lock(&self.0.fails).pop() {
            Some(kind) => Err(Error::maybe_applied(kind, "reload", "it says no").with("consumer", "web")),
            None => Ok(()),
        }
    }

    async fn adopted(&self, _notice: &Notice) -> Result<Adoption> {
        Ok(Adoption::Unobservable { accepted: "a test".to_owned() })
    }

    fn tells_everything(&self) -> bool {
        true
    }

    async fn examine(&self) -> Vec<Finding> {
        Vec::new()
    }
}

impl Consumer for Shared {
    fn describe(&self) -> String {
        "web".to_owned()
    }

    fn shows_plain_fingerprints(&self) -> bool {
        false
    }

    fn trusted(&self) -> Option<String> {
        None
    }

    fn notifier(&self) -> Arc<dyn Notifier> {
        Arc::new(Self(Arc::clone(&self.0)))
    }
}

#[async_trait]
impl Notifier for Wanting {
    async fn notify(&self, context: &CallContext, notice: &Notice) -> Result<()> {
        self.0.notify(context, notice).await
    }

    fn wants_value(&self) -> bool {
        true
    }

    async fn adopted(&self, notice: &Notice) -> Result<Adoption> {
        self.0.adopted(notice).await
    }

    fn tells_everything(&self) -> bool {
        self.0.tells_everything()
    }

    async fn examine(&self) -> Vec<Finding> {
        Vec::new()
    }
}

impl Consumer for Wanting {
    fn describe(&self) -> String {
        self.0.describe()
    }

    fn shows_plain_fingerprints(&self) -> bool {
        false
    }

    fn trusted(&self) -> Option<String> {
        None
    }

    fn notifier(&self) -> Arc<dyn Notifier> {
        Arc::new(Self(Shared(Arc::clone(&self.0.0))))
    }
}

struct Scene {
    clock: ManualClock,
    gathers: Arc<Gathers>,
    consumer: Arc<Reloading>,
    running: Arc<Semaphore>,
}

impl Scene {
    /// So many rotations may run at once.
    fn of(at_once: usize) -> Self {
        Self::with(at_once, |consumer| Arc::new(Shared(consumer)))
    }

    fn with(at_once: usize, declare: impl FnOnce(Arc<Reloading>) -> Arc<dyn Consumer>) -> Self {
        let clock = ManualClock::at(Timestamp::UNIX_EPOCH);
        let consumer = Arc::new(Reloading {
            begun: AtomicUsize::new(0),
            gate: Semaphore::new(0),
            fails: Mutex::default(),
        });
        let declared = DeclaredConsumer {
            kind: "shared",
            consumer: declare(Arc::clone(&consumer)),
            deadline: Period::from_secs(60),
            on_deadline: OnDeadline::Park,
        };
        let consumers = BTreeMap::from([(web(), declared)]);
        let gathers = Gathers::of(&consumers, Arc::new(clock.clone()), Stop::default());
        Self { clock, gathers: Arc::new(gathers), consumer, running: Arc::new(Semaphore::new(at_once)) }
    }

    fn under_way(&self, secret: &str) -> UnderWay {
        self.gathers.under_way(&secret.into(), [web()].into_iter(), &self.running)
    }

    /// A rotation that has come to its message.
    fn tells(&self, under_way: UnderWay) -> JoinHandle<Result<()>> {
        let notifier = self.gathers.around(&web(), Arc::new(Shared(Arc::clone(&self.consumer))));
        tokio::spawn(async move {
            under_way.turn().await;
            notifier.notify(&context(), &notice(&under_way.secret)).await
        })
    }

    fn begun(&self) -> usize {
        self.consumer.begun.load(SeqCst)
    }

    fn let_end(&self, calls: usize) {
        self.consumer.gate.add_permits(calls);
    }
}

fn web() -> ConsumerName {
    ConsumerName::new("web")
}

fn context() -> CallContext {
    CallContext {
        rotation: RotationId::from_random([7; 16]),
        started_at: Timestamp::UNIX_EPOCH,
        initiator: Initiator::new("test"),
        deadline: Duration::MAX,
        fence: Fence(1),
    }
}

fn notice(secret: &SecretName) -> Notice {
    Notice {
        rotation: RotationId::from_random([7; 16]),
        phase: Phase::Promoted,
        secret: secret.clone(),
        expected: None,
        identity: None,
        replaced: None,
        since: Timestamp::UNIX_EPOCH,
    }
}

/// Lets every task go as far as it can.
async fn settle() {
    for _ in 0..200 {
        tokio::task::yield_now().await;
    }
}

async fn all(told: Vec<JoinHandle<Result<()>>>) -> Vec<Result<()>> {
    let mut results = Vec::new();
    for told in told {
        results.push(told.await.expect("the task ends"));
    }
    results
}

#[tokio::test]
async fn twenty_secrets_reload_one_consumer_once_though_four_run_at_once() {
    let scene = Scene::of(4);
    let coming: Vec<_> = (0..20).map(|number| scene.under_way(&format!("secret-{number}"))).collect();
    let told = coming.into_iter().map(|under_way| scene.tells(under_way)).collect();
    settle().await;
    scene.let_end(20);
    assert!(all(told).await.iter().all(Result::is_ok));
    assert_eq!(scene.begun(), 1);
    assert_eq!(scene.running.available_permits(), 4, "every turn is given back");
}

#[tokio::test]
async fn a_consumer_that_is_handed_values_is_told_of_each_and_nobody_waits_for_others() {
    let scene = Scene::with(4, |consumer| Arc::new(Wanting(Shared(consumer))));
    let coming = scene.under_way("coming");
    let told = ["a", "b"].map(|name| scene.tells(scene.under_way(name))).into();
    settle().await;
    assert_eq!(scene.begun(), 2, "whatever it says, one call does not tell it everything");
    scene.let_end(2);
    assert!(all(told).await.iter().all(Result::is_ok));
    drop(coming);
}

#[tokio::test]
async fn whoever_comes_after_the_reload_began_is_told_by_the_next() {
    let scene = Scene::of(4);
    let first = scene.tells(scene.under_way("first"));
    settle().await;
    assert_eq!(scene.begun(), 1);
    let second = scene.tells(scene.under_way("second"));
    settle().await;
    scene.let_end(1);
    first.await.expect("the task ends").expect("it is told");
    settle().await;
    assert!(!second.is_finished(), "the consumer may have read it before it was promoted");
    assert_eq!(scene.begun(), 2);
    scene.let_end(1);
    second.await.expect("the task ends").expect("it is told");
}

#[tokio::test]
async fn nobody_is_waited_for_longer_than_a_moment() {
    let scene = Scene::of(4);
    let slow = scene.under_way("slow");
    let first = scene.tells(scene.under_way("first"));
    settle().await;
    assert_eq!(scene.begun(), 0, "the slow one may still come");
    scene.clock.advance(MOMENT);
    settle().await;
    assert_eq!(scene.begun(), 1);
    scene.let_end(1);
    first.await.expect("the task ends").expect("it is told");
    drop(slow);
}

#[tokio::test]
async fn whoever_ends_before_is_not_waited_for() {
    let scene = Scene::of(4);
    let failing = scene.under_way("failing");
    let first = scene.tells(scene.under_way("first"));
    settle().await;
    drop(failing);
    settle().await;
    assert_eq!(scene.begun(), 1);
    scene.let_end(1);
    first.await.expect("the task ends").expect("it is told");
}

#[tokio::test]
async fn a_request_to_stop_ends_the_wait() {
    let scene = Scene::of(4);
    let _slow = scene.under_way("slow");
    let first = scene.tells(scene.under_way("first"));
    settle().await;
    scene.gathers.stop.request();
    settle().await;
    assert_eq!(scene.begun(), 1);
    scene.let_end(1);
    first.await.expect("the task ends").expect("it is told");
}

#[tokio::test]
async fn a_reload_that_fails_fails_for_all_who_waited() {
    let scene = Scene::of(4);
    lock(&scene.consumer.fails).push(ErrorKind::Rejected);
    let coming: Vec<_> = ["a", "b", "c"].map(|name| scene.under_way(name)).into();
    let told = coming.into_iter().map(|under_way| scene.tells(under_way)).collect();
    settle().await;
    scene.let_end(3);
    for result in all(told).await {
        let error = result.expect_err("it said no");
        assert_eq!((error.kind, error.effect), (ErrorKind::Rejected, Effect::MaybeApplied));
        assert_eq!(error.to_string(), "reload: it says no (consumer: web)");
    }
    assert_eq!(scene.begun(), 1);
}

#[tokio::test]
async fn a_lease_that_the_caller_lost_is_nobody_elses() {
    let scene = Scene::of(4);
    lock(&scene.consumer.fails).push(ErrorKind::Fenced);
    let coming: Vec<_> = ["a", "b", "c"].map(|name| scene.under_way(name)).into();
    let told = coming.into_iter().map(|under_way| scene.tells(under_way)).collect();
    settle().await;
    scene.let_end(3);
    let fenced = all(told).await.into_iter().filter(Result::is_err).count();
    assert_eq!(fenced, 1);
    assert_eq!(scene.begun(), 3, "the two others have nobody to wait for");
}

#[tokio::test]
async fn when_the_caller_is_gone_the_others_call() {
    let scene = Scene::of(4);
    let slow = scene.under_way("slow");
    let first = scene.tells(scene.under_way("first"));
    settle().await;
    let second = scene.tells(scene.under_way("second"));
    settle().await;
    first.abort();
    drop(slow);
    settle().await;
    scene.let_end(1);
    second.await.expect("the task ends").expect("it is told");
    assert_eq!(scene.begun(), 1);
}
