//! The suites over the reference models, and over the fault decorators with a plan that injects nothing.

use std::sync::Arc;

use futures::future::BoxFuture;
use jiff::Timestamp;
use keywheel_core::{
    Fingerprinter, Identity, Result, SecretValue, journal::Journal, notifier::Notifier, rotator::Rotator,
    secret::Secret,
};
use keywheel_testkit::{
    ManualClock,
    conformance::{JournalFixture, NotifierFixture, RotatorFixture, SecretFixture},
    faults::{FaultPlan, Faulty},
    journal_conformance,
    memory::{Behaviour, MemoryConsumer, MemoryJournal, MemorySecret, MemoryTarget},
    notifier_conformance, rotator_conformance, secret_conformance,
};

fn calm<T: ?Sized>(inner: Arc<T>) -> Arc<Faulty<T>> {
    Arc::new(Faulty::new(inner, FaultPlan::none(), "calm"))
}

fn plain() -> MemorySecret {
    MemorySecret::new(Fingerprinter::plain())
}

fn over(secret: MemorySecret, wrap: fn(Arc<dyn Secret>) -> Arc<dyn Secret>) -> SecretFixture {
    let (again, outside) = (secret.clone(), secret.clone());
    SecretFixture::new(wrap(Arc::new(secret)))
        .reopened_by(move || wrap(Arc::new(again.clone())))
        .seen_by_consumers(move || {
            let seen = outside.seen_by_consumers();
            Box::pin(async move { seen })
        })
}

secret_conformance!(secret_with_everything, || async { over(plain(), |secret| secret) });
secret_conformance!(secret_with_nothing, || async {
    let bare = plain().without_native_staging().without_next().without_previous().limited_to(512).text_only();
    over(bare.comparing_fences(), |secret| secret)
});
secret_conformance!(secret_under_faulty, || async { over(plain(), |secret| calm(secret)) });

fn at(
    target: &MemoryTarget,
    identity: Option<&str>,
    wrap: fn(Arc<dyn Rotator>) -> Arc<dyn Rotator>,
) -> RotatorFixture {
    let (outside, network) = (target.clone(), target.clone());
    let value = SecretValue::copy_from(b"the-old-value");
    RotatorFixture::new(wrap(Arc::new(target.open())), identity.map(Identity::from), value)
        .state_from(move || {
            let state = format!("{:?}", outside.accepted());
            Box::pin(async move { state })
        })
        .network_by(move |on| {
            network.set_reachable(on);
            Box::pin(async {})
        })
}

rotator_conformance!(in_place, || async {
    at(&MemoryTarget::in_place("app").accepting("app", b"the-old-value"), None, |rotator| rotator)
});
rotator_conformance!(overlap, || async {
    at(&MemoryTarget::overlap("app").accepting("app", b"the-old-value"), Some("app"), |rotator| rotator)
});
rotator_conformance!(alternating, || async {
    at(&MemoryTarget::alternating("a", "b").accepting("a", b"the-old-value"), Some("a"), |rotator| rotator)
});
rotator_conformance!(minted, || async {
    at(&MemoryTarget::minted().accepting("KEY0", b"the-old-value"), Some("KEY0"), |rotator| rotator)
});
rotator_conformance!(rotator_under_faulty, || async {
    at(&MemoryTarget::minted().accepting("KEY0", b"the-old-value"), Some("KEY0"), |rotator| calm(rotator))
});

fn told(behaviour: Behaviour, wrap: fn(Arc<dyn Notifier>) -> Arc<dyn Notifier>) -> NotifierFixture {
    let secret = plain();
    secret.overwrite(NotifierFixture::first_value().expose_secret());
    let consumer = MemoryConsumer::of(&secret, behaviour);
    let (stopped, outside) = (consumer.clone(), consumer.clone());
    NotifierFixture::new(wrap(Arc::new(consumer.open())), Fingerprinter::plain(), move |value| {
        secret.overwrite(value.expose_secret());
        Box::pin(async {})
    })
    .stopped_by(move || {
        stopped.vanish();
        Box::pin(async {})
    })
    .state_from(move || {
        let state = format!("{:?} {:?}", outside.uses(), outside.heard());
        Box::pin(async move { state })
    })
}

notifier_conformance!(immediate, || async { told(Behaviour::Immediately, |notifier| notifier) });
notifier_conformance!(slow, || async { told(Behaviour::AfterLooks(3), |notifier| notifier) });
notifier_conformance!(unobservable, || async {
    told(Behaviour::Unobservable("a vendor's appliance".to_owned()), |notifier| notifier)
});
notifier_conformance!(notifier_under_faulty, || async {
    told(Behaviour::Immediately, |notifier| calm(notifier))
});

/// Opens a copy of `journal` that `damage` was done to.
fn damaged(
    journal: &MemoryJournal,
    damage: fn(&mut Vec<String>),
) -> impl Fn() -> BoxFuture<'static, Result<Arc<dyn Journal>>> + Send + Sync + 'static {
    let journal = journal.clone();
    move || {
        let mut lines = journal.lines();
        damage(&mut lines);
        let opened = MemoryJournal::from_lines(&lines, ManualClock::at(Timestamp::UNIX_EPOCH));
        Box::pin(async move { opened.map(|journal| Arc::new(journal) as Arc<dyn Journal>) })
    }
}

fn shared(wrap: fn(Arc<dyn Journal>) -> Arc<dyn Journal>) -> JournalFixture {
    let clock = ManualClock::at(Timestamp::UNIX_EPOCH);
    let journal = MemoryJournal::new(clock.clone());
    let (third, dying) = (journal.clone(), journal.clone());
    let (other, outside) = (journal.another_process(), journal.another_process());
    JournalFixture::new(wrap(Arc::new(journal)), wrap(Arc::new(other)))
        .reopened_by(move || {
            let opened = wrap(Arc::new(third.another_process()));
            Box::pin(async move { Ok(opened) })
        })
        .killing_by(move || {
            dying.fall_silent();
            Box::pin(async {})
        })
        .damaged_by("a newer format", damaged(&outside, |lines| "format 65535".clone_into(&mut lines[0])))
        .damaged_by("no format", damaged(&outside, |lines| lines[0].clear()))
        .damaged_by("half a record", damaged(&outside, |lines| lines[1].truncate(40)))
        .waiting_by(move |duration| {
            clock.advance(duration);
            Box::pin(async {})
        })
}

journal_conformance!(journal, || async { shared(|journal| journal) });
journal_conformance!(journal_under_faulty, || async { shared(|journal| calm(journal)) });
