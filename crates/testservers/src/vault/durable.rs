//! What a server that keeps its word does with each write before it answers: the disk has it.

use std::{
    fs::File,
    io::{self, Write},
    path::Path,
    sync::mpsc::{Receiver, Sender, channel},
    thread::{self, JoinHandle},
};

use tokio::sync::oneshot;

/// A file that every write is appended to. Writes that wait at the same time share one `fdatasync`, as those of a log do that
/// is written for many clients.
pub(super) struct Durable {
    queue: Option<Sender<Entry>>,
    writer: Option<JoinHandle<()>>,
}

struct Entry {
    bytes: Vec<u8>,
    written: oneshot::Sender<()>,
}

impl Durable {
    pub(super) fn at(path: &Path) -> io::Result<Self> {
        let file = File::create(path)?;
        let (queue, entries) = channel();
        let writer = thread::spawn(move || write_all(file, &entries));
        Ok(Self { queue: Some(queue), writer: Some(writer) })
    }

    /// Resolves once the disk has `bytes`; with an error if it will never have them.
    pub(super) fn append(&self, bytes: Vec<u8>) -> oneshot::Receiver<()> {
        let (written, is_written) = oneshot::channel();
        if let Some(queue) = &self.queue {
            // A writer that is gone drops the entry, which the receiver sees.
            let _gone = queue.send(Entry { bytes, written });
        }
        is_written
    }
}

impl Drop for Durable {
    fn drop(&mut self) {
        self.queue = None;
        if let Some(writer) = self.writer.take() {
            let _panicked = writer.join();
        }
    }
}

fn write_all(mut file: File, entries: &Receiver<Entry>) {
    while let Ok(first) = entries.recv() {
        let mut together = vec![first];
        together.extend(entries.try_iter());
        let bytes: Vec<u8> = together.iter().flat_map(|entry| entry.bytes.iter().copied()).collect();
        file.write_all(&bytes).and_then(|()| file.sync_data()).expect("the log of writes is written");
        for entry in together {
            let _left = entry.written.send(());
        }
    }
}
