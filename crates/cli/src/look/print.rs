//! Writing to stdout and stderr, where either may be a closed pipe or a full disk.

use std::io::{ErrorKind, Write};

use serde::Serialize;

use crate::{args::Output, exit, failure::Failure, look::json};

/// Writes `text` and a line end to stdout. A reader that has seen enough (`| head`) is no failure.
pub(crate) fn say(text: &str) -> Result<(), Failure> {
    let mut stdout = anstream::stdout().lock();
    let written = stdout.write_all(text.trim_end().as_bytes()).and_then(|()| stdout.write_all(b"\n"));
    match written.and_then(|()| stdout.flush()) {
        Ok(()) => Ok(()),
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        Err(error) => {
            Err(Failure::new(exit::NOT_DONE, format!("the result cannot be written: {error}"))
                .without_state())
        }
    }
}

/// Writes `text` and a line end to stderr. If nobody can read it there, nobody can be told.
pub(crate) fn tell(text: &str) {
    let mut stderr = anstream::stderr().lock();
    let _ = stderr.write_all(text.trim_end().as_bytes()).and_then(|()| stderr.write_all(b"\n"));
}

/// Writes a result as the user asked for it: `document`, or the words for it.
pub(crate) fn show<T: Serialize + ?Sized>(
    output: Output,
    document: &T,
    words: impl FnOnce() -> String,
) -> Result<(), Failure> {
    match output {
        Output::Text => say(&words()),
        Output::Json => say(&json::document(document)),
    }
}
