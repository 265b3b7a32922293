//! How an async caller has something written, on whatever executor it runs.

use std::{
    sync::mpsc::{Sender, channel},
    thread::JoinHandle,
};

use futures::channel::oneshot;
use keywheel_core::{Effect, Error, ErrorKind, Result};

use crate::{
    fault::Fault,
    files::Files,
    scope::{Change, Refused, Scope, change},
    writer::Writer,
};

/// The other end of the thread's queue.
#[derive(Debug)]
pub(crate) struct Queue {
    files: Files,
    inbox: Option<Sender<Change>>,
    thread: Option<JoinHandle<()>>,
}

impl Queue {
    pub(crate) fn start(writer: Writer) -> Result<Self, Fault> {
        let files = writer.files.clone();
        let (inbox, changes) = channel();
        let thread = std::thread::Builder::new()
            .name("keywheel-journal-writer".to_owned())
            .spawn(move || writer.run(&changes))
            .map_err(|error| Fault::io("start the journal's writer", &error))?;
        Ok(Self { files, inbox: Some(inbox), thread: Some(thread) })
    }

    /// Has `work` done in the next transaction; the answer comes when that is durable.
    pub(crate) async fn submit<T: Send + 'static>(
        &self,
        operation: &'static str,
        work: impl FnOnce(&mut Scope<'_>) -> Result<Result<T, Refused>, Fault> + Send + 'static,
    ) -> Result<T> {
        let (change, answer) = change(operation, self.files.database(), work);
        let sent = self.inbox.as_ref().is_some_and(|inbox| inbox.send(change).is_ok());
        if !sent {
            return Err(gone(operation, Effect::NotApplied));
        }
        answer.await.unwrap_or_else(|oneshot::Canceled| Err(gone(operation, Effect::MaybeApplied)))
    }
}

impl Drop for Queue {
    /// Lets the thread finish what was asked for, and close the journal.
    fn drop(&mut self) {
        drop(self.inbox.take());
        if self.thread.take().is_some_and(|thread| thread.join().is_err()) {
            tracing::error!("the journal's writer panicked");
        }
    }
}

fn gone(operation: &'static str, effect: Effect) -> Error {
    Error { effect, ..Error::not_applied(ErrorKind::Internal, operation, "the journal's writer has stopped") }
}
