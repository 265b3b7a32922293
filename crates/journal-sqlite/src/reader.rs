//! The one thread that reads: an async caller waits for an answer and never for the disk.

use std::{
    path::{Path, PathBuf},
    sync::mpsc::{Sender, channel},
    thread::JoinHandle,
};

use futures::channel::oneshot;
use keywheel_core::{Effect, Error, ErrorKind, Result};
use rusqlite::Connection;

use crate::fault::Fault;

type Question = Box<dyn FnOnce(&Connection) + Send>;

/// The queue of a thread that owns a connection of its own; readers see the last commit and wait for no writer.
#[derive(Debug)]
pub(crate) struct Reader {
    journal: PathBuf,
    inbox: Option<Sender<Question>>,
    thread: Option<JoinHandle<()>>,
}

impl Reader {
    pub(crate) fn start(connection: Connection, journal: &Path) -> Result<Self, Fault> {
        let (inbox, questions) = channel::<Question>();
        let thread = std::thread::Builder::new()
            .name("keywheel-journal-reader".to_owned())
            .spawn(move || questions.into_iter().for_each(|question| question(&connection)))
            .map_err(|error| Fault::io("start the journal's reader", &error))?;
        Ok(Self { journal: journal.to_owned(), inbox: Some(inbox), thread: Some(thread) })
    }

    /// Asks `question` of one snapshot of the journal.
    pub(crate) async fn ask<T: Send + 'static>(
        &self,
        operation: &'static str,
        question: impl FnOnce(&Connection) -> Result<T, Fault> + Send + 'static,
    ) -> Result<T> {
        let (reply, answer) = oneshot::channel();
        let question: Question = Box::new(move |connection| {
            let answer = connection
                .unchecked_transaction()
                .map_err(Fault::from)
                .and_then(|snapshot| question(&snapshot));
            drop(reply.send(answer));
        });
        let gone = || Error::not_applied(ErrorKind::Internal, operation, "the journal's reader has stopped");
        let inbox = self.inbox.as_ref().ok_or_else(gone)?;
        inbox.send(question).map_err(|_| gone())?;
        let answer = answer.await.map_err(|oneshot::Canceled| gone())?;
        answer.map_err(|fault| fault.error(operation, Effect::NotApplied, &self.journal))
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        drop(self.inbox.take());
        if self.thread.take().is_some_and(|thread| thread.join().is_err()) {
            tracing::error!("the journal's reader panicked");
        }
    }
}
