//! What the models do beyond the contracts: the ways in which a test makes them misbehave.

use std::time::Duration;

use jiff::Timestamp;
use keywheel_core::{
    CallContext, ErrorKind, Fence, Fingerprinter, RotationId, SecretValue,
    journal::{Acquired, Journal},
    notifier::{Adoption, Notice, Notifier, Phase},
    provider::Store,
    rotation::Location,
    secret::{Secret, Stage},
};
use keywheel_testkit::{
    ManualClock,
    memory::{Behaviour, MemoryConsumer, MemoryJournal, MemorySecret, MemoryStore},
};

const LIFETIME: Duration = Duration::from_secs(30);

fn context(number: u8, fence: u64) -> CallContext {
    CallContext {
        rotation: RotationId::from_random([number; 16]),
        started_at: Timestamp::UNIX_EPOCH,
        initiator: "test".into(),
        deadline: Duration::MAX,
        fence: Fence(fence),
    }
}

fn value(text: &str) -> SecretValue {
    SecretValue::copy_from(text.as_bytes())
}

fn notice() -> Notice {
    Notice {
        rotation: RotationId::from_random([1; 16]),
        phase: Phase::Promoted,
        secret: "db-password".into(),
        expected: Some(Fingerprinter::plain().of(&value("new"))),
        identity: None,
        replaced: None,
        since: jiff::Timestamp::UNIX_EPOCH,
    }
}

/// A consumer that uses the old value of a secret whose current one is new.
fn behind(behaviour: Behaviour) -> MemoryConsumer {
    let secret = MemorySecret::new(Fingerprinter::plain());
    secret.overwrite(b"old");
    let consumer = MemoryConsumer::of(&secret, behaviour);
    secret.overwrite(b"new");
    consumer
}

async fn moved(consumer: &MemoryConsumer) -> bool {
    matches!(consumer.open().adopted(&notice()).await.expect("the consumer is there"), Adoption::Yes { .. })
}

async fn tell(consumer: &MemoryConsumer) {
    consumer.open().notify(&context(1, 1), &notice()).await.expect("the consumer is there");
}

#[tokio::test]
async fn a_slow_consumer_moves_after_so_many_looks() {
    let consumer = behind(Behaviour::AfterLooks(2));
    tell(&consumer).await;
    assert_eq!(
        [moved(&consumer).await, moved(&consumer).await, moved(&consumer).await],
        [false, false, true]
    );
}

#[tokio::test]
async fn a_stubborn_consumer_never_moves_by_itself_and_moves_when_it_is_restarted() {
    let consumer = behind(Behaviour::Never);
    tell(&consumer).await;
    assert!(!moved(&consumer).await);
    consumer.restart();
    assert!(moved(&consumer).await);
}

#[tokio::test]
async fn of_a_consumer_that_moves_partly_the_other_replicas_keep_the_old_value() {
    let consumer = behind(Behaviour::Partly(2));
    tell(&consumer).await;
    assert!(!moved(&consumer).await);
    let used: Vec<_> = consumer.uses().into_iter().flatten().collect();
    assert_eq!(used, [b"new".to_vec(), b"new".to_vec(), b"old".to_vec()]);
}

#[tokio::test]
async fn a_verifying_consumer_accepts_the_next_key_and_goes_on_using_the_current_one() {
    let secret = MemorySecret::new(Fingerprinter::plain());
    secret.overwrite(b"old");
    let consumer = MemoryConsumer::of(&secret, Behaviour::Immediately);
    let next = Notice { phase: Phase::NextPublished, ..notice() };
    let staged = secret.stage(&context(1, 1), &value("new"), None).await.unwrap();
    consumer.restart();
    assert!(matches!(consumer.open().adopted(&next).await.unwrap(), Adoption::NotYet { .. }));
    secret.publish(&context(1, 1), &staged.id).await.unwrap();
    consumer.open().notify(&context(1, 1), &next).await.unwrap();
    assert!(matches!(consumer.open().adopted(&next).await.unwrap(), Adoption::Yes { .. }));
    assert!(!moved(&consumer).await);
}

#[tokio::test]
async fn a_store_that_compares_fences_refuses_an_earlier_holder() {
    let secret = MemorySecret::new(Fingerprinter::plain()).comparing_fences();
    let staged = secret.stage(&context(1, 2), &value("new"), None).await.unwrap();
    let late = secret.promote(&context(1, 1), &staged.id, None).await.unwrap_err();
    assert_eq!(late.kind, ErrorKind::Fenced);
    assert_eq!(secret.bytes_at(Stage::Current), None);
}

#[tokio::test]
async fn a_store_without_a_previous_keeps_the_displaced_version_pending() {
    let secret = MemorySecret::new(Fingerprinter::plain()).without_previous();
    let one = secret.stage(&context(1, 1), &value("one"), None).await.unwrap();
    secret.promote(&context(1, 1), &one.id, None).await.unwrap();
    let two = secret.stage(&context(2, 1), &value("two"), None).await.unwrap();
    secret.promote(&context(2, 1), &two.id, Some(&one.id)).await.unwrap();
    assert_eq!(secret.bytes_at(Stage::Pending).as_deref(), Some(b"one".as_slice()));
    assert_eq!(secret.bytes_at(Stage::Previous), None);
}

#[tokio::test]
async fn a_store_opens_one_secret_for_one_key() {
    let store = MemoryStore::new();
    let at = |key: &str| Location { key: key.into(), next: None, previous: None };
    let plain = Fingerprinter::plain;
    store.secret(&at("a"), plain()).stage(&context(1, 1), &value("new"), None).await.unwrap();
    assert_eq!(store.open(&at("a"), plain()).bytes_at(Stage::Pending).as_deref(), Some(b"new".as_slice()));
    assert_eq!(store.open(&at("b"), plain()).bytes_at(Stage::Pending), None);
    assert!(!store.open(&at("b"), plain()).capabilities().publishes_next);
}

#[tokio::test]
async fn a_stuck_process_that_comes_back_in_time_keeps_its_lease() {
    let clock = ManualClock::at(Timestamp::UNIX_EPOCH);
    let stuck = MemoryJournal::new(clock.clone());
    let other = stuck.another_process();
    let secret = "db-password".into();
    let Acquired::Yes(lease) = stuck.acquire(&secret, &"a".into(), LIFETIME).await.unwrap() else {
        panic!("nobody holds it")
    };
    stuck.fall_silent();
    clock.advance(LIFETIME / 2);
    stuck.come_back();
    clock.advance(LIFETIME);
    assert!(matches!(other.acquire(&secret, &"b".into(), LIFETIME).await.unwrap(), Acquired::HeldBy(_)));
    stuck.fall_silent();
    clock.set_forward(2 * LIFETIME);
    let jumped = other.acquire(&secret, &"b".into(), LIFETIME).await.unwrap();
    assert!(matches!(jumped, Acquired::HeldBy(_)), "a jump of the wall clock is no silence");
    clock.advance(LIFETIME);
    let Acquired::TakenOver(taken) = other.acquire(&secret, &"b".into(), LIFETIME).await.unwrap() else {
        panic!("it expired")
    };
    assert!(taken.fence > lease.fence);
}
