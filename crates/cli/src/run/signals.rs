//! Ctrl-C and SIGTERM: the first ends the run between two steps, the second ends the process.

use keywheel::engine::Stop;
use tokio::signal::unix::{SignalKind, signal};

use crate::{exit, look};

/// Heeds both signals for as long as the process lives. Must run inside the runtime.
pub(crate) fn heed(stop: Stop) {
    let (Ok(mut interrupt), Ok(mut terminate)) =
        (signal(SignalKind::interrupt()), signal(SignalKind::terminate()))
    else {
        // Then they end the process as they always do, which the journal survives.
        tracing::warn!("signals cannot be heeded");
        return;
    };
    tokio::spawn(async move {
        let mut asked = false;
        loop {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
            if asked {
                look::tell(
                    "\nAborted between two records. `keywheel resume` finds out what happened and goes on.",
                );
                std::process::exit(exit::ABORTED.code().into());
            }
            asked = true;
            stop.request();
            look::tell("\nFinishing the step in hand; press again to abort.");
        }
    });
}
