//! Fixtures over the reference models, with anything around them: what shows that a decorator keeps a contract.
//!
//! `wrap` is called for every handle: for the one under test, and for those that a second process or a consumer opens.

use std::sync::Arc;

use futures::future::BoxFuture;
use jiff::Timestamp;
use keywheel_core::{
    Fingerprinter, Identity, Result, SecretValue, journal::Journal, notifier::Notifier, rotator::Rotator,
    secret::Secret,
};

use super::{JournalFixture, NotifierFixture, RotatorFixture, SecretFixture};
use crate::{
    clock::ManualClock,
    memory::{Behaviour, MemoryConsumer, MemoryJournal, MemorySecret, MemoryTarget},
};

/// The value that a modelled target accepts in the beginning.
const OLD: &[u8] = b"the-old-value";

/// A model of a store that can do everything.
pub fn plain_secret() -> MemorySecret {
    MemorySecret::new(Fingerprinter::plain())
}

/// `model`, looked at from outside as its consumers see it.
pub fn secret(
    model: MemorySecret,
    wrap: impl Fn(Arc<dyn Secret>) -> Arc<dyn Secret> + Send + Sync + 'static,
) -> SecretFixture {
    let (again, outside) = (model.clone(), model.clone());
    SecretFixture::new(wrap(Arc::new(model)))
        .reopened_by(move || wrap(Arc::new(again.clone())))
        .seen_by_consumers(move || {
            let seen = outside.seen_by_consumers();
            Box::pin(async move { seen })
        })
}

/// A model of a target that issues its credentials itself: of the sorts the one with the most methods.
pub fn minting(wrap: impl Fn(Arc<dyn Rotator>) -> Arc<dyn Rotator>) -> RotatorFixture {
    rotator(MemoryTarget::minted(), "KEY0", Some("KEY0"), wrap)
}

/// A model of a target that makes the next credential of the one that it has.
pub fn reissuing(wrap: impl Fn(Arc<dyn Rotator>) -> Arc<dyn Rotator>) -> RotatorFixture {
    rotator(MemoryTarget::reissued("app"), "app", Some("app"), wrap)
}

/// `target`, which accepts one value for `user`. The credentials of the cases are for `identity`.
pub fn rotator(
    target: MemoryTarget,
    user: &str,
    identity: Option<&str>,
    wrap: impl Fn(Arc<dyn Rotator>) -> Arc<dyn Rotator>,
) -> RotatorFixture {
    let target = target.accepting(user, OLD);
    let (outside, network) = (target.clone(), target.clone());
    let value = SecretValue::copy_from(OLD);
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

/// A model of a consumer that takes notices as `behaviour` says.
pub fn notifier(
    behaviour: Behaviour,
    wrap: impl Fn(Arc<dyn Notifier>) -> Arc<dyn Notifier>,
) -> NotifierFixture {
    consumer(behaviour, |model| model, wrap).0
}

/// A model of a consumer that is handed its values.
pub fn handed(wrap: impl Fn(Arc<dyn Notifier>) -> Arc<dyn Notifier>) -> NotifierFixture {
    let (fixture, consumer) = consumer(Behaviour::Immediately, MemoryConsumer::handed_values, wrap);
    fixture.handed_to(move || {
        let handed = consumer.handed();
        Box::pin(async move { handed })
    })
}

fn consumer(
    behaviour: Behaviour,
    more: impl Fn(MemoryConsumer) -> MemoryConsumer,
    wrap: impl Fn(Arc<dyn Notifier>) -> Arc<dyn Notifier>,
) -> (NotifierFixture, MemoryConsumer) {
    let secret = plain_secret();
    secret.overwrite(NotifierFixture::first_value().expose_secret());
    let consumer = more(MemoryConsumer::of(&secret, behaviour));
    let (stopped, outside) = (consumer.clone(), consumer.clone());
    let fixture =
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
        });
    (fixture, consumer)
}

/// A model of a journal that several processes share.
pub fn journal(
    wrap: impl Fn(Arc<dyn Journal>) -> Arc<dyn Journal> + Send + Sync + 'static,
) -> JournalFixture {
    let clock = ManualClock::at(Timestamp::UNIX_EPOCH);
    let journal = MemoryJournal::new(clock.clone());
    let (third, silent, passing) = (journal.clone(), journal.clone(), clock.clone());
    let (other, outside) = (journal.another_process(), journal.another_process());
    JournalFixture::new(wrap(Arc::new(journal)), wrap(Arc::new(other)))
        .reopened_by(move || {
            let opened = wrap(Arc::new(third.another_process()));
            Box::pin(async move { Ok(opened) })
        })
        .silencing_by(move |lifetime| {
            silent.fall_silent();
            passing.advance(lifetime);
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
