use std::{
    future::pending,
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use jiff::Timestamp;
use keywheel_core::{
    Error, ErrorKind, Result,
    message::{Message, Messenger, Occasion},
    provider::Finding,
};
use keywheel_testkit::ManualClock;

use super::mailbox::Mailbox;

/// What the next tries come to; after them every message is taken.
#[derive(Clone, Copy)]
enum Answer {
    Fails(ErrorKind),
    Hangs,
}

#[derive(Default)]
struct Receiver {
    answers: Mutex<Vec<Answer>>,
    got: Mutex<Vec<String>>,
    tries: Mutex<usize>,
}

struct Line(Arc<Receiver>);

#[async_trait]
impl Messenger for Line {
    async fn send(&self, message: &Message, _limit: Duration) -> Result<()> {
        *self.0.tries.lock().unwrap() += 1;
        let answer = self.0.answers.lock().unwrap().pop();
        match answer {
            None => {
                self.0.got.lock().unwrap().push(message.id.clone());
                Ok(())
            }
            Some(Answer::Hangs) => pending().await,
            Some(Answer::Fails(kind)) => Err(Error::not_applied(kind, "send message", "it says no")),
        }
    }

    async fn examine(&self) -> Vec<Finding> {
        Vec::new()
    }
}

struct Scene {
    clock: ManualClock,
    receiver: Arc<Receiver>,
    mailbox: Mailbox,
}

fn scene(answers: &[Answer]) -> Scene {
    let clock = ManualClock::at(Timestamp::UNIX_EPOCH);
    let receiver = Arc::new(Receiver { answers: Mutex::new(answers.to_vec()), ..Receiver::default() });
    let mailbox = Mailbox::new("ops".into(), Arc::new(Line(Arc::clone(&receiver))), Arc::new(clock.clone()));
    Scene { clock, receiver, mailbox }
}

fn message(id: &str) -> Message {
    Message {
        id: id.to_owned(),
        occasion: Occasion::Parked,
        secret: "db-password".into(),
        rotation: None,
        environment: None,
        owner: None,
        at: Timestamp::UNIX_EPOCH,
        words: "it is parked".to_owned(),
    }
}

async fn settle() {
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
}

impl Scene {
    /// Lets time pass until nobody waits for it any more.
    async fn let_time_pass(&self) {
        settle().await;
        while self.mailbox.waiting() > 0 && self.clock.advance_to_next_sleeper() {
            settle().await;
        }
    }
}

#[tokio::test]
async fn messages_arrive_in_their_order() {
    let scene = scene(&[]);
    for id in ["a", "b", "c"] {
        scene.mailbox.put(message(id));
    }
    scene.mailbox.empty().await;
    assert_eq!(*scene.receiver.got.lock().unwrap(), ["a", "b", "c"]);
    assert!(scene.mailbox.delivered("b") && scene.mailbox.lost().is_empty());
}

#[tokio::test]
async fn a_passing_failure_is_tried_again() {
    let scene =
        scene(&[Answer::Fails(ErrorKind::Unavailable), Answer::Fails(ErrorKind::RateLimited), Answer::Hangs]);
    scene.mailbox.put(message("a"));
    settle().await;
    assert!(scene.receiver.got.lock().unwrap().is_empty());
    scene.let_time_pass().await;
    assert_eq!(*scene.receiver.got.lock().unwrap(), ["a"]);
    assert_eq!(*scene.receiver.tries.lock().unwrap(), 4);
    assert!(scene.mailbox.lost().is_empty());
}

#[tokio::test]
async fn a_lasting_failure_is_told_once_and_keeps_nothing_from_leaving() {
    let scene = scene(&[Answer::Fails(ErrorKind::PermissionDenied)]);
    scene.mailbox.put(message("a"));
    scene.mailbox.put(message("b"));
    scene.mailbox.empty().await;
    let lost = scene.mailbox.lost();
    assert_eq!(lost.len(), 1);
    assert!(lost[0].0 == "a" && lost[0].1.contains("it says no"), "{lost:?}");
    assert!(scene.mailbox.lost().is_empty());
    assert_eq!(*scene.receiver.got.lock().unwrap(), ["b"]);
}

#[tokio::test]
async fn tries_come_to_an_end() {
    let scene = scene(&[Answer::Fails(ErrorKind::Unavailable); 50]);
    scene.mailbox.put(message("a"));
    scene.let_time_pass().await;
    assert_eq!(scene.mailbox.lost().len(), 1);
    assert_eq!(*scene.receiver.tries.lock().unwrap(), 7);
}

#[tokio::test]
async fn a_queue_that_is_full_loses_messages_and_never_waits() {
    let scene = scene(&[Answer::Hangs]);
    for number in 0..1000 {
        scene.mailbox.put(message(&number.to_string()));
    }
    settle().await;
    assert!(scene.mailbox.waiting() <= 257, "{}", scene.mailbox.waiting());
    assert!(scene.mailbox.lost().iter().any(|(_, why)| why.contains("too many")));
}

#[test]
fn without_a_runtime_a_message_is_lost_and_nothing_else() {
    let scene = scene(&[]);
    scene.mailbox.put(message("a"));
    assert_eq!(scene.mailbox.lost().len(), 1);
    assert_eq!(scene.mailbox.waiting(), 0);
}
