//! Every call of every trait that goes through layers, and the models that they go to.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use futures::future::BoxFuture;
use jiff::Timestamp;
use keywheel_core::{
    CallContext, Fence, Generation, Identity, Result, RotationId, SecretValue,
    notifier::{Notice, Notifier, Phase},
    provider::Finding,
    rotator::{Credential, IssuedCredential, Minted, Probe, Reissued, Rotator, Strategy},
    secret::{Secret, Stage},
};
use keywheel_testkit::{
    ManualClock,
    faults::{FaultPlan, Faulty},
    memory::{Behaviour, MemoryConsumer, MemoryRotator, MemoryTarget},
};

/// The value that every call here is about.
pub(crate) const VALUE: &[u8] = b"a-value-that-nobody-may-see";

/// When every test begins.
pub(crate) fn start() -> Timestamp {
    Timestamp::from_second(1_790_000_000).expect("a time in 2026")
}

pub(crate) fn clock() -> ManualClock {
    ManualClock::at(start())
}

/// Circumstances that hold until `deadline`.
pub(crate) fn until(deadline: Duration) -> CallContext {
    CallContext {
        rotation: RotationId::from_random([1; 16]),
        started_at: start(),
        initiator: "tester".into(),
        deadline,
        fence: Fence(1),
    }
}

/// Models behind faults of one plan.
pub(crate) struct Models {
    pub(crate) secret: Arc<dyn Secret>,
    pub(crate) rotator: Arc<dyn Rotator>,
    pub(crate) notifier: Arc<dyn Notifier>,
}

impl Models {
    pub(crate) fn behind(plan: &FaultPlan) -> Self {
        let secret = keywheel_testkit::conformance::models::plain_secret();
        secret.overwrite(VALUE);
        let consumer = MemoryConsumer::of(&secret, Behaviour::Immediately).open();
        let target = Everything {
            minted: MemoryTarget::minted().accepting("KEY0", VALUE).open(),
            reissued: MemoryTarget::reissued("app").accepting("app", VALUE).open(),
        };
        Self {
            secret: Arc::new(Faulty::new(Arc::new(secret), plan.clone(), "secret")),
            rotator: Arc::new(Faulty::new(Arc::new(target), plan.clone(), "rotator")),
            notifier: Arc::new(Faulty::new(Arc::new(consumer), plan.clone(), "notifier")),
        }
    }
}

/// A target of which every method answers; no real one mints and makes its next credential of the one that it has.
struct Everything {
    minted: MemoryRotator,
    reissued: MemoryRotator,
}

#[deny(clippy::missing_trait_methods)]
#[async_trait]
impl Rotator for Everything {
    fn strategy(&self) -> Strategy {
        self.minted.strategy()
    }

    fn next_identity(&self, current: Option<&Identity>) -> Result<Option<Identity>> {
        self.minted.next_identity(current)
    }

    async fn probe(&self, credential: Credential<'_>) -> Result<Probe> {
        self.minted.probe(credential).await
    }

    async fn apply(
        &self,
        context: &CallContext,
        new: Credential<'_>,
        current: Option<Credential<'_>>,
    ) -> Result<()> {
        self.minted.apply(context, new, current).await
    }

    async fn revoke(
        &self,
        context: &CallContext,
        old: Credential<'_>,
        remaining: Option<Credential<'_>>,
    ) -> Result<()> {
        self.minted.revoke(context, old, remaining).await
    }

    async fn mint(&self, context: &CallContext) -> Result<Minted> {
        self.minted.mint(context).await
    }

    async fn list(&self) -> Result<Vec<IssuedCredential>> {
        self.minted.list().await
    }

    async fn generation(&self) -> Result<Option<Generation>> {
        self.reissued.generation().await
    }

    async fn reissue(&self, context: &CallContext, seen: Option<&Generation>) -> Result<Reissued> {
        self.reissued.reissue(context, seen).await
    }

    async fn revoke_orphan(&self, context: &CallContext, identity: &Identity) -> Result<()> {
        self.minted.revoke_orphan(context, identity).await
    }

    async fn examine(&self) -> Vec<Finding> {
        self.minted.examine().await
    }
}

/// One call, with the circumstances of those that change something.
pub(crate) type Call<'a> = (&'static str, BoxFuture<'a, Result<()>>);

pub(crate) fn notice() -> Notice {
    let rotation = RotationId::from_random([1; 16]);
    Notice {
        rotation,
        phase: Phase::Promoted,
        secret: "db-password".into(),
        expected: None,
        identity: None,
        replaced: None,
        since: jiff::Timestamp::UNIX_EPOCH,
    }
}

fn value() -> SecretValue {
    SecretValue::copy_from(VALUE)
}

/// Every call that only looks.
pub(crate) fn looks<'a>(
    secret: &'a dyn Secret,
    rotator: &'a dyn Rotator,
    notifier: &'a dyn Notifier,
) -> Vec<Call<'a>> {
    vec![
        ("versions", Box::pin(async { secret.versions().await.map(drop) })),
        ("read", Box::pin(async { secret.read(Stage::Current).await.map(drop) })),
        (
            "probe",
            Box::pin(async {
                let (value, user) = (value(), Identity::from("KEY0"));
                rotator.probe(Credential { identity: Some(&user), value: &value }).await.map(drop)
            }),
        ),
        ("list", Box::pin(async { rotator.list().await.map(drop) })),
        ("generation", Box::pin(async { rotator.generation().await.map(drop) })),
        ("adopted", Box::pin(async { notifier.adopted(&notice()).await.map(drop) })),
    ]
}

/// Every call that changes something.
pub(crate) fn changes<'a>(
    context: &'a CallContext,
    secret: &'a dyn Secret,
    rotator: &'a dyn Rotator,
    notifier: &'a dyn Notifier,
) -> Vec<Call<'a>> {
    vec![
        ("stage", Box::pin(async { secret.stage(context, &value(), None).await.map(drop) })),
        ("publish", Box::pin(async { secret.publish(context, &"v1".into()).await })),
        ("promote", Box::pin(async { secret.promote(context, &"v1".into(), None).await })),
        ("retire", Box::pin(async { secret.retire(context, &"v9".into()).await })),
        (
            "apply",
            Box::pin(async {
                let (value, user) = (value(), Identity::from("KEY0"));
                rotator.apply(context, Credential { identity: Some(&user), value: &value }, None).await
            }),
        ),
        (
            "revoke",
            Box::pin(async {
                let (value, user) = (value(), Identity::from("KEY9"));
                rotator.revoke(context, Credential { identity: Some(&user), value: &value }, None).await
            }),
        ),
        ("mint", Box::pin(async { rotator.mint(context).await.map(drop) })),
        ("reissue", Box::pin(async { rotator.reissue(context, None).await.map(drop) })),
        ("revoke_orphan", Box::pin(async { rotator.revoke_orphan(context, &"KEY9".into()).await })),
        ("notify", Box::pin(async { notifier.notify(context, &notice()).await })),
        ("notify_with", Box::pin(async { notifier.notify_with(context, &notice(), &value()).await })),
    ]
}
