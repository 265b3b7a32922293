//! The messages of one channel: queued, and sent one after the other in the background.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use backon::{BackoffBuilder, ExponentialBuilder};
use keywheel_core::{
    Clock, Error, ErrorKind, Result,
    message::{Message, Messenger},
};
use tokio::{
    runtime::Handle,
    sync::{mpsc, watch},
};

/// How many messages wait at most. Whoever gets more than that at once reads none of them.
const WAITING: usize = 256;

/// How long one try may take.
const TRY_TIME: Duration = Duration::from_secs(10);

/// How often a message is sent again after a passing failure, and after which pauses: half a minute in all.
const TRIES_MORE: usize = 6;
const FIRST_PAUSE: Duration = Duration::from_millis(500);

/// One channel's queue.
pub(super) struct Mailbox {
    name: Arc<str>,
    clock: Arc<dyn Clock>,
    messenger: Arc<dyn Messenger>,
    /// Starts with the first message: most processes never send one, and not every one has a runtime when it is made.
    queue: Mutex<Option<mpsc::Sender<Message>>>,
    state: Arc<watch::Sender<State>>,
}

/// What became of the messages so far.
#[derive(Default)]
struct State {
    waiting: usize,
    /// Those that belong to no rotation, which nothing else remembers.
    delivered: BTreeSet<String>,
    lost: Vec<(String, String)>,
}

impl Mailbox {
    pub(super) fn new(name: Arc<str>, messenger: Arc<dyn Messenger>, clock: Arc<dyn Clock>) -> Self {
        Self { name, clock, messenger, queue: Mutex::default(), state: Arc::default() }
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Puts `message` into the queue, without waiting for anything.
    pub(super) fn put(&self, message: Message) {
        self.state.send_modify(|state| state.waiting += 1);
        if let Err((id, why)) = self.queued(message) {
            self.state.send_modify(|state| {
                state.waiting -= 1;
                state.lost.push((id, why.to_owned()));
            });
        }
    }

    fn queued(&self, message: Message) -> std::result::Result<(), (String, &'static str)> {
        let mut queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        let Ok(runtime) = Handle::try_current() else { return Err((message.id, "there is no runtime")) };
        let queue = queue.get_or_insert_with(|| self.open(&runtime));
        queue.try_send(message).map_err(|error| match error {
            mpsc::error::TrySendError::Full(message) => (message.id, "too many messages wait"),
            mpsc::error::TrySendError::Closed(message) => {
                (message.id, "the task that sends messages is gone")
            }
        })
    }

    fn open(&self, runtime: &Handle) -> mpsc::Sender<Message> {
        let (queue, mut messages) = mpsc::channel::<Message>(WAITING);
        let (messenger, clock, state) =
            (Arc::clone(&self.messenger), Arc::clone(&self.clock), Arc::clone(&self.state));
        runtime.spawn(async move {
            while let Some(message) = messages.recv().await {
                let sent = deliver(&*messenger, &*clock, &message).await;
                state.send_modify(|state| {
                    state.waiting -= 1;
                    match sent {
                        Ok(()) if message.rotation.is_none() => {
                            state.delivered.insert(message.id);
                        }
                        Ok(()) => {}
                        Err(error) => state.lost.push((message.id, error.to_string())),
                    }
                });
            }
        });
        queue
    }

    /// Returns when no message waits any more.
    pub(super) async fn empty(&self) {
        // The sender lives in `self`, so the channel cannot close while this waits.
        let _ = self.state.subscribe().wait_for(|state| state.waiting == 0).await;
    }

    /// How many messages are still waiting.
    pub(super) fn waiting(&self) -> usize {
        self.state.borrow().waiting
    }

    /// The messages that were given up, each with the reason; told once.
    pub(super) fn lost(&self) -> Vec<(String, String)> {
        let mut lost = Vec::new();
        self.state.send_modify(|state| lost = std::mem::take(&mut state.lost));
        lost
    }

    /// Whether the far side took the message called `id`, which belongs to no rotation; told once.
    pub(super) fn delivered(&self, id: &str) -> bool {
        let mut delivered = false;
        self.state.send_modify(|state| delivered = state.delivered.remove(id));
        delivered
    }
}

/// Sends `message`, again and again for a while if it fails for a passing reason.
async fn deliver(messenger: &dyn Messenger, clock: &dyn Clock, message: &Message) -> Result<()> {
    let pauses = ExponentialBuilder::default().with_min_delay(FIRST_PAUSE).with_max_times(TRIES_MORE);
    for pause in pauses.build() {
        match once(messenger, clock, message).await {
            Err(error) if error.kind.is_transient() => {
                tracing::debug!(id = message.id, kind = %error.kind, ?pause, "a message is sent again");
                clock.sleep(pause).await;
            }
            decided => return decided,
        }
    }
    once(messenger, clock, message).await
}

async fn once(messenger: &dyn Messenger, clock: &dyn Clock, message: &Message) -> Result<()> {
    tokio::select! {
        biased;
        sent = messenger.send(message, TRY_TIME) => sent,
        () = clock.sleep(TRY_TIME) => {
            let words = format!("no answer within {} s", TRY_TIME.as_secs());
            Err(Error::maybe_applied(ErrorKind::TimedOut, "send message", words))
        }
    }
}
