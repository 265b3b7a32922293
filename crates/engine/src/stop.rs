//! How a run is asked to stop: the action in hand is finished and written down, nothing new is begun.

use tokio::sync::watch;

/// A request to stop that many can wait for.
#[derive(Clone, Debug)]
pub struct Stop {
    sender: watch::Sender<bool>,
}

impl Default for Stop {
    fn default() -> Self {
        Self { sender: watch::Sender::new(false) }
    }
}

impl Stop {
    /// Asks every rotation to stop after the action in hand.
    pub fn request(&self) {
        self.sender.send_replace(true);
    }

    /// Whether somebody asked.
    pub fn requested(&self) -> bool {
        *self.sender.borrow()
    }

    /// Returns once somebody asked.
    pub async fn wait(&self) {
        // The sender lives in `self`, so the channel cannot close while this waits.
        let _ = self.sender.subscribe().wait_for(|asked| *asked).await;
    }
}
