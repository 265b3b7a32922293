//! Output of a command, bounded.

use std::io;

use tokio::io::{AsyncRead, AsyncReadExt};

/// How much of one stream is kept.
const KEPT_BYTES: usize = 64 * 1024;

/// The beginning of one stream, and how long it was. The rest is read and dropped, so that a command that prints a lot
/// neither blocks nor dies of a closed pipe.
pub(super) struct Capture {
    kept: Vec<u8>,
    limit: usize,
    total: u64,
}

impl Capture {
    /// Keeps the first 64 KiB.
    pub(super) fn beginning() -> Self {
        Self { kept: Vec::new(), limit: KEPT_BYTES, total: 0 }
    }

    /// Keeps nothing: what nobody will look at is better not kept, for it may hold a value.
    pub(super) fn length() -> Self {
        Self { kept: Vec::new(), limit: 0, total: 0 }
    }

    /// Reads `stream` to its end.
    pub(super) async fn drain(&mut self, stream: Option<impl AsyncRead + Unpin>) -> io::Result<()> {
        let Some(mut stream) = stream else { return Ok(()) };
        // On the heap: every future that awaits this one would be as large.
        let mut chunk = vec![0; 8192];
        loop {
            let read = stream.read(&mut chunk).await?;
            if read == 0 {
                return Ok(());
            }
            let room = self.limit - self.kept.len();
            self.kept.extend_from_slice(&chunk[..read.min(room)]);
            self.total += read as u64;
        }
    }

    /// How many bytes came.
    pub(super) fn total(&self) -> u64 {
        self.total
    }

    /// What was kept.
    pub(super) fn into_kept(self) -> Vec<u8> {
        self.kept
    }
}
