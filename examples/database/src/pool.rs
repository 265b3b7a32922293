//! Workers that ask one server all the time, each over a connection of its own.

use std::{
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::{
    sync::{Notify, watch},
    time::sleep,
};

use crate::{document::Document, report::Report, server::Connection};

/// Connections of a pool.
const SIZE: usize = 8;

/// Between two requests of one connection.
const PAUSE: Duration = Duration::from_millis(2);

/// The connections with one credential.
pub(crate) struct Pool {
    pub(crate) path: PathBuf,
    /// The credential, and how many there were before it.
    credential: watch::Sender<(u64, Document)>,
    moves: Arc<Moves>,
}

/// How far each worker has come.
struct Moves {
    workers: [AtomicU64; SIZE],
    moved: Notify,
}

impl Pool {
    /// Starts the workers.
    pub(crate) fn open(path: PathBuf, document: Document, report: &Arc<Report>) -> Self {
        let (credential, seen) = watch::channel((1, document));
        let moves = Arc::new(Moves { workers: Default::default(), moved: Notify::new() });
        for worker in 0..SIZE {
            tokio::spawn(work(worker, seen.clone(), moves.clone(), report.clone()));
        }
        Self { path, credential, moves }
    }

    /// Its name: that of the document.
    pub(crate) fn name(&self) -> String {
        self.path.file_name().unwrap_or_default().to_string_lossy().into_owned()
    }

    /// What it is to use.
    pub(crate) fn fingerprint(&self) -> String {
        self.credential.borrow().1.fingerprint.clone()
    }

    /// Every worker takes a new connection after the request in hand.
    pub(crate) fn switch_to(&self, document: Document) {
        self.credential.send_if_modified(|(number, known)| {
            let new = known.fingerprint != document.fingerprint;
            if new {
                (*number, *known) = (*number + 1, document);
            }
            new
        });
    }

    /// Resolves when no connection with an earlier credential is left.
    pub(crate) async fn has_moved(&self) {
        let wanted = self.credential.borrow().0;
        loop {
            let moved = self.moves.moved.notified();
            if self.moves.workers.iter().all(|at| at.load(Ordering::Relaxed) >= wanted) {
                return;
            }
            moved.await;
        }
    }
}

async fn work(
    worker: usize,
    mut seen: watch::Receiver<(u64, Document)>,
    moves: Arc<Moves>,
    report: Arc<Report>,
) {
    loop {
        let (number, document) = seen.borrow_and_update().clone();
        let mut connection = match Connection::open(&document).await {
            Ok(connection) => connection,
            Err(error) => {
                report.failed(&document, &error);
                sleep(PAUSE * 10).await;
                continue;
            }
        };
        moves.workers[worker].store(number, Ordering::Relaxed);
        moves.moved.notify_waiters();
        while matches!(seen.has_changed(), Ok(false)) {
            match connection.ask().await {
                Ok(()) => report.served(&document),
                Err(error) => {
                    report.failed(&document, &error);
                    break;
                }
            }
            sleep(PAUSE).await;
        }
    }
}
